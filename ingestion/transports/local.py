"""Files on this machine."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.delivery import EVERYTHING_NEW, Delivery, Format, Request, read_file
from ingestion.errors import IngestError
from ingestion.transports.poll import Poll
from ingestion.transports.window import in_window

if TYPE_CHECKING:
    from ingestion.contract import Notation
    from ingestion.ledger import Ledger


@dataclass(frozen=True)
class LocalFiles(Poll):
    """Files by table, each known by the hash of its content."""

    files: Mapping[str, tuple[Path, Format]]

    def deliveries(
        self, ledger: Ledger, folder: Path, say: Callable[[str], None], request: Request = EVERYTHING_NEW
    ) -> Iterable[Delivery]:
        """The files whose content has not landed in their table.

        Raises:
            IngestError: a file is not there.
        """
        for table, (path, file_format) in list(self.files.items())[: request.most]:
            if not path.is_file():
                raise IngestError(f"{path} is no file (any more)")
            if not in_window(datetime.fromtimestamp(path.stat().st_mtime, UTC), request):
                continue
            with path.open("rb") as stream:
                identity = hashlib.file_digest(stream, "sha256").hexdigest()
            uri = f"file:{path.name}"
            if request.again or not ledger.knows(table, uri, identity):
                read = partial(read_file, file_format, path, uri)
                yield Delivery(table, uri, identity, read, file_format.notation)

    def notation(self, resource: str) -> Notation:
        """How a table's file writes numbers and dates."""
        return self.files[resource][1].notation

    def check(self) -> Sequence[str]:
        """Whether every file is there.

        Raises:
            IngestError: one is not.
        """
        for path, _ in self.files.values():
            if not path.is_file():
                raise IngestError(f"{path} is no file; --path names one")
        return [f"{table}: {path} is there" for table, (path, _) in self.files.items()]
