"""The gateway: listens, lets clients in, and knows who is there."""

from __future__ import annotations

import asyncio
import itertools
import logging
import traceback
from typing import TYPE_CHECKING

from standin.redshift import protocol, upstream
from standin.redshift.arrival import Arrival
from standin.redshift.dialect.statement import Context
from standin.redshift.history import write_history
from standin.redshift.translation import Translator
from standin.redshift.vigil import Vigil

if TYPE_CHECKING:
    import ssl
    from collections.abc import Coroutine, Mapping, Sequence

    from standin.redshift.connection import Connection
    from standin.server import Server

_log = logging.getLogger(__name__)
_BACKLOG = 1024
# tests have a database each, and none needs what another one has remembered
_TRANSLATORS = 32
# as many as Redshift lets in
MAX_CLIENTS = 500


class Gateway:
    """Relays clients to a Postgres; what it must keep for everybody to see, it writes there as the superuser.

    With a TLS context it lets clients encrypt that ask for it.
    """

    def __init__(self, server: Server, tls: ssl.SSLContext | None = None) -> None:
        self._backend = server
        self.tls = tls
        self._server: asyncio.Server | None = None
        self._connections: set[Connection] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._queries = itertools.count(1)
        self.vigil = Vigil()
        self._translators: dict[tuple[str, str, bool], Translator] = {}

    async def listen(self, host: str, port: int) -> int:
        """Listen, on any free port if it is 0; gives back the port. Raises `OSError` if it is taken."""
        loop = asyncio.get_running_loop()
        # the loop's own would print what was received
        loop.set_exception_handler(self._loop_fault)
        self._server = await loop.create_server(lambda: Arrival(self), host, port, backlog=_BACKLOG)
        bound: int = self._server.sockets[0].getsockname()[1]
        return bound

    async def close(self) -> None:
        """Stop listening and end every connection."""
        if self._server is not None:
            self._server.close()
        for connection in tuple(self._connections):
            connection.abort()
        for task in tuple(self._tasks):
            task.cancel()

    @property
    def clients(self) -> int:
        """How many connections there are."""
        return len(self._connections)

    def welcome(self, connection: Connection, startup: bytes) -> None:
        """Connect a client that has introduced itself to a backend, unless there are too many."""
        if len(self._connections) >= MAX_CLIENTS:
            connection.fail(f'connection limit "{MAX_CLIENTS}" exceeded for non-bootstrap users', "53300")
            return
        self._connections.add(connection)
        self.spawn(self._connect(connection, startup))

    def forget(self, connection: Connection) -> None:
        """A connection is over."""
        self._connections.discard(connection)

    def cancel(self, key: bytes) -> None:
        """Cancel what the backend with this key (process and secret) is doing."""
        for connection in self._connections:
            # a backend that waits for the rows of a COPY does not see that it is cancelled
            if connection.answers.key == key and connection.running is not None:
                connection.running.cancel()
        self.spawn(self._cancel(key))

    def translator(self, database: str, user: str, *, case_sensitive: bool) -> Translator:
        """The translator for connections of this kind."""
        key = (database, user, case_sensitive)
        # used last, it stands last
        found = self._translators.pop(key, None)
        if found is None:
            found = Translator(Context(database=database, user=user, case_sensitive=case_sensitive), self.report)
            if len(self._translators) >= _TRANSLATORS:
                del self._translators[next(iter(self._translators))]
        self._translators[key] = found
        return found

    def next_query(self) -> int:
        """A number for a statement that the system tables tell about."""
        return next(self._queries)

    async def remember(self, database: str, history: Sequence[tuple[str, Mapping[str, object]]]) -> None:
        """Write rows into system tables of a database, whatever becomes of the client's transaction."""
        if history:
            try:
                await asyncio.to_thread(write_history, self._backend, database, tuple(history))
            except Exception as fault:
                # what the client asked for is done; that it is not told of in a system table is for us to know
                self.report(fault)

    def report(self, fault: BaseException) -> None:
        """Log a fault of ours: where it happened, and nothing of what the client sent, which may hold a secret."""
        places = "".join(traceback.format_tb(fault.__traceback__))
        _log.error("%s, at\n%s", type(fault).__name__, places)

    def spawn(self, work: Coroutine[None, None, None]) -> None:
        """Do something on the side."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _loop_fault(self, loop: asyncio.AbstractEventLoop, context: dict[str, object]) -> None:
        fault = context.get("exception")
        if isinstance(fault, BaseException):
            self.report(fault)
        else:
            _log.error("%s", context.get("message"))

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (fault := task.exception()) is not None:
            self.report(fault)

    async def _connect(self, connection: Connection, startup: bytes) -> None:
        try:
            await connection.open(self._backend, startup)
        except OSError as error:
            connection.fail(
                f"the Postgres behind the Redshift face does not answer on {self._backend.host}:{self._backend.port}: "
                f"{error.strerror or error}",
                "57P03",
            )

    async def _cancel(self, key: bytes) -> None:
        try:
            reader, writer = await upstream.open_streams(self._backend)
        except OSError:
            # a server that cannot be reached runs nothing that could be cancelled
            return
        try:
            writer.write(protocol.cancel(key))
            await reader.read()
        except ConnectionError:
            return
        finally:
            writer.close()
