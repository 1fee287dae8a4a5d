"""One client and the backend that is its own: what the client says goes to Postgres, changed where it must be.

Most statements are rewritten at once. When that takes a question to the backend (the columns of a relation), or when a
statement is executed here (COPY, UNLOAD), a task of `standin.redshift.execution` does it while the client waits.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Protocol

from standin.redshift import protocol, types, upstream
from standin.redshift.answers import Answers, write
from standin.redshift.case import CaseSensitivity, concerns
from standin.redshift.dialect.statement import ACTIVE_TRANSACTION, ColumnsNeeded, DialectError
from standin.redshift.intervals import Intervals
from standin.redshift.login import Login
from standin.redshift.replies import Answer, Completion, Description, Expect, IntervalRows, Refusal, Reply
from standin.redshift.translation import Translation, prepared

if TYPE_CHECKING:
    from standin.redshift.dialect.statement import Statement
    from standin.redshift.execution import Execution
    from standin.redshift.gateway import Gateway
    from standin.server import Server

# as Redshift: what is longer is not even collected
MAX_STATEMENT_BYTES = 16_777_216
# Parsing it fails, and its error gives way to the one that explains.
_FAILS = b'"refused by the Redshift face"'
# of a longer Bind only the beginning is looked at
_LARGE = 1 << 16
_TERMINATE = protocol.message(b"X")
_PARSE, _BIND, _CLOSE, _DESCRIBE = Expect.PARSE, Expect.BIND, Expect.CLOSE, Expect.DESCRIBE
_EXECUTE, _SYNC, _READY = Expect.EXECUTE, Expect.SYNC, Expect.READY
_unpack_length = struct.Struct("!I").unpack_from

# nothing to change; bytes to send instead; work that takes time
Change = bytes | Coroutine[None, None, None] | None


class Cancellable(Protocol):
    """What a connection executes itself."""

    def cancel(self) -> None:
        """End it soon."""


class Backend(asyncio.Protocol):
    """The side towards Postgres."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.data_received = connection.answers.received  # type: ignore[method-assign]

    def connection_lost(self, exc: Exception | None) -> None:
        """The backend is gone: what it said last still reaches the client."""
        self._connection.close()

    def pause_writing(self) -> None:
        """Postgres is slow to read: so are we, then."""
        self._connection.backend_writable.clear()
        self._connection.client.pause_reading()

    def resume_writing(self) -> None:
        """Postgres reads again."""
        self._connection.backend_writable.set()
        self._connection.listen()


