"""The words that transports, formats and landing share."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

import pyarrow as pa

from ingestion.errors import IngestError

if TYPE_CHECKING:
    from ingestion.contract import Contract, Notation
    from ingestion.ledger import Ledger


@dataclass(frozen=True)
class Broken:
    """A record that could not even be split into columns.

    Attributes:
        row: its position in the delivery, counted from 1.
        reason: what is wrong with it.
        payload: as much of it as could be kept, as text.
    """

    row: int
    reason: str
    payload: str


@dataclass(frozen=True)
class Batch:
    """Some rows of a delivery.

    Attributes:
        table: columns of text, or of the type that the file itself declares.
        rows: int64, position of each row in its file, counted from 1.
        broken: records that are not in `table`.
        member: name of the file inside the archive that they came from; empty if the delivery is no archive.
    """

    table: pa.Table
    rows: pa.Array
    broken: Sequence[Broken] = ()
    member: str = ""


class Format(Protocol):
    """Reads one file."""

    @property
    def notation(self) -> Notation:
        """How the file writes numbers and dates."""
        ...

    def read(self, stream: BinaryIO) -> Iterator[Batch]:
        """The file's rows in order.

        Raises:
            IngestError: the file cannot be read to its end.
        """
        ...


@dataclass
class Delivery:
    """One thing that a source handed over: a file, a full collection, a window of changes, a stretch of a stream.

    Attributes:
        resource: the table that it is for.
        uri: where it came from. A later delivery of the same uri replaces the rows of the earlier one.
        identity: tells two versions of the same uri apart (ETag, size and time, hash).
        read: its rows; called once.
        notation: how its text writes numbers and dates.
        cursor_scope: for windows and streams, what the cursor belongs to.
        cursor_value: for windows and streams, where the next run goes on; known once `read` is exhausted.
    """

    resource: str
    uri: str
    identity: str
    read: Callable[[], Iterator[Batch]]
    notation: Notation
    cursor_scope: str | None = None
    cursor_value: str | None = None


class Transport(Protocol):
    """Finds out what a source has that the warehouse has not."""

    def deliveries(self, ledger: Ledger, folder: Path, say: Callable[[str], None]) -> Sequence[Delivery]:
        """What is new since the ledger's last entries; files are fetched whole into `folder`, telling `say` of it.

        Raises:
            SourceUnavailableError: the source cannot be reached or refuses us.
        """
        ...

    def acknowledge(self) -> None:
        """Tells the source that all it handed over has landed."""
        ...


@dataclass(frozen=True)
class Resource:
    """One raw table of a source.

    Attributes:
        name: name of the table.
        contract: what a good row is.
        description: one line, for people.
        rejected_share_limit: a run that rejects a larger share of this table's rows is refused whole.
    """

    name: str
    contract: Contract
    description: str
    rejected_share_limit: float = 0.1


@dataclass(frozen=True)
class Source:
    """One system of the operator, as `ingestion/sources/` describes it."""

    name: str
    description: str
    resources: tuple[Resource, ...]
    transport: Transport

    @property
    def dataset(self) -> str:
        """The warehouse schema; `raw` alone is a reserved word on Redshift."""
        return f"raw_{self.name}"


def read_file(file_format: Format, path: Path, uri: str) -> Iterator[Batch]:
    """The batches of a fetched file; errors name where it came from."""
    try:
        with path.open("rb") as stream:
            yield from file_format.read(stream)
    except IngestError as error:
        raise IngestError(f"{uri}: {error}") from error
