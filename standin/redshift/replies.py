"""What the backend is expected to answer next, one entry for each message that has an answer of its own."""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from standin.redshift import protocol
    from standin.redshift.dialect.statement import Statement
    from standin.redshift.intervals import Intervals


class Expect(Enum):
    """Answers that are passed on as they come, and need no more than to be counted."""

    PARSE = 1
    BIND = 2
    CLOSE = 3
    DESCRIBE = 4
    EXECUTE = 5
    SYNC = 6
    # the end of a simple Query
    READY = 7


@dataclass(frozen=True, slots=True)
class Batch:
    """The statements that one Query or Parse became, and where each begins in the text that Postgres got.

    With `is_secret` no error has a position: a client would print what of its text stands there, a COPY's keys perhaps.
    """

    statements: tuple[Statement, ...]
    offsets: tuple[int, ...]
    is_secret: bool = False

    def position(self, position: int) -> int | None:
        """The client's position of a position in our text; both count characters from 1."""
        if self.is_secret:
            return None
        found = 0
        for number, offset in enumerate(self.offsets):
            if offset < position:
                found = number
        return self.statements[found].position(position - self.offsets[found])


@dataclass(frozen=True, slots=True)
class Completion:
    """A statement whose end is more than passed on: another tag, a position to correct, a setting to remember."""

    batch: Batch
    number: int

    @property
    def statement(self) -> Statement:
        """The statement that it is about."""
        return self.batch.statements[self.number]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A statement refused here: the backend's complaint about what it got in its place becomes this error."""

    error: bytes


@dataclass(frozen=True, slots=True)
class Description:
    """The description of a statement in which a Redshift driver may find intervals."""

    intervals: Intervals
    statement: bytes


@dataclass(frozen=True, slots=True)
class IntervalRows:
    """An Execute whose rows change on their way."""

    convert: Callable[[bytes], bytes]


class Hidden(Enum):
    """An answer that the client did not ask for and does not see."""

    COMMIT = 1


@dataclass(slots=True)
class QuietSync:
    """A ReadyForQuery that the gateway waits for; if it is quiet, the client does not see it."""

    # done with whether something before it failed
    ready: asyncio.Future[bool]
    quiet: bool = True


@dataclass(slots=True, eq=False)
class Answer:
    """What the backend says to a question of the gateway's own; the client sees nothing of it.

    Ends with ReadyForQuery if it is `simple`, with CloseComplete or an error if it is part of the client's batch.
    """

    ready: asyncio.Future[None]
    simple: bool = False
    # how many CloseCompletes it has yet to see
    closes: int = 1
    columns: list[protocol.Column] = field(default_factory=list)
    rows: list[bytes] = field(default_factory=list)
    error: dict[str, str] | None = None
    # the batch had failed before: the question was never looked at
    skipped: bool = False
    # the backend waits for CopyData
    feeding: asyncio.Event = field(default_factory=asyncio.Event)
    # CopyData that came, not yet taken
    copied: deque[bytes] = field(default_factory=deque)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    def end(self) -> None:
        """Wake whoever waits for it."""
        if not self.ready.done():
            self.ready.set_result(None)
        self.feeding.set()
        self.arrived.set()


Reply = Expect | Completion | Refusal | Description | IntervalRows | Hidden | QuietSync | Answer


class Failed(Exception):  # noqa: N818 - it is Postgres that failed, and it says why
    """Postgres refused a question; `fields` are those of its error, None if it had failed before."""

    def __init__(self, fields: dict[str, str] | None) -> None:
        super().__init__(None if fields is None else fields.get("C"))
        self.fields = fields


def checked(answer: Answer) -> Answer:
    """The answer, unless it is an error; raises `Failed` then."""
    if answer.error is not None or answer.skipped:
        raise Failed(answer.error)
    return answer
