"""Polls files from an SFTP server whose host key is known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.config import setting
from ingestion.delivery import EVERYTHING_NEW, Delivery, Format, Request, read_file
from ingestion.errors import IngestError, SourceUnavailableError
from ingestion.transports.ahead import done_ahead
from ingestion.transports.patience import PATIENT, Patience
from ingestion.transports.poll import Poll
from ingestion.transports.unreadable import unreadable
from ingestion.transports.window import in_window

if TYPE_CHECKING:
    from ingestion.contract import Notation
    from ingestion.ledger import Ledger
    from ingestion.transports.sftp_server import Found, Server


@dataclass(frozen=True)
class SftpFiles:
    """Some of the server's files: a pattern below the source's folder, and how to read what matches."""

    pattern: str
    format: Format


@dataclass(frozen=True)
class Sftp(Poll):
    """A folder of files. A file is known by its size and modification time; a changed file is fetched again.

    A file that is still being written is left for a later run: one whose name says so (`.tmp`, `.part`, a leading
    dot), one that changes while it is fetched, and one that is younger than `quiet_seconds`. Fetched files stay where
    they are. A connection that breaks is made again, and the file goes on where it broke off.

    Settings: `host`, `port` (22), `username`, `known_hosts` (a file), `folder`, and `password` or `private_key`
    (a file) with `private_key_passphrase`, or both.

    Attributes:
        source: whose settings.
        files: what is in the folder, by table.
        quiet_seconds: how long a file must not have changed, by the server's clock as it stands in its newest file.
        patience: with connections that break.
    """

    source: str
    files: Mapping[str, SftpFiles]
    quiet_seconds: int = 0
    patience: Patience = PATIENT

    def deliveries(
        self, ledger: Ledger, folder: Path, say: Callable[[str], None], request: Request = EVERYTHING_NEW
    ) -> Iterable[Delivery]:
        """The files that are new or have changed, each fetched when its turn nears and deleted when it is over.

        Raises:
            SourceUnavailableError: the server cannot be reached, is not the known one, or does not let us in.
        """
        with self._server() as server:
            found = server.run(server.listed(self._patterns()))
            if self.quiet_seconds and found:
                found = self._quiet(found, say)
            wanted = [
                one
                for one in found
                if in_window(datetime.fromtimestamp(one.modified, UTC), request)
                and (request.again or not ledger.knows(one.resource, one.uri, one.identity))
            ]
            say(f"{len(found):,} files, {len(wanted):,} of them to fetch")

            def fetch(numbered: tuple[int, Found]) -> Path | IngestError | None:
                number, one = numbered
                local = folder / f"{number:06}"
                try:
                    return local if server.run(server.fetch(one, local)) else None
                except SourceUnavailableError:
                    raise
                except IngestError as error:
                    return error

            numbered = islice(enumerate(wanted), request.most)
            with closing(done_ahead(numbered, fetch, server.stop)) as fetched:
                for (number, one), local in fetched:
                    if local is None:
                        say(f"{one.uri} has changed since it was listed; it is left for the next run")
                        continue
                    file_format = self.files[one.resource].format
                    if isinstance(local, IngestError):
                        yield unreadable(one.resource, one.uri, file_format.notation, local)
                        continue
                    say(f"{number + 1:,} of {len(wanted):,} files fetched")
                    read = partial(read_file, file_format, local, one.uri)
                    yield Delivery(one.resource, one.uri, one.identity, read, file_format.notation)
                    local.unlink(missing_ok=True)

    def notation(self, resource: str) -> Notation:
        """How a table's files write numbers and dates."""
        return self.files[resource].format.notation

    def check(self) -> Sequence[str]:
        """Whether the server is the known one, lets us in and has the folder.

        Raises:
            IngestError: a setting is missing, the server cannot be reached, is another one or does not let us in.
        """
        with self._server() as server:
            found = server.run(server.listed(self._patterns()))
        told = [f"the SFTP server has the known host key and lets {setting(self.source, 'username')} in"]
        for resource, files in self.files.items():
            count = sum(one.resource == resource for one in found)
            told.append(f"{resource}: {count:,} files are {files.pattern}")
        return told

    def _quiet(self, found: list[Found], say: Callable[[str], None]) -> list[Found]:
        # our clock may not be the server's: its newest file says what time it is there at least
        latest = max(int(datetime.now(UTC).timestamp()), *(one.modified for one in found))
        quiet = [one for one in found if one.modified + self.quiet_seconds <= latest]
        if len(quiet) < len(found):
            say(f"{len(found) - len(quiet):,} files changed in the last {self.quiet_seconds} s; left for a later run")
        return quiet

    def _patterns(self) -> dict[str, str]:
        return {resource: some.pattern for resource, some in self.files.items()}

    def _server(self) -> AbstractContextManager[Server]:
        from ingestion.transports.sftp_server import connected

        return connected(self.source, self.patience)
