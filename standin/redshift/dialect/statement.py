"""What the dialect hands to the connection: statements ready for Postgres, and the two ways in which it can fail."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

FEATURE_NOT_SUPPORTED = "0A000"
SYNTAX_ERROR = "42601"
ACTIVE_TRANSACTION = "25001"

Columns = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Context:
    """What rewriting may depend on besides the text.

    Attributes:
        database: the database that the client is connected to.
        user: the user who is logged in.
        case_sensitive: `enable_case_sensitive_identifier`; off, quoted identifiers are folded to lower case too.
        columns: what the backend answered for the relations of a `ColumnsNeeded`: relation text, exactly as it was
            asked, to its (column, type) pairs in order; empty for a relation that does not exist.
    """

    database: str = "dev"
    user: str = ""
    case_sensitive: bool = False
    columns: Mapping[str, Columns] = field(default_factory=dict)


class Setting(NamedTuple):
    """A parameter of Redshift's that a statement sets.

    Attributes:
        name: in lower case; "all" for RESET ALL.
        value: "on" and "off" for booleans; None makes it what it was when the session began.
        is_local: until the end of the transaction only.
    """

    name: str
    value: str | None = None
    is_local: bool = False


@dataclass(frozen=True)
class Statement:
    """One statement, as it goes to Postgres.

    Attributes:
        text: the SQL for Postgres.
        kind: the leading keyword of what the client wrote, in lower case ("select", "copy", "vacuum"); "" if empty.
        tag: the command tag that Redshift reports, if it differs from what Postgres will say.
        action: a `s3.CopyCommand` or `s3.UnloadCommand`: the connection executes it instead of `text`.
        commits: Redshift commits the transaction after it (TRUNCATE, ALTER TABLE APPEND).
        outside_transaction: Redshift refuses it inside a transaction block (VACUUM, ALTER COLUMN TYPE).
        setting: the parameter of Redshift's that the statement sets.
        start: offset of the statement in the string that the client sent.
        spots: where text moved or was put in: (offset in `text`, offset in the client's string, whether what follows is
            the client's own), rising; empty if untouched.
    """

    text: str
    kind: str = ""
    tag: str | None = None
    action: object | None = None
    commits: bool = False
    outside_transaction: bool = False
    setting: Setting | None = None
    start: int = 0
    spots: tuple[tuple[int, int, bool], ...] = ()

    def position(self, position: int) -> int:
        """The client's position (1-based, in characters) of a position in `text`, as error messages carry them."""
        offset = position - 1
        found = bisect_right(self.spots, offset, key=lambda spot: spot[0]) - 1
        if found < 0:
            return offset + self.start + 1
        here, there, is_kept = self.spots[found]
        return (there + offset - here if is_kept else there) + 1


class DialectError(Exception):
    """Redshift would refuse the statement, or the stand-in does not support it.

    Attributes:
        message: the error's text, as Redshift words it where that is known.
        sqlstate: five characters.
        position: 1-based position in the client's string, if one is known.
        hint: what to do instead.
        detail: more about it.
    """

    def __init__(
        self,
        message: str,
        sqlstate: str = FEATURE_NOT_SUPPORTED,
        position: int | None = None,
        hint: str | None = None,
        detail: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.sqlstate = sqlstate
        self.position = position
        self.hint = hint
        self.detail = detail


class ColumnsNeeded(Exception):  # noqa: N818 - a question to the connection, not a failure
    """Rewriting must know the columns of relations; ask the backend and call again with `Context.columns`.

    Attributes:
        relations: the tables' and views' names, quoted, as they can stand in `SELECT * FROM <relation> AS r`. Describe
            that SELECT, do not run it.
    """

    def __init__(self, relations: tuple[str, ...]) -> None:
        super().__init__(", ".join(relations))
        self.relations = relations
