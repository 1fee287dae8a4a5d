"""A connection to an SFTP server that is made again when it breaks."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from concurrent.futures import Future
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, TypeVar

import asyncssh

from ingestion.config import optional_setting, setting
from ingestion.errors import IngestError, SourceUnavailableError
from ingestion.transports.patience import Patience

log = logging.getLogger(__name__)

TIMEOUT_SECONDS = 30
SILENCE_SECONDS = 120
"""How long a server that is there may take for a block of a file; a listing may take five times as long."""

BLOCK_BYTES = 1 << 20
BEING_WRITTEN = (".tmp", ".part", ".partial", ".filepart", ".writing", "~")
"""Endings that senders give to files they are still writing."""

Result = TypeVar("Result")


@dataclass(frozen=True)
class Found:
    """A file on the server.

    Attributes:
        resource: the table that it is for.
        path: on the server.
        size: in bytes.
        modified: seconds since 1970.
    """

    resource: str
    path: str
    size: int
    modified: int

    @property
    def uri(self) -> str:
        """Where it is, without the host."""
        # without the host: a server that moves must not make every file new
        return f"sftp:{self.path}"

    @property
    def identity(self) -> str:
        """What tells two versions of it apart."""
        return f"size {self.size}, modified {self.modified}"


@contextmanager
def connected(source: str, patience: Patience) -> Iterator[Server]:
    """The server behind an event loop of its own, which goes on while a file is read."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name=f"{source} sftp", daemon=True)
    thread.start()
    try:
        server = Server(source, PurePosixPath(setting(source, "folder")), patience, loop)
        try:
            yield server
        finally:
            server.run(server.close())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


class Server:
    """A connection to the server, made again when it has broken."""

    def __init__(self, source: str, folder: PurePosixPath, patience: Patience, loop: asyncio.AbstractEventLoop) -> None:
        self._source = source
        self._folder = folder
        self._patience = patience
        self._loop = loop
        self._options = _options(source)
        self._connecting = asyncio.Lock()
        self._connection: asyncssh.SSHClientConnection | None = None
        self._client: asyncssh.SFTPClient | None = None
        self._under_way: set[Future[Any]] = set()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Does the work on the event loop.

        Raises:
            SourceUnavailableError: the server cannot be reached, is not the known one, or does not let us in.
        """
        under_way = asyncio.run_coroutine_threadsafe(work, self._loop)
        self._under_way.add(under_way)
        try:
            with _named_errors(self._source):
                return under_way.result()
        finally:
            self._under_way.discard(under_way)

    def stop(self) -> None:
        """Ends what is under way."""
        for one in list(self._under_way):
            one.cancel()

    async def listed(self, patterns: Mapping[str, str]) -> list[Found]:
        """The files that match a table's pattern, oldest first; those that are being written are left out."""

        async def glob(client: asyncssh.SFTPClient) -> list[Found]:
            if not await client.isdir(str(self._folder)):
                raise IngestError(
                    f"{self._source}: the SFTP server has no folder {self._folder}; see sources.{self._source}.folder"
                )
            found = []
            for resource, pattern in patterns.items():
                try:
                    names = await asyncio.wait_for(
                        client.glob_sftpname(str(self._folder / pattern)), 5 * SILENCE_SECONDS
                    )
                except asyncssh.SFTPNoSuchFile:
                    # its way of saying that nothing matches
                    continue
                for name in names:
                    path, attributes = str(name.filename), name.attrs
                    if attributes.type == asyncssh.FILEXFER_TYPE_SYMLINK and await client.isfile(path):
                        attributes = await client.stat(path)
                    is_file = attributes.type in (asyncssh.FILEXFER_TYPE_REGULAR, asyncssh.FILEXFER_TYPE_UNKNOWN)
                    if is_file and not _is_being_written(path):
                        found.append(Found(resource, path, attributes.size or 0, attributes.mtime or 0))
            return sorted(found, key=lambda one: (one.modified, one.path))

        return await self._patiently("the files cannot be listed", glob)

    async def fetch(self, found: Found, local: Path) -> bool:
        """Brings a file whole to `local`, going on where an attempt broke off. False if it changed meanwhile.

        Raises:
            SourceUnavailableError: the server cannot be reached.
            IngestError: it answers, and does not give us this file.
        """
        local.touch()

        async def read_on(client: asyncssh.SFTPClient) -> bool:
            async with client.open(found.path, "rb") as remote:
                with local.open("r+b") as file:
                    at = file.seek(0, 2)
                    # never more than was listed: a file that grows is not finished
                    while at < found.size:
                        block: Any = await asyncio.wait_for(
                            remote.read(min(BLOCK_BYTES, found.size - at), at), SILENCE_SECONDS
                        )
                        if not block:
                            return False
                        file.write(block)
                        file.flush()
                        at += len(block)
                now = await remote.stat()
                return (now.size, now.mtime) == (found.size, found.modified)

        try:
            return await self._patiently(f"{found.uri} cannot be fetched", read_on)
        except asyncssh.SFTPNoSuchFile:
            return False
        except asyncssh.SFTPPermissionDenied as error:
            raise IngestError(f"{found.uri} cannot be read: {_reason(error)}; ask the server's operator") from error

    async def close(self) -> None:
        """Ends the connection."""
        if self._client:
            self._client.exit()
        if self._connection:
            self._connection.abort()
            await self._connection.wait_closed()

    async def _patiently(self, what: str, work: Callable[[asyncssh.SFTPClient], Coroutine[Any, Any, Result]]) -> Result:
        failures = 0
        while True:
            try:
                async with self._connected() as client:
                    return await work(client)
            except _FINAL:
                raise
            except (OSError, asyncssh.Error, TimeoutError) as error:
                failures += 1
                log.info("%s: %s (attempt %d): %s", self._source, what, failures, _reason(error))
                if failures >= self._patience.attempts:
                    told = f"{what}: {_reason(error)} ({failures} attempts)"
                    if isinstance(error, asyncssh.SFTPError) and not isinstance(error, _BROKEN):
                        raise IngestError(f"{self._source}: {told}; ask the server's operator") from error
                    raise SourceUnavailableError(
                        f"{self._source}: the SFTP server cannot be read: {told}. "
                        "Nothing of it was landed; run again later."
                    ) from error
                await asyncio.sleep(self._patience.seconds(failures))

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[asyncssh.SFTPClient]:
        async with self._connecting:
            if self._client is None or self._connection is None or self._connection.is_closed():
                self._connection = await asyncssh.connect(**self._options)
                self._client = await self._connection.start_sftp_client()
            client = self._client
        try:
            yield client
        except _BROKEN:
            # others may have made a new one meanwhile: only the broken one is dropped
            if self._client is client and self._connection:
                self._connection.abort()
                self._client = None
            raise


