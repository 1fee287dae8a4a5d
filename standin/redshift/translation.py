"""A client's text as the bytes for Postgres, remembered: the same text is rewritten once."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from standin.redshift.dialect.rewrite import is_known_untouched, rewrite
from standin.redshift.dialect.statement import ColumnsNeeded, Context, DialectError, Statement
from standin.redshift.replies import Batch, Completion, Expect, Hidden, Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from standin.redshift.dialect.statement import Columns

_STATEMENTS = 4096
_LARGEST = 1 << 16


@dataclass(frozen=True, slots=True)
class Translation:
    """What a text became.

    Attributes:
        text: for Postgres, all statements in one; means nothing unless it has `changed`.
        changed: whether it is to be sent in place of the client's.
        replies: what to expect for it as a simple Query, its ReadyForQuery included.
        batch: its statements.
        is_plain: it can be sent as it is; else a statement is executed by the gateway, or depends on the transaction.
        is_remarkable: as a prepared statement, it needs attention when it is executed.
    """

    text: bytes
    changed: bool
    replies: tuple[Reply, ...]
    batch: Batch
    is_plain: bool
    is_remarkable: bool


class Translator:
    """Translates for all connections that have the same context."""

    def __init__(self, context: Context, report: Callable[[BaseException], None]) -> None:
        self._context = context
        self._report = report
        self._known: dict[bytes, Translation] = {}

    def translate(self, text: bytes, columns: Mapping[str, Columns] | None = None) -> Translation:
        """The translation of a text; `columns` answers an earlier `ColumnsNeeded`.

        Raises `ColumnsNeeded`, and `DialectError` for every fault.
        """
        if not columns and (known := self._known.get(text)) is not None:
            return known
        context = replace(self._context, columns=columns) if columns else self._context
        sql = _decoded(text)
        if is_known_untouched(sql, context):
            return _PLAIN
        statements = self._rewrite(sql, context)
        if len(statements) == 1 and statements[0].text == sql and not _is_remarkable(statements[0]):
            return _PLAIN
        made = _translation(text, statements)
        # what depends on columns holds for the moment; what is executed here may hold a secret
        if not columns and made.is_plain and len(text) <= _LARGEST:
            if len(self._known) >= _STATEMENTS:
                del self._known[next(iter(self._known))]
            self._known[text] = made
        return made

    def _rewrite(self, sql: str, context: Context) -> list[Statement]:
        try:
            return rewrite(sql, context)
        except (DialectError, ColumnsNeeded):
            raise
        except Exception as error:
            self._report(error)
            raise DialectError(
                f"the Redshift face has a fault and could not rewrite this statement ({type(error).__name__})", "XX000"
            ) from error


def _decoded(text: bytes) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise DialectError(f'invalid byte sequence for encoding "UTF8": 0x{text[error.start]:02x}', "22021") from error


def _is_remarkable(statement: Statement) -> bool:
    return bool(
        statement.tag
        or statement.commits
        or statement.action is not None
        or statement.outside_transaction
        or statement.setting
    )


def _translation(text: bytes, statements: list[Statement]) -> Translation:
    parts: list[str] = []
    offsets: list[int] = []
    length = 0
    for statement in statements:
        offsets.append(length)
        parts.append(statement.text + (";commit" if statement.commits else ""))
        length += len(parts[-1]) + 1
    joined = ";".join(parts).encode()
    batch = Batch(tuple(statements), tuple(offsets))
    replies: list[Reply] = []
    for number, statement in enumerate(statements):
        replies.append(Completion(batch, number))
        if statement.commits:
            replies.append(Hidden.COMMIT)
    return Translation(
        text=joined,
        changed=True,
        replies=(*replies, Expect.READY),
        batch=batch,
        is_plain=not any(each.action is not None or each.outside_transaction for each in statements),
        is_remarkable=any(_is_remarkable(each) for each in statements),
    )


def prepared(translation: Translation, text: bytes) -> bytes:
    """The text to prepare for a client's; what the gateway executes itself is without effect to Postgres.

    Raises `DialectError` for more than one statement.
    """
    if not translation.changed:
        return text
    statements = translation.batch.statements
    if len(statements) > 1:
        raise DialectError("cannot insert multiple commands into a prepared statement", "42601")
    if statements[0].action is not None:
        return b"do 'begin end'"
    return statements[0].text.encode()


# One statement, or none, that Postgres takes as it is.
_PLAIN = Translation(b"", False, (Expect.EXECUTE, Expect.READY), Batch((), ()), is_plain=True, is_remarkable=False)
