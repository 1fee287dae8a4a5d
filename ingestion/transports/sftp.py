"""Polls files from an SFTP server whose host key is known."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import asyncssh

from ingestion.config import setting
from ingestion.delivery import Delivery, Format, read_file
from ingestion.errors import SourceUnavailableError

if TYPE_CHECKING:
    from ingestion.ledger import Ledger

TIMEOUT_SECONDS = 30


@dataclass(frozen=True)
class SftpFiles:
    """Some of the server's files: a pattern below the source's folder, and how to read what matches."""

    pattern: str
    format: Format


@dataclass(frozen=True)
class Sftp:
    """A folder of files. A file is known by its size and modification time; a changed file is fetched again.

    Settings: `host`, `port`, `username`, `password`, `known_hosts` (a file), `folder`.
    """

    source: str
    files: Mapping[str, SftpFiles]

    def deliveries(self, ledger: Ledger, folder: Path, say: Callable[[str], None]) -> Sequence[Delivery]:
        """The files that are new or have changed, downloaded."""
        try:
            return asyncio.run(self._fetch(ledger, folder, say))
        except asyncssh.HostKeyNotVerifiable as error:
            raise SourceUnavailableError(
                f"{self.source}: the SFTP server's host key is not the one in known_hosts: {error}. "
                "Do not go on before its operator has confirmed a new key."
            ) from error
        except asyncssh.PermissionDenied as error:
            raise SourceUnavailableError(
                f"{self.source}: the SFTP server refuses the user name or password; see sources.{self.source}"
            ) from error
        except (OSError, asyncssh.Error, TimeoutError) as error:
            raise SourceUnavailableError(f"{self.source}: the SFTP server cannot be read: {error}") from error

    def acknowledge(self) -> None:
        """A poll leaves the server as it is."""

    async def _fetch(self, ledger: Ledger, folder: Path, say: Callable[[str], None]) -> list[Delivery]:
        host, port = setting(self.source, "host"), int(setting(self.source, "port"))
        base = PurePosixPath(setting(self.source, "folder"))
        deliveries: list[Delivery] = []
        async with (
            asyncssh.connect(
                host,
                port,
                username=setting(self.source, "username"),
                password=setting(self.source, "password"),
                known_hosts=setting(self.source, "known_hosts"),
                client_keys=None,
                config=None,
                connect_timeout=TIMEOUT_SECONDS,
                keepalive_interval=TIMEOUT_SECONDS,
            ) as connection,
            connection.start_sftp_client() as client,
        ):
            for resource, files in self.files.items():
                for found in sorted(await client.glob_sftpname(str(base / files.pattern)), key=lambda f: f.filename):
                    path = str(found.filename)
                    identity = f"size {found.attrs.size}, modified {found.attrs.mtime}"
                    # without the host: a server that moves must not make every file new
                    uri = f"sftp:{path}"
                    if ledger.knows(resource, uri, identity):
                        continue
                    local = folder / f"{len(deliveries):06}"
                    await client.get(path, local)
                    if local.stat().st_size != found.attrs.size:
                        raise SourceUnavailableError(
                            f"{uri} changed while it was fetched; it may still be written to. Run again later."
                        )
                    read = partial(read_file, files.format, local, uri)
                    say(f"{len(deliveries) + 1:,} files fetched")
                    deliveries.append(Delivery(resource, uri, identity, read, files.format.notation))
        return deliveries
