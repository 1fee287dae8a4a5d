"""An archive of a stream's records as they came, in S3, by hour; and the way back from it.

What is archived is what the ledger says: for each stretch of a partition that is over, the records are read from the
stream once more and become one object, `dt=2026-11-01/hour=13/<stream>-<partition>-after-<position>.parquet`. Its name
says where the stretch begins, and the ledger where it ends: an archiver that was killed, or two at a time, write the
same object again. Only then is it noted, in the table `_archive` of the raw schema.

An object knows the uri of its stretch. So landing it again replaces the rows of that stretch, and no others; and the
ledger's cursors never go back (`ledger.positions`).
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.parquet

from ingestion import landing
from ingestion import ledger as ledgers
from ingestion.aws import client, named_errors
from ingestion.config import setting
from ingestion.delivery import EVERYTHING_NEW, Batch, Delivery, Request
from ingestion.errors import IngestError, RecordsLostError
from ingestion.landing import Report
from ingestion.streams import leases
from ingestion.streams.batches import Pace, read_values
from ingestion.streams.reader import Piece, Place
from ingestion.transports.poll import Poll
from ingestion.transports.stream import Stream

if TYPE_CHECKING:
    from ingestion.contract import Notation
    from ingestion.delivery import Source
    from ingestion.ledger import Ledger
    from ingestion.streams.reader import Reader
    from ingestion.warehouse import Connection, Warehouse

TABLE = "_archive"
_COLUMNS = (
    "uri varchar(1000) not null, cursor_value varchar(100) not null, object varchar(1000), "
    "archived_at timestamptz not null"
)

SCHEMA = pa.schema(
    [
        # Kinesis' numbers have 56 digits
        pa.field("position", pa.string(), nullable=False),
        pa.field("arrived_at", pa.timestamp("us", "UTC"), nullable=False),
        pa.field("key", pa.binary(), nullable=False),
        pa.field("value", pa.binary(), nullable=False),
    ]
)

ROWS_AT_ONCE = 20_000
POLL_SECONDS = 0.1
MARGIN_SECONDS = 600
"""How long after its time a stretch may still take a last micro-batch."""


@dataclass(frozen=True)
class Stretch:
    """A stretch of a partition, as the ledger has it.

    Attributes:
        uri: its own.
        scope: the partition.
        after: position before its first record; None at the partition's beginning.
        last: position of its last record.
        count: how many records.
        landed_at: when the last of them did (UTC).
    """

    uri: str
    scope: str
    after: int | None
    last: int
    count: int
    landed_at: datetime


@dataclass(frozen=True)
class Archived:
    """A stretch that is in the archive now, or that the stream no longer has.

    Attributes:
        uri: of the stretch.
        url: of the object; None if it could not be made.
        count: records in it.
    """

    uri: str
    url: str | None
    count: int


def archive(
    source: Source,
    warehouse: Warehouse,
    *,
    stop: Callable[[], bool] = lambda: False,
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[Archived]:
    """Archives every stretch that is over and not in the archive, and gives each when it is there.

    Args:
        source: a stream, from which something has landed; the setting `archive_url` says where to.
        warehouse: has the ledger.
        stop: asked before each stretch.
        say: called with short sentences of progress.

    Raises:
        RecordsLostError: at the end, if the stream no longer had all records of a stretch. Each is told of once.
        IngestError: a setting is missing, or nothing has ever landed.
        SourceUnavailableError: the stream or S3 cannot be reached.
    """
    stream = _stream_of(source)
    store = _Store(source.name)
    lost: list[str] = []
    with warehouse.connect() as connection, warehouse.named_errors(), closing(stream.reader()) as reader:
        if ledgers.DELIVERIES not in ledgers.tables(connection, source.dataset):
            raise IngestError(f"nothing has landed from {source.name!r}; `ingest status` shows what has")
        _make_table(connection, source.dataset)
        for stretch in _due(connection, source, stream):
            if stop():
                return
            say(f"archiving {stretch.uri}: {stretch.count:,} records")
            with tempfile.TemporaryDirectory(prefix="majakka-archive-") as folder:
                path = Path(folder) / "stretch.parquet"
                count, arrived_at = _write(reader, stretch, path)
                url = None
                if count == stretch.count:
                    url = store.put(path, _name(stretch, arrived_at))
                else:
                    lost.append(f"{stretch.uri} ({stretch.count - count:,} of {stretch.count:,} records)")
            _note(connection, source.dataset, url, stretch.uri, str(stretch.last))
            yield Archived(stretch.uri, url, count)
    if lost:
        raise RecordsLostError(
            f"{source.name}: the stream no longer has all of what is to be archived, so {len(lost)} stretches are not "
            f"in the archive: {'; '.join(lost[:3])}. Their rows have landed; archive sooner than the stream forgets."
        )


def replay(
    source: Source,
    warehouse: Warehouse,
    start: datetime,
    end: datetime,
    *,
    stop: Callable[[], bool] = lambda: False,
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[tuple[datetime, Report]]:
    """Lands what the archive has of some hours again, hour by hour, and gives each with what was done.

    The rows of a stretch that has landed before are replaced, quarantined rows included; today's contract decides.
    Consumers may be at work meanwhile.

    Args:
        source: a stream; the setting `archive_url` says where its archive is.
        warehouse: where to land.
        start: a moment within the first hour.
        end: the moment after the last one wanted.
        stop: asked before each hour and each object.
        say: called with short sentences of progress.

    Raises:
        IngestError: see `landing.land`; hours that were given before have landed.
    """
    stream = _stream_of(source)
    store = _Store(source.name)
    hour = start.replace(minute=0, second=0, microsecond=0)
    while hour < end and not stop():
        if keys := store.keys(hour):
            transport = _Archive(source, stream, warehouse, store, tuple(keys))
            archived = replace(source, transport=transport)
            yield hour, landing.land(archived, warehouse, stop=stop, say=say, wait_seconds=ledgers.TURN_SECONDS)
        hour += timedelta(hours=1)


class _Store:
    """The archive in S3."""

    def __init__(self, source: str) -> None:
        url = setting(source, "archive_url")
        parts = urlsplit(url)
        if parts.scheme != "s3" or not parts.netloc:
            raise IngestError(f"sources.{source}.archive_url is {url!r}; it is of the form s3://bucket/prefix")
        self._source = source
        self._bucket = parts.netloc
        self._prefix = parts.path.strip("/")
        with named_errors(source):
            self._s3 = client(source, "s3")

    def put(self, path: Path, name: str) -> str:
        """Stores an object, over one of the same name. Gives its url."""
        key = f"{self._prefix}/{name}".lstrip("/")
        with named_errors(self._source):
            self._s3.upload_file(str(path), self._bucket, key)
        return f"s3://{self._bucket}/{key}"

    def get(self, key: str, path: Path) -> str:
        """Fetches an object. Gives its url."""
        with named_errors(self._source):
            self._s3.download_file(self._bucket, key, str(path))
        return f"s3://{self._bucket}/{key}"

    def keys(self, hour: datetime) -> list[str]:
        """The objects of an hour."""
        prefix = f"{self._prefix}/{_folder(hour)}/".lstrip("/")
        with named_errors(self._source):
            pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            return sorted(one["Key"] for page in pages for one in page.get("Contents", ()))


@dataclass(frozen=True)
class _Archive(Poll):
    """The objects of an hour, as a transport."""

    source: Source
    stream: Stream
    warehouse: Warehouse
    store: _Store
    keys: tuple[str, ...]
    urls: dict[str, str] = field(default_factory=dict)

    def deliveries(
        self, ledger: Ledger, folder: Path, say: Callable[[str], None], request: Request = EVERYTHING_NEW
    ) -> Iterable[Delivery]:
        """One delivery for each object.

        Raises:
            IngestError: an object is none of ours, or has less of a stretch than has landed.
        """
        for key in self.keys:
            path = folder / "stretch.parquet"
            url = self.store.get(key, path)
            told = _metadata(path, url)
            landed = ledger.landed.get((self.stream.resource, told["uri"]))
            if landed and landed.fetched > int(told["count"]):
                raise IngestError(
                    f"{url} has {int(told['count']):,} records, and {landed.fetched:,} of {told['uri']} have landed: "
                    "it was archived before its time; `ingest archive` writes it anew"
                )
            self.urls[told["uri"]] = url
            yield Delivery(
                self.stream.resource,
                told["uri"],
                told["after"],
                partial(self._read, path),
                self.stream.format.notation,
                cursor_scope=told["scope"],
                cursor_value=told["last"],
            )

    def acknowledge(self, landed: Sequence[Delivery]) -> None:
        """Notes what is in the archive: a warehouse that is built anew does not know."""
        with self.warehouse.connect() as connection, self.warehouse.named_errors():
            _make_table(connection, self.source.dataset)
            for delivery in landed:
                _note(connection, self.source.dataset, self.urls[delivery.uri], delivery.uri, delivery.cursor_value)

    def notation(self, resource: str) -> Notation:
        """How the records write numbers and dates."""
        return self.stream.format.notation

    def check(self) -> Sequence[str]:
        """What the archive has of the hour."""
        return [f"{len(self.keys)} objects"]

    def _read(self, path: Path) -> Iterator[Batch]:
        reading = self.stream.format.reading()
        first = 1
        with pyarrow.parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(ROWS_AT_ONCE, columns=["value"]):
                values = batch.column("value").to_pylist()
                yield from read_values(reading, values, first)
                first += len(values)


def _stream_of(source: Source) -> Stream:
    if not isinstance(source.transport, Stream):
        raise IngestError(f"{source.name} is no stream, and has no archive")
    return source.transport


def _make_table(connection: Connection, dataset: str) -> None:
    from psycopg import sql

    connection.execute(sql.SQL(f"create table if not exists {{}} ({_COLUMNS})").format(sql.Identifier(dataset, TABLE)))


def _due(connection: Connection, source: Source, stream: Stream) -> list[Stretch]:
    """The stretches that are over and not in the archive as the ledger has them, the oldest first."""
    from psycopg import sql

    lines = connection.execute(
        sql.SQL(
            'select d.uri, d.cursor_scope, d."identity", d.cursor_value, d.fetched_count, d.landed_at, d._dlt_load_id,'
            " a.uri is not null from {deliveries} as d"
            " left join {archive} as a on a.uri = d.uri and a.cursor_value = d.cursor_value"
            " where d.resource = %s and d.cursor_scope is not null and d.cursor_value is not null order by d.landed_at"
        ).format(
            deliveries=sql.Identifier(source.dataset, ledgers.DELIVERIES),
            archive=sql.Identifier(source.dataset, TABLE),
        ),
        (stream.resource,),
    ).fetchall()
    now = datetime.now(UTC)
    at_work = {lease.scope for lease in leases.read(connection, source.dataset) if lease.is_live(now)}
    furthest: dict[str, int] = {}
    for _, scope, _, last, *_ in lines:
        furthest[scope] = max(furthest.get(scope, 0), int(last))
    due: dict[str, Stretch] = {}
    for uri, scope, after, last, count, landed_at, load_id, is_archived in lines:
        began = float(load_id)
        may_go_on = (
            scope in at_work
            and int(last) == furthest[scope]
            and time.time() - began < Pace.stretch_seconds + MARGIN_SECONDS
        )
        if not is_archived and not may_go_on:
            due[uri] = Stretch(uri, scope, int(after) if after else None, int(last), count, landed_at)
    return list(due.values())


def _write(reader: Reader, stretch: Stretch, path: Path) -> tuple[int, float]:
    """Writes a stretch's records to a file. Gives how many were there, and when the first had arrived."""
    # the count tells whether something is lost
    reader.follow({stretch.scope: Place(stretch.after)}, accept_loss=True)
    began = time.time()
    count, arrived_at = 0, began
    told = {
        "uri": stretch.uri,
        "scope": stretch.scope,
        "after": "" if stretch.after is None else str(stretch.after),
        "last": str(stretch.last),
        "count": str(stretch.count),
    }
    with pyarrow.parquet.ParquetWriter(path, SCHEMA.with_metadata(told), compression="zstd") as writer:
        reached = False
        while not reached:
            for piece in reader.poll(min(ROWS_AT_ONCE, stretch.count - count), POLL_SECONDS):
                part = piece.part(0, sum(position <= stretch.last for position in piece.positions))
                reached = bool(piece.positions) and piece.positions[-1] >= stretch.last
                reached = reached or _has_no_more(piece, began)
                if part.values:
                    arrived_at = arrived_at if count else part.arrivals[0]
                    count += len(part)
                    writer.write_table(_table(part))
    return count, min(arrived_at, stretch.landed_at.timestamp())