_BROKEN = (OSError, asyncssh.ConnectionLost, asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection)
"""What a connection that is no more gives."""

_FINAL = (
    IngestError,
    asyncssh.HostKeyNotVerifiable,
    asyncssh.PermissionDenied,
    asyncssh.KeyExchangeFailed,
    asyncssh.SFTPNoSuchFile,
    asyncssh.SFTPNoSuchPath,
    asyncssh.SFTPPermissionDenied,
)
"""What another attempt does not change."""


def _options(source: str) -> dict[str, Any]:
    """What asyncssh.connect is called with.

    Raises:
        IngestError: a setting is missing, or the private key cannot be read.
    """
    password, key_file = optional_setting(source, "password"), optional_setting(source, "private_key")
    if not password and not key_file:
        setting(source, "password")
    keys = []
    if key_file:
        try:
            keys.append(asyncssh.read_private_key(key_file, optional_setting(source, "private_key_passphrase")))
        except (OSError, asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
            raise IngestError(
                f"{source}: the private key {key_file} cannot be read: {error}; "
                f"see sources.{source}.private_key and private_key_passphrase"
            ) from error
    known_hosts = setting(source, "known_hosts")
    if not Path(known_hosts).is_file():
        raise IngestError(
            f"{source}: there is no file {known_hosts} with the server's host key; get the key from its operator and "
            f"set sources.{source}.known_hosts"
        )
    return {
        "host": setting(source, "host"),
        "port": int(optional_setting(source, "port") or 22),
        "username": setting(source, "username"),
        "password": password,
        "client_keys": keys or None,
        "known_hosts": known_hosts,
        "config": None,
        "agent_path": None,
        "connect_timeout": TIMEOUT_SECONDS,
        "login_timeout": TIMEOUT_SECONDS,
        "keepalive_interval": TIMEOUT_SECONDS,
    }


def _is_being_written(path: str) -> bool:
    name = PurePosixPath(path).name
    return name.startswith(".") or name.lower().endswith(BEING_WRITTEN)


def _reason(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__


@contextmanager
def _named_errors(source: str) -> Iterator[None]:
    try:
        yield
    except asyncssh.HostKeyNotVerifiable as error:
        raise SourceUnavailableError(
            f"{source}: the SFTP server's host key is not the one in known_hosts: {error}. "
            "Do not go on before its operator has confirmed a new key."
        ) from error
    except asyncssh.PermissionDenied as error:
        raise SourceUnavailableError(
            f"{source}: the SFTP server refuses the user name or password (or key); see sources.{source}"
        ) from error
    except (OSError, asyncssh.Error, TimeoutError) as error:
        raise SourceUnavailableError(f"{source}: the SFTP server cannot be read: {_reason(error)}") from error
