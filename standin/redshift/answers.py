"""What the backend says, on its way to the client: each answer is known for what it answers.

Bytes are looked at where they lie: a piece of the stream in which nothing changes is written as it came. Everything
that was sent and has an answer stands in `expected`, in order.
"""

from __future__ import annotations

import asyncio
import struct
from collections import deque
from functools import lru_cache
from typing import TYPE_CHECKING

from standin.redshift import errors, protocol, types
from standin.redshift.dialect import names
from standin.redshift.dialect.session import SERVER_VERSION
from standin.redshift.replies import (
    Answer,
    Completion,
    Description,
    Expect,
    Hidden,
    IntervalRows,
    QuietSync,
    Refusal,
    Reply,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from standin.redshift.dialect.statement import Statement
    from standin.redshift.vigil import Vigil

# so many pieces of a COPY wait for who takes them; then the backend waits, too
_COPIED_PIECES = 512

_DESCRIBE, _EXECUTE, _SYNC, _READY = Expect.DESCRIBE, Expect.EXECUTE, Expect.SYNC, Expect.READY
_unpack_length = struct.Struct("!I").unpack_from


class Answers:
    """The way from one backend to its client.

    Attributes:
        expected: what is yet to be answered.
        status: of the transaction, as in the last ReadyForQuery: I, T or E.
        failed: a message of the batch has failed, and Postgres skips everything until Sync.
        key: process number and secret of the backend, for who wants to cancel.
        copying: the backend waits for the client's rows.
    """

    def __init__(
        self,
        client: asyncio.Transport,
        vigil: Vigil,
        *,
        on_authentication: Callable[[bytes], bytes | None],
        on_completion: Callable[[Statement], None],
        on_transaction: Callable[[int, bytes, bool], None],
        hold_backend: Callable[[], None],
    ) -> None:
        self.client = client
        self.expected: deque[Reply] = deque([_SYNC])
        self.status = b"I"
        self.failed = False
        self.key = b""
        self.copying = False
        self._on_authentication = on_authentication
        self._on_completion = on_completion
        self._on_transaction = on_transaction
        self._is_watching = False
        self._hold_backend = hold_backend
        self._vigil = vigil
        # the columns of the rows to come that are VARBYTE in text
        self._bytes: tuple[int, ...] = ()
        # how many of the expected answers are looked into row by row
        self._hidden = 0
        # a message that is not whole yet, and how much of one is still to be passed on
        self._tail = b""
        self._passing = 0
        self._settled: asyncio.Future[None] | None = None

    def received(self, data: bytes) -> None:  # noqa: PLR0912, PLR0915 - one pass
        """Bytes from Postgres."""
        if self._tail:
            data = self._tail + data
            self._tail = b""
        size = len(data)
        position = start = 0
        if self._passing:
            position = min(self._passing, size)
            self._passing -= position
        out: list[bytes] = []
        expected = self.expected
        last = size - 5
        while position <= last:
            code = data[position]
            end = position + 1 + _unpack_length(data, position + 1)[0]
            if code in b"Dd" and not self._hidden and not self._bytes:
                # DataRow, CopyData: a million of them is not unusual
                while end <= last and data[end] == code:
                    end += 1 + _unpack_length(data, end + 1)[0]
                position = end
                if end > size:
                    self._passing = end - size
                    position = size
                continue
            if end > size:
                break
            change = None
            # what is usual and goes on as it is comes first; `_change` would tell the same of it
            if self._hidden:
                change = self._change(code, data[position + 5 : end])
            elif code in b"12":  # BindComplete, ParseComplete
                expected.popleft()
            elif code == 67 and expected[0] is _EXECUTE:
                expected.popleft()
                self.copying = False
                self._bytes = ()
            elif code == 90 and (expected[0] is _SYNC or expected[0] is _READY):
                expected.popleft()
                self.status = data[position + 5 : end]
                self.failed = False
                self._bytes = ()
            elif code == 84 and _is_plain(data[position + 5 : end]) and not isinstance(expected[0], Description):
                if expected[0] is _DESCRIBE:
                    expected.popleft()
                self._bytes = ()
            else:
                change = self._change(code, data[position + 5 : end])
            if change is not None:
                if start < position:
                    out.append(data[start:position])
                out.append(change)
                start = end
            position = end
        write(self.client, out, data, start, position)
        if position < size:
            self._tail = data[position:]
        if not expected:
            self._vigil.answered(self)
        if self._settled is not None:
            self._settle()

    def _change(self, code: int, body: bytes) -> bytes | None:  # noqa: PLR0911, PLR0912 - one case for each kind
        """What the client gets in place of a message; None if it gets that very message."""
        expected = self.expected
        if self._is_watching and code in b"CZ":
            self._on_transaction(code, body, self.failed)
        if self._hidden and expected and isinstance(expected[0], Answer | Hidden):
            return self._overhear(expected[0], code, body)
        if code in b"CIs":  # CommandComplete, EmptyQueryResponse, PortalSuspended
            self.copying = False
            self._bytes = ()
            reply = expected.popleft()
            if isinstance(reply, IntervalRows):
                self._hidden -= 1
            elif code == 67 and isinstance(reply, Completion):
                return self._completed(reply.statement)
        elif code == 90:  # ReadyForQuery
            self._bytes = ()
            return self._ready(body)
        elif code == 84:  # RowDescription
            described = types.describe(names.restored(body))
            self._bytes = types.printed_bytes(described)
            reply = expected[0]
            if reply is _DESCRIBE or isinstance(reply, Description):
                expected.popleft()
                if isinstance(reply, Description):
                    described = reply.intervals.described(reply.statement, described)
            return None if described is body else protocol.message(b"T", described)
        elif code == 68:  # DataRow
            if expected and isinstance(expected[0], IntervalRows):
                return expected[0].convert(body)
            if self._bytes:
                return types.without_mark(body, self._bytes)
        elif code in b"123n":  # ParseComplete, BindComplete, CloseComplete, NoData
            expected.popleft()
        elif code == 116:  # ParameterDescription
            described = types.parameters(body)
            return None if described is body else protocol.message(b"t", described)
        elif code == 69:  # ErrorResponse
            return self._error(body)
        elif code == 71:  # CopyInResponse
            self.copying = True
        elif code == 83:  # ParameterStatus
            return _parameter(body)
        elif code == 75:  # BackendKeyData
            self.key = body
        elif code == 82:  # Authentication
            return self._on_authentication(body)
        return None

    def _completed(self, statement: Statement) -> bytes | None:
        self._on_completion(statement)
        return None if statement.tag is None else protocol.message(b"C", statement.tag.encode() + b"\0")

    def _error(self, body: bytes) -> bytes:
        expected = self.expected
        reply = expected[0] if expected else None
        self.failed = True
        if isinstance(reply, Refusal):
            change = reply.error
        else:
            fields = errors.translate(protocol.split_fields(names.restored(body)))
            if isinstance(reply, Completion) and fields.get("P", "").isdigit():
                position = reply.batch.position(int(fields.pop("P")))
                if position is not None:
                    fields["P"] = str(position)
            change = protocol.message(b"E", protocol.join_fields(fields))
        if self.copying:
            self.copying = False
            self.swallow_sync()
        self._skip()
        return change

    def _skip(self) -> None:
        """After an error: what was sent up to the next Sync gets no answer."""
        expected = self.expected
        while expected:
            reply = expected[0]
            if reply is _SYNC or reply is _READY or isinstance(reply, QuietSync):
                break
            if isinstance(reply, Answer) and reply.simple:
                break
            expected.popleft()
            if isinstance(reply, Answer | Hidden | IntervalRows):
                self._hidden -= 1
                if isinstance(reply, Answer):
                    reply.skipped = True
                    reply.end()

    def _ready(self, body: bytes) -> bytes | None:
        expected = self.expected
        if expected[0] is not _SYNC and expected[0] is not _READY:
            self._skip()
        self.status = body
        failed, self.failed = self.failed, False
        reply = expected.popleft()
        if isinstance(reply, QuietSync):
            if not reply.ready.done():
                reply.ready.set_result(failed)
            if reply.quiet:
                return b""
        return None

    def _overhear(self, reply: Answer | Hidden, code: int, body: bytes) -> bytes | None:  # noqa: PLR0912
        """A message that answers the gateway's own question."""
        if code in b"SKA":  # parameters and notifications are for the client whenever they come
            return _parameter(body) if code == 83 else None
        if isinstance(reply, Hidden):
            if code == 67:
                self._end_hidden()
            elif code == 69:
                return self._error(body)
        elif code == 100:
            reply.copied.append(body)
            reply.arrived.set()
            if len(reply.copied) == _COPIED_PIECES:
                self._hold_backend()
        elif code == 68:
            reply.rows.append(body)
        elif code == 84:
            reply.columns = protocol.columns(body)
        elif code == 71:
            reply.feeding.set()
        elif code == 69:
            reply.error = protocol.split_fields(body)
            if not reply.simple:
                self.failed = True
                self._end_hidden()
        elif code == 90 and reply.simple:
            self.status = body
            self.failed = False
            self._end_hidden()
        elif code == 51 and not reply.simple:
            reply.closes -= 1
            if not reply.closes:
                self._end_hidden()
        return b""

    def _end_hidden(self) -> None:
        reply = self.expected.popleft()
        self._hidden -= 1
        if isinstance(reply, Answer):
            reply.end()

    # -------------------------------------------------------------------------------------------- for who sends

    def hide(self, *replies: Answer | Hidden | IntervalRows) -> None:
        """Expect answers that the client does not see, or not as they come."""
        self._hidden += len(replies)
        self.expected.extend(replies)

    def extend(self, replies: tuple[Reply, ...]) -> None:
        """Expect answers to a simple Query."""
        self.expected.extend(replies)
        self._hidden += sum(isinstance(reply, Answer | Hidden) for reply in replies)

    def watch(self, *, is_watching: bool) -> None:
        """Tell of every CommandComplete and ReadyForQuery, or no longer."""
        self._hidden += is_watching - self._is_watching
        self._is_watching = is_watching

    def swallow_sync(self) -> None:
        """A Sync that came while the backend waited for rows is never answered."""
        if len(self.expected) > 1 and self.expected[1] is _SYNC:
            del self.expected[1]

    async def settle(self) -> None:
        """Wait until everything sent so far is answered, or skipped because the batch has failed."""
        if not self._is_settled():
            self._settled = asyncio.get_running_loop().create_future()
            await self._settled

    def end(self) -> None:
        """Nothing more will come: wake whoever waits."""
        for reply in self.expected:
            if isinstance(reply, Answer):
                reply.skipped = True
                reply.end()
            elif isinstance(reply, QuietSync) and not reply.ready.done():
                reply.ready.set_result(True)
        if self._settled is not None and not self._settled.done():
            self._settled.set_result(None)

    def _is_settled(self) -> bool:
        if not self.expected:
            return True
        # what follows a failure is answered only if a Sync is among it
        return self.failed and not any(
            reply is _SYNC or reply is _READY or isinstance(reply, QuietSync) for reply in self.expected
        )

    def _settle(self) -> None:
        if self._settled is not None and self._is_settled():
            if not self._settled.done():
                self._settled.set_result(None)
            self._settled = None


@lru_cache(maxsize=256)
def _is_plain(description: bytes) -> bool:
    """Whether a RowDescription's body tells of no type and no name that is another one to the client."""
    return types.describe(description) is description and not names.may_be_short(description)


def _parameter(body: bytes) -> bytes | None:
    if body.startswith(b"server_version\0"):
        version = protocol.message(b"S", b"server_version\0" + SERVER_VERSION.encode() + b"\0")
        # redshift_connector asks SHOW for metadata from version 4 on, and old catalogue queries otherwise
        return version + protocol.message(b"S", b"show_discovery\x004\0")
    return None


def write(transport: asyncio.Transport, out: list[bytes], data: bytes, start: int, end: int) -> None:
    """Write the changed pieces, and what follows them unchanged."""
    if start < end:
        if not out:
            transport.write(data if end - start == len(data) else data[start:end])
            return
        out.append(data[start:end])
    if out:
        transport.write(out[0] if len(out) == 1 else b"".join(out))