def _has_no_more(piece: Piece, moment: float) -> bool:
    standing = piece.standing
    if standing.behind is not None:
        return standing.behind == 0
    return standing.has_ended or (standing.read_until or 0.0) >= moment


def _table(piece: Piece) -> pa.Table:
    columns: Mapping[str, Any] = {
        "position": [str(position) for position in piece.positions],
        "arrived_at": [round(arrival * 1_000_000) for arrival in piece.arrivals],
        "key": piece.keys,
        "value": piece.values,
    }
    return pa.table(
        {name: pa.array(values, SCHEMA.field(name).type) for name, values in columns.items()}, schema=SCHEMA
    )


def _metadata(path: Path, url: str) -> dict[str, str]:
    """What an object says of its stretch.

    Raises:
        IngestError: it is none.
    """
    try:
        found = pyarrow.parquet.read_schema(path).metadata or {}
        return {name: found[name.encode()].decode() for name in ("uri", "scope", "after", "last", "count")}
    except (pa.ArrowInvalid, KeyError) as error:
        raise IngestError(f"{url} is no object of the archive: {error}") from error


def _name(stretch: Stretch, arrived_at: float) -> str:
    scope = urlsplit(stretch.scope)
    place = f"{scope.netloc}-{scope.path.strip('/')}-after-{'beginning' if stretch.after is None else stretch.after}"
    return f"{_folder(datetime.fromtimestamp(arrived_at, UTC))}/{place}.parquet"


def _folder(hour: datetime) -> str:
    return f"{hour.astimezone(UTC):dt=%Y-%m-%d/hour=%H}"


def _note(connection: Connection, dataset: str, url: str | None, uri: str, last: str | None) -> None:
    """Writes down where a stretch is in the archive; without a url, that it is not and cannot be."""
    from psycopg import sql

    table = sql.Identifier(dataset, TABLE)
    with connection.transaction():
        connection.execute(sql.SQL("delete from {} where uri = %s").format(table), (uri,))
        connection.execute(
            sql.SQL("insert into {} (uri, cursor_value, object, archived_at) values (%s, %s, %s, %s)").format(table),
            (uri, last, url, datetime.now(UTC)),
        )
