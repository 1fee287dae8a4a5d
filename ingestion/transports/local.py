"""Files on this machine."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ingestion.delivery import Delivery, Format, read_file

if TYPE_CHECKING:
    from ingestion.ledger import Ledger


@dataclass(frozen=True)
class LocalFiles:
    """Files by table, each known by the hash of its content."""

    files: Mapping[str, tuple[Path, Format]]

    def deliveries(self, ledger: Ledger, folder: Path, say: Callable[[str], None]) -> Sequence[Delivery]:
        """The files whose content has not landed in their table."""
        deliveries = []
        for table, (path, file_format) in self.files.items():
            with path.open("rb") as stream:
                identity = hashlib.file_digest(stream, "sha256").hexdigest()
            uri = f"file:{path.name}"
            if not ledger.knows(table, uri, identity):
                read = partial(read_file, file_format, path, uri)
                deliveries.append(Delivery(table, uri, identity, read, file_format.notation))
        return deliveries

    def acknowledge(self) -> None:
        """Files stay where they are."""
