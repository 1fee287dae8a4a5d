"""A client's text as the bytes for Postgres, remembered: the same text is rewritten once.

Most statements need no rewriting, and many come again with other numbers in them. What a statement looks like with its
numbers blotted out is remembered, too: where rewriting left everything alone, it does so whatever the numbers are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from standin.redshift.case import concerns as concerns_case
from standin.redshift.dialect.rewrite import rewrite
from standin.redshift.dialect.statement import ColumnsNeeded, Context, DialectError, Statement
from standin.redshift.replies import Batch, Completion, Expect, Hidden, Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from standin.redshift.dialect.statement import Columns

_STATEMENTS = 4096
_LARGEST = 20_000
_NUMBER = re.compile(rb"\b\d+\b")
_LARGEST_SHAPED = 2_000
# what stands in quotes is no number, beyond ASCII bytes do not tell where a word ends, and the type of a quotient
# depends on the size of its numbers
_NOT_SHAPED = re.compile(rb"['\"$/\x80-\xff]")
# no other rewriting of these looks at a number's value and then leaves the number alone
_SHAPED = frozenset({"select", "with", "insert", "update", "delete"})


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
        sets_case: it may change how the next statements are read.
    """

    text: bytes
    changed: bool
    replies: tuple[Reply, ...]
    batch: Batch
    is_plain: bool
    is_remarkable: bool
    sets_case: bool = False


class Translator:
    """Translates for all connections that have the same context."""

    def __init__(self, context: Context, report: Callable[[BaseException], None]) -> None:
        self._context = context
        self._report = report
        self._known: dict[bytes, Translation] = {}
        self._untouched: dict[bytes, Translation] = {}

    def translate(self, text: bytes, columns: Mapping[str, Columns] | None = None) -> Translation:
        """The translation of a text; `columns` answers an earlier `ColumnsNeeded`.

        Raises `ColumnsNeeded`, and `DialectError` for every fault.
        """
        if not columns and (known := self._remembered(text)) is not None:
            return known
        sql = _decoded(text)
        statements = self._rewrite(sql, replace(self._context, columns=columns) if columns else self._context)
        first = statements[0]
        is_untouched = len(statements) == 1 and first.text == sql and not _is_remarkable(first)
        made = _UNTOUCHED if is_untouched else _translation(statements)
        # what depends on columns holds for the moment; what is executed here may hold a secret
        if not columns and made.is_plain:
            self._remember(text, made, first.kind)
        return made

    def _remembered(self, text: bytes) -> Translation | None:
        known = self._known.get(text)
        if known is None and len(text) <= _LARGEST_SHAPED:
            known = self._untouched.get(_NUMBER.sub(b"0", text))
        return known

    def _remember(self, text: bytes, made: Translation, kind: str) -> None:
        if len(text) <= _LARGEST:
            _put(self._known, text, made)
        if made is _UNTOUCHED and kind in _SHAPED and len(text) <= _LARGEST_SHAPED and not _NOT_SHAPED.search(text):
            _put(self._untouched, _NUMBER.sub(b"0", text), made)

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


def _put(memory: dict[bytes, Translation], text: bytes, made: Translation) -> None:
    if len(memory) >= _STATEMENTS:
        # the one that came first
        del memory[next(iter(memory))]
    memory[text] = made


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


def _translation(statements: list[Statement]) -> Translation:
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
        sets_case=any(concerns_case(each.setting) for each in statements),
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
_UNTOUCHED = Translation(b"", False, (Expect.EXECUTE, Expect.READY), Batch((), ()), is_plain=True, is_remarkable=False)
