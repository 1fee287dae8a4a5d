"""`enable_case_sensitive_identifier` of one session, through its transactions.

The gateway reads statements by it, so it keeps what Postgres keeps: a SET is undone when its transaction is rolled
back, a SET LOCAL when it ends, and RESET makes it what it was when the session began.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from standin.redshift.dialect.statement import Setting

CASE_SENSITIVE = "enable_case_sensitive_identifier"


def concerns(setting: Setting | None) -> bool:
    """Whether a statement that sets this may change how the next ones are read."""
    return setting is not None and setting.name in (CASE_SENSITIVE, "all")


class CaseSensitivity:
    """What holds.

    Attributes:
        now: for the next statement.
    """

    def __init__(self, initial: bool) -> None:
        self.now = initial
        self._initial = initial
        self._after_commit = initial
        self._after_rollback = initial

    @property
    def is_settled(self) -> bool:
        """Whether it stays the same however the transaction ends."""
        return self.now == self._after_commit == self._after_rollback

    def set(self, setting: Setting) -> None:
        """A statement that concerns it has been executed."""
        self.now = self._initial if setting.value is None else setting.value == "on"
        if not setting.is_local:
            self._after_commit = self.now

    def told(self, code: int, body: bytes, *, failed: bool) -> None:
        """Postgres says that a statement is complete (C), or ready for the next (Z), after a failure or not."""
        if code == 67:
            if body == b"COMMIT\0":
                self._ended(self._after_commit)
            elif body == b"ROLLBACK\0":
                self._ended(self._after_rollback)
        elif body == b"I":
            self._ended(self._after_rollback if failed else self._after_commit)

    def _ended(self, value: bool) -> None:
        self.now = self._after_commit = self._after_rollback = value