class Connection(asyncio.Protocol):
    """Both sides of one relayed connection; as a protocol, the side towards the client.

    With `asks_password` the client is one of Redshift's own drivers, which is logged in by the gateway and gets its
    intervals in Redshift's layout; all others log in to Postgres by themselves.
    """

    def __init__(
        self,
        gateway: Gateway,
        client: asyncio.Transport,
        database: str,
        user: str,
        *,
        case_sensitive: bool,
        asks_password: bool,
    ) -> None:
        self.gateway = gateway
        self._vigil = gateway.vigil
        self.loop = asyncio.get_running_loop()
        self.client = client
        self.backend: asyncio.Transport | None = None
        self.backend_writable = asyncio.Event()
        self.backend_writable.set()
        self._login = Login(self.send, asks_password=asks_password)
        self.answers = Answers(
            client,
            gateway.vigil,
            on_authentication=self._login.answered,
            on_completion=self._completed,
            on_transaction=self._transaction_told,
            hold_backend=self.hold_backend,
        )
        self.database = database
        self.user = user
        # the COPY or UNLOAD that is going on
        self.running: Cancellable | None = None
        self._case = CaseSensitivity(case_sensitive)
        # something is under way after which statements may have to be read otherwise: it must be over first
        self.in_doubt = False
        self.translator = gateway.translator(database, user, case_sensitive=case_sensitive)
        self._intervals = Intervals() if asks_password else None
        # a message that is not whole yet, and how much of one is still to be passed on or thrown away
        self._tail = b""
        self._passing = 0
        self._discarding = 0
        # prepared statements and portals that need more than passing on
        self._prepared: dict[bytes, Translation] = {}
        self._portals: dict[bytes, Translation] = {}
        self._task: asyncio.Task[None] | None = None
        self._waiting: list[bytes] = []
        self._closed = False

    # -------------------------------------------------------------------------------------------- coming and going

    async def open(self, server: Server, startup: bytes) -> None:
        """Connect to Postgres and introduce the client to it. Raises `OSError`."""
        transport, _ = await upstream.connect(server, lambda: Backend(self))
        if self._closed:
            transport.abort()
            return
        self.backend = transport
        transport.write(startup)
        self._take_waiting()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self.close()

    def close(self) -> None:
        """End both sides; a statement that still runs is cancelled."""
        if self._closed:
            return
        self._closed = True
        if self._task is not None:
            self._task.cancel()
        if self.running is not None:
            self.running.cancel()
        self.answers.end()
        self._vigil.answered(self.answers)
        if self.backend is not None:
            if not self.backend.is_closing():
                if self.answers.expected and self.answers.key:
                    # Postgres does not notice that nobody listens before it has an answer
                    self.gateway.cancel(self.answers.key)
                self.backend.write(_TERMINATE)
                self.backend.close()
            # paused for the sake of a client that does not read, it would never notice
            self.backend.resume_reading()
        self.client.close()
        self.gateway.forget(self)

    def abort(self) -> None:
        """End both sides without a word."""
        self.close()
        self.client.abort()
        if self.backend is not None:
            self.backend.abort()

    def fail(self, text: str, sqlstate: str) -> None:
        """Tell the client why the connection ends, and end it."""
        self.client.write(protocol.error(text, sqlstate, "FATAL"))
        self.close()

    def pause_writing(self) -> None:
        """The client is slow to read: so are we, then."""
        self.hold_backend()

    def resume_writing(self) -> None:
        """The client reads again."""
        if self.backend is not None and not self.backend.is_closing():
            self.backend.resume_reading()

    def hold_backend(self) -> None:
        """Let Postgres wait until `resume_writing`."""
        if self.backend is not None:
            self.backend.pause_reading()

    def listen(self) -> None:
        """Read from the client again, unless a task wants it to wait."""
        if self._task is None and self.backend_writable.is_set() and not self.client.is_closing():
            self.client.resume_reading()

    # -------------------------------------------------------------------------------------------- from the client

    def data_received(self, data: bytes) -> None:
        """Bytes from the client."""
        if self._task is not None or self.backend is None:
            self._waiting.append(data)
            self.client.pause_reading()
            return
        try:
            if self._login.is_done:
                self._received(self.backend, data)
                if self.answers.expected:
                    self._vigil.asked(self.answers)
            else:
                self._login.received(data)
        except protocol.ProtocolError as error:
            self.fail(str(error), "08P01")

    def _take_waiting(self) -> None:
        if self._waiting:
            waiting, self._waiting = self._waiting, []
            self.data_received(b"".join(waiting))
        self.listen()

    def _received(self, backend: asyncio.Transport, data: bytes) -> None:  # noqa: PLR0912, PLR0915 - one pass
        if self._tail:
            data = self._tail + data
            self._tail = b""
        size = len(data)
        position = start = 0
        if self._passing:
            position = min(self._passing, size)
            self._passing -= position
        elif self._discarding:
            position = start = min(self._discarding, size)
            self._discarding -= position
        out: list[bytes] = []
        expect = self.answers.expected.append
        while size - position >= 5:
            code = data[position]
            (length,) = _unpack_length(data, position + 1)
            end = position + 1 + length
            if end > size or length < 4:
                if length < 4:
                    # as Postgres says it
                    self.fail("invalid message length", "08P01")
                    return
                if code in b"QP" and length > MAX_STATEMENT_BYTES:
                    out += (data[start:position], self._refused(code, _too_large(length)))
                    position = start = size
                    self._discarding = end - size
                    break
                if code in b"QPEDCS" or (code == 66 and (size - position < _LARGE or self._intervals is not None)):
                    break
                # the rows of a COPY, large parameters: they need not be collected to be passed on
                self._passing = end - size
                end = size
            change: Change = None
            if code == 83:
                expect(_SYNC)
            elif code == 66:  # Bind
                if self._intervals is not None or self._prepared or self._portals:
                    change = self._bind(data[position + 5 : end])
                expect(_BIND)
            elif code == 69:
                if self._intervals is not None or self._portals:
                    change = self._execute(data[position + 5 : end])
                else:
                    expect(_EXECUTE)
            elif code == 68:  # Describe
                if self._intervals is None or data[position + 5 : position + 6] != b"S":
                    expect(_DESCRIBE)
                else:
                    expect(Description(self._intervals, data[position + 6 : end - 1]))
            elif code == 81:
                change = self._query(data[position + 5 : end - 1])
            elif code == 80:
                change = self._parse(data[position + 5 : end])
            elif code == 67:  # Close
                expect(_CLOSE)
                known = self._prepared if data[position + 5 : position + 6] == b"S" else self._portals
                known.pop(data[position + 6 : end - 1], None)
            elif code in b"cf":  # CopyDone, CopyFail
                if self.answers.copying:
                    self.answers.swallow_sync()
            elif code == 70:  # FunctionCall
                expect(_SYNC)
            if change is not None:
                if start < position:
                    out.append(data[start:position])
                if not isinstance(change, bytes):
                    write(backend, out, data, end, end)
                    self._begin(change, data[end:])
                    return
                out.append(change)
                start = end
            position = end
        write(backend, out, data, start, position)
        if position < size:
            self._tail = data[position:]

    def _begin(self, work: Coroutine[None, None, None], rest: bytes) -> None:
        """Let a task do the work; what else the client sends waits until it is done."""
        if rest:
            self._waiting.append(rest)
        self.client.pause_reading()
        self._task = self.loop.create_task(work)
        self._task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._task = None
        if not task.cancelled() and (fault := task.exception()) is not None and not self._closed:
            self.gateway.report(fault)
            self.fail("the Redshift face has a fault; its log tells where", "XX000")
        if not self._closed:
            self._take_waiting()

    # -------------------------------------------------------------------------------------------- statements

    def _query(self, text: bytes) -> Change:
        """What becomes of a simple Query."""
        if self.in_doubt:
            return self._later().query(text)
        try:
            known = self.translator.translate(text)
        except DialectError as error:
            return self._refused(81, error)
        except ColumnsNeeded:
            return self._later().query(text)
        if not known.is_plain or known.sets_case:
            return self._later().query(text)
        if not known.changed:
            self.answers.expected.extend(known.replies)
            return None
        self.answers.extend(known.replies)
        return protocol.message(b"Q", known.text + b"\0")

    def _parse(self, body: bytes) -> Change:
        """What becomes of a Parse."""
        name, _, rest = body.partition(b"\0")
        text, _, declared = rest.partition(b"\0")
        if self.in_doubt:
            return self._later().parse(name, text, declared)
        try:
            known = self.translator.translate(text)
            if known.changed or self._prepared or self._intervals is not None or len(declared) > 2:
                return self.parsed(name, text, known, declared)
        except DialectError as error:
            return self._refused(80, error)
        except ColumnsNeeded:
            return self._later().parse(name, text, declared)
        self.answers.expected.append(_PARSE)
        return None

    def parsed(self, name: bytes, text: bytes, known: Translation, declared: bytes) -> bytes:
        """The Parse for a translation, noted as expected. Raises `DialectError` if it cannot be prepared."""
        if self._intervals is not None:
            declared = self._intervals.parsed(name, declared)
        message = protocol.parse(name, prepared(known, text), types.declared(declared))
        self._prepared.pop(name, None)
        if known.is_remarkable:
            self._prepared[name] = known
        self.in_doubt |= known.sets_case
        self.answers.expected.append(Completion(known.batch, 0) if known.changed else _PARSE)
        return message

    def _bind(self, body: bytes) -> bytes | None:
        """What becomes of a Bind."""
        portal, _, rest = body.partition(b"\0")
        known = self._prepared.get(rest.partition(b"\0")[0])
        if known is None:
            self._portals.pop(portal, None)
        else:
            self._portals[portal] = known
        changed = body if self._intervals is None else self._intervals.bound(body)
        return None if changed is body else protocol.message(b"B", changed)

    def _execute(self, body: bytes) -> Change:
        """What becomes of an Execute."""
        portal = body.partition(b"\0")[0]
        known = self._portals.get(portal)
        if known is None:
            convert = None if self._intervals is None else self._intervals.row(portal)
            if convert is None:
                self.answers.expected.append(_EXECUTE)
            else:
                self.answers.hide(IntervalRows(convert))
            return None
        statement = known.batch.statements[0]
        if statement.outside_transaction and self.answers.status == b"T":
            return self._refused(80, not_in_transaction(statement))
        if statement.action is not None:
            return self._later().execute(statement, body)
        self.answers.expected.append(Completion(known.batch, 0))
        message = protocol.message(b"E", body)
        if statement.commits:
            self.answers.hide(Answer(self.loop.create_future(), closes=2))
            message += protocol.execute_once("commit")
        return message

    def _completed(self, statement: Statement) -> None:
        """A statement has been executed: does it change how the next ones are read?"""
        if statement.setting is not None and concerns(statement.setting):
            self._case.set(statement.setting)
            self._read_by_case()

    def _transaction_told(self, code: int, body: bytes, failed: bool) -> None:
        self._case.told(code, body, failed=failed)
        self._read_by_case()

    def _read_by_case(self) -> None:
        self.answers.watch(is_watching=not self._case.is_settled)
        self.translator = self.gateway.translator(self.database, self.user, case_sensitive=self._case.now)

    def resolve_doubt(self) -> None:
        """All is answered that was under way."""
        self.in_doubt = not self._case.is_settled

    def _later(self) -> Execution:
        from standin.redshift.execution import Execution

        return Execution(self)

    # -------------------------------------------------------------------------------------------- for `execution`

    def refuse_parse(self, error: DialectError) -> None:
        """Answer with this error, and let Postgres skip what follows in the batch."""
        self.send(self._refused(80, error))

    def refuse_query(self, error: DialectError) -> None:
        """Answer a simple Query with this error."""
        self.send(self._refused(81, error))

    def _refused(self, code: int, error: DialectError) -> bytes:
        self.answers.expected.append(Refusal(refusal(error)))
        if code == 80:
            return protocol.parse(b"", _FAILS)
        self.answers.expected.append(_READY)
        return protocol.message(b"Q", _FAILS + b"\0")

    def ask(self, answer: Answer, messages: bytes) -> None:
        """Send a question of the gateway's own, whose answer the client does not see."""
        self.answers.hide(answer)
        self.send(messages)

    def expect(self, *replies: Reply) -> None:
        """Expect answers to what is about to be sent."""
        self.answers.extend(replies)

    def send(self, messages: bytes) -> None:
        """Send to Postgres, unless all is over."""
        if self.backend is not None and not self._closed:
            self.backend.write(messages)


def not_in_transaction(statement: Statement) -> DialectError:
    """The refusal of a statement that must stand outside of a transaction block."""
    return DialectError(f"{statement.kind.upper()} cannot run inside a transaction block", ACTIVE_TRANSACTION)


def refusal(error: DialectError) -> bytes:
    """The ErrorResponse for a statement that was refused."""
    return protocol.error(
        error.message,
        error.sqlstate,
        detail=error.detail,
        hint=error.hint,
        position=error.position,
    )


def _too_large(size: int) -> DialectError:
    return DialectError(
        f"Statement is too large. Statement Size: {size} bytes. Maximum Allowed: {MAX_STATEMENT_BYTES} bytes", "54000"
    )
