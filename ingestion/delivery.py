"""The words that transports, formats and landing share."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Literal, Protocol

import pyarrow as pa

from ingestion.errors import IngestError

if TYPE_CHECKING:
    from ingestion.contract import Contract, Notation
    from ingestion.ledger import Ledger
    from ingestion.transports.stream import Stream


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
        resource: the table that the rows are for, where it is not the delivery's own: children of nested records.
    """

    table: pa.Table
    rows: pa.Array
    broken: Sequence[Broken] = ()
    member: str = ""
    resource: str | None = None


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


@dataclass(frozen=True)
class Request:
    """What a run asks a transport for; by default everything that is new.

    Attributes:
        since: only what was made or changed from this time on (UTC); for a backfill, whether or not it has landed.
        until: only what was made or changed before this time (UTC).
        full: everything that the source has, whether or not it has landed.
        most: at most so many deliveries; the rest is left for the next run.
    """

    since: datetime | None = None
    until: datetime | None = None
    full: bool = False
    most: int | None = None

    @property
    def again(self) -> bool:
        """Whether to hand over what has landed already, too."""
        return self.full or self.since is not None or self.until is not None


EVERYTHING_NEW = Request()


class Transport(Protocol):
    """Finds out what a source has that the warehouse has not, and hands it over delivery by delivery.

    The caller reads each delivery before it asks for the next, and then tells how that went: `acknowledge` once it has
    been committed to the warehouse, `set_aside` if it cannot be read. A delivery that hears neither was not landed.
    """

    def deliveries(
        self, ledger: Ledger, folder: Path, say: Callable[[str], None], request: Request = EVERYTHING_NEW
    ) -> Iterable[Delivery]:
        """What is new since the ledger's last entries; files are fetched whole into `folder`, telling `say` of it.

        Raises:
            SourceUnavailableError: the source cannot be reached or refuses us; what it handed over before may land.
        """
        ...

    def acknowledge(self, landed: Sequence[Delivery]) -> None:
        """Tells the source that these have landed."""
        ...

    def set_aside(self, delivery: Delivery, error: IngestError) -> None:
        """Tells the source that this one cannot be read; it will have to come again."""
        ...

    def close(self) -> None:
        """Lets go of connections, threads and messages that were not landed. Called at the end of every run."""
        ...

    def notation(self, resource: str) -> Notation:
        """How the texts of a resource's deliveries write numbers and dates."""
        ...

    def check(self) -> Sequence[str]:
        """What was found to be in order, in words: reachable, let in, there. Moves no data.

        Raises:
            IngestError: something is not.
        """
        ...


@dataclass(frozen=True)
class Resource:
    """One raw table of a source.

    Attributes:
        name: name of the table.
        contract: what a good row is.
        description: one line, for people.
        rejected_share_limit: a load that rejects a larger share of this table's rows is refused whole.
        lands: `append` keeps every version of a thing; with `merge`, a row replaces that of the same `contract.key`.
        kept_by_law: why the rows of an erased customer stay, without what leads to her; without it, they go.
    """

    name: str
    contract: Contract
    description: str
    rejected_share_limit: float = 0.1
    lands: Literal["append", "merge"] = "append"
    kept_by_law: str | None = None


@dataclass(frozen=True)
class Source:
    """One system of the operator, as `ingestion/sources/` describes it."""

    name: str
    description: str
    resources: tuple[Resource, ...]
    transport: Transport | Stream

    @property
    def is_streamed(self) -> bool:
        """Whether consumers read it, which share its raw schema."""
        from ingestion.transports.stream import Stream

        return isinstance(self.transport, Stream)

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
