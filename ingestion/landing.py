"""How every source lands.

1. Take the source's lock, make its tables, read its ledger.
2. Ask the transport what is new; it hands over delivery by delivery, each fetched whole.
3. Read a delivery batch by batch, check each batch against its contract, and copy accepted rows, quarantined rows and
   the ledger's line into one transaction. A delivery that cannot be read is set aside, and the others go on.
4. Delete the rows that newer versions of the same files replace, and commit.
5. Acknowledge to the source.

A crash in 1 to 4 lands nothing, and the next run starts where this one did. A crash between 4 and 5 makes the source
hand over again what the ledger then knows.

A stream is landed by its consumers (`ingestion/streams/consumer.py`), micro-batch by micro-batch: steps 3 and 4, with
the same `Attempt`.
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any

import pyarrow as pa

from ingestion import ledger as ledgers
from ingestion import loading
from ingestion.contract import Contract, MaxBytes, Rejection, Row, storable
from ingestion.delivery import EVERYTHING_NEW
from ingestion.errors import IngestError, LoadRefusedError, SourceUnavailableError, UnreadableDeliveryError
from ingestion.loading import tables
from ingestion.privacy import suppression
from ingestion.read_ahead import read_ahead
from ingestion.transports.stream import Stream

if TYPE_CHECKING:
    from ingestion.contract import Checked
    from ingestion.delivery import Batch, Delivery, Request, Resource, Source, Transport
    from ingestion.ledger import Ledger
    from ingestion.loading import Load
    from ingestion.privacy.suppression import Suppression
    from ingestion.warehouse import Connection, Warehouse

FEW_ROWS = 20
"""Up to this many rejected rows a resource's limit is not asked: a share of next to nothing says nothing."""

SHRUNK_SHARE = 0.5
"""A delivery with fewer than this share of the rows that its earlier version had looks truncated."""

LOAD_ROWS = 10_000_000
LOAD_SECONDS = 300
"""A run commits when it has read so many rows, or for so long: what a kill undoes stays bounded."""

QUARANTINE_ROWS = 5_000
"""How many rejected rows are held before they are written."""


class Provenance(Row):
    """Where a row came from, and the load that brought it; every landed row carries it."""

    _source_uri: str
    _source_row: int
    _dlt_load_id: Annotated[str, MaxBytes(64)]


class QuarantinedRow(Row):
    """A row that broke its contract, as it came, with the reason."""

    quarantine_id: Annotated[str, MaxBytes(32)]
    resource: Annotated[str, MaxBytes(63)]
    rule: Annotated[str, MaxBytes(100)]
    reason: str
    payload: Annotated[str, MaxBytes(65_535)]
    rejected_at: datetime
    _source_uri: str
    _source_row: int
    _dlt_load_id: Annotated[str, MaxBytes(64)]


class DeliveryLine(Row):
    """One delivery that has landed: a line of the ledger."""

    resource: Annotated[str, MaxBytes(63)]
    uri: str
    identity: str
    cursor_scope: str | None
    cursor_value: str | None
    fetched_count: int
    landed_count: int
    rejected_count: int
    new_columns: str | None
    landed_at: datetime
    _dlt_load_id: Annotated[str, MaxBytes(64)]


class ContractLine(Row):
    """One column of a contract that was inferred from the first file of a table, and frozen."""

    resource: Annotated[str, MaxBytes(63)]
    position: int
    column_name: Annotated[str, MaxBytes(63)]
    data_type: Annotated[str, MaxBytes(20)]
    frozen_at: datetime
    _dlt_load_id: Annotated[str, MaxBytes(64)]


_QUARANTINE = Contract.of(QuarantinedRow)
_DELIVERIES = Contract.of(DeliveryLine)
_CONTRACTS = Contract.of(ContractLine)


@dataclass
class ResourceReport:
    """What a run did for one table, in rows. Those `suppressed` are rejected, too: an erased person's, not kept."""

    resource: str
    deliveries: int = 0
    fetched: int = 0
    landed: int = 0
    rejected: int = 0
    suppressed: int = 0
    new_columns: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class SetAside:
    """A delivery that could not be read, and why."""

    uri: str
    reason: str


@dataclass
class Report:
    """What a run did for one source.

    Attributes:
        resources: what was committed, by table.
        replaced: rows of earlier deliveries that newer ones of the same uri have replaced.
        set_aside: deliveries that could not be read; they are not in the ledger, and will be tried again.
        stopped: the run was told to stop, and may have left something for the next one.
    """

    source: str
    resources: list[ResourceReport]
    replaced: int = 0
    seconds: float = 0.0
    set_aside: list[SetAside] = field(default_factory=list)
    stopped: bool = False


def land(
    source: Source,
    warehouse: Warehouse,
    *,
    request: Request = EVERYTHING_NEW,
    allow_shrink: bool = False,
    frozen: Sequence[Mapping[str, Any]] = (),
    stop: Callable[[], bool] = lambda: False,
    say: Callable[[str], None] = lambda _: None,
    load_rows: int = LOAD_ROWS,
    wait_seconds: float = 0,
) -> Report:
    """Lands what is new of a source, or what is asked for.

    Args:
        source: what to land.
        warehouse: where to.
        request: what to ask the transport for.
        allow_shrink: land a delivery that is much smaller than its earlier version.
        frozen: `ContractLine`s, for contracts that were inferred in this run.
        stop: asked before each delivery; once it says so, what has been read is landed and the rest is left.
        say: called with short sentences of progress.
        load_rows: commit once so many rows have been read.
        wait_seconds: how long to wait for whoever is landing into the same raw schema.

    Raises:
        UnreadableDeliveryError: some deliveries were set aside; the others have landed.
        SourceUnavailableError: the source broke off; what it had handed over before has landed.
        IngestError: see the other kinds in `ingestion/errors.py`; what was not committed before has not landed.
            Every error carries the report of what has.
    """
    # gives freed batches back to the system; Arrow's own pool keeps some eighty MB of them, for no speed
    pa.set_memory_pool(pa.system_memory_pool())
    started = time.monotonic()
    report = Report(source.name, [ResourceReport(resource.name) for resource in source.resources])
    transport = source.transport
    try:
        if isinstance(transport, Stream):
            from ingestion.streams.consumer import catch_up

            catch_up(source, warehouse, report, request=request, stop=stop, say=say)
            return report
        with (
            warehouse.connect() as connection,
            ledgers.run_lock(connection, warehouse, source.dataset, wait_seconds),
        ):
            run = _Run(source, warehouse, connection, report, allow_shrink=allow_shrink, load_rows=load_rows, say=say)
            run.land(transport, request, frozen, stop)
    except IngestError as error:
        error.report = report
        raise
    finally:
        report.seconds = time.monotonic() - started
    return report


def contracts(source: Source) -> dict[str, Contract]:
    """The contract of every table of a source's raw schema, the ledger and the quarantine included."""
    return {
        **{resource.name: resource.contract.including(Provenance) for resource in source.resources},
        ledgers.QUARANTINE: _QUARANTINE,
        ledgers.DELIVERIES: _DELIVERIES,
    }


class _Run:
    """One run of one source, under its lock."""

    def __init__(
        self,
        source: Source,
        warehouse: Warehouse,
        connection: Connection,
        report: Report,
        *,
        allow_shrink: bool,
        load_rows: int,
        say: Callable[[str], None],
    ) -> None:
        self._source = source
        self._warehouse = warehouse
        self._connection = connection
        self._report = report
        self._allow_shrink = allow_shrink
        self._load_rows = load_rows
        self._say = say
        self._resources = {resource.name: resource for resource in source.resources}

    def land(
        self,
        transport: Transport,
        request: Request,
        frozen: Sequence[Mapping[str, Any]],
        stop: Callable[[], bool],
    ) -> None:
        """Load after load, until the transport has nothing more."""
        source = self._source
        declared = contracts(source)
        if frozen:
            declared[ledgers.CONTRACTS] = _CONTRACTS
        schema = tables.declare(source.name, source.dataset, declared, self._warehouse)
        ledger = ledgers.read(self._connection, source.dataset)
        keys = {r.name: r.contract.key for r in source.resources if r.lands == "merge"}
        self._say("looking for what is new")
        with tempfile.TemporaryDirectory(prefix="majakka-ingest-") as folder, ExitStack() as stack:
            # in this order at the end: whoever fetches ahead stops, then the source is let go, then the folder goes
            stack.enter_context(closing(transport))
            deliveries = transport.deliveries(ledger, Path(folder), self._say, request)
            if isinstance(deliveries, Generator):
                stack.enter_context(closing(deliveries))
            coming = _Coming(iter(deliveries), stop)
            while coming.more:
                with loading.begin(self._connection, self._warehouse, source.dataset, keys) as load:
                    attempt = Attempt(
                        load,
                        ledger,
                        self._resources,
                        request,
                        suppressed=suppression.read(self._connection),
                        allow_shrink=self._allow_shrink,
                        say=self._say,
                    )
                    self._read(transport, coming, attempt)
                    if attempt.landed:
                        self._say("committing")
                        attempt.write_lines(frozen)
                        self._report.replaced += load.commit(schema, attempt.replaced)
                if attempt.landed:
                    frozen = ()
                    attempt.report_to(self._report)
                transport.acknowledge(attempt.landed)
            self._report.stopped = coming.stopped
            if coming.failure:
                raise coming.failure
        if aside := self._report.set_aside:
            first = "; ".join(one.reason for one in aside[:3])
            raise UnreadableDeliveryError(
                f"{len(aside)} of what {source.name} handed over could not be read and was set aside; everything else "
                f"has landed. {first}. Ask the sender for it again; every run tries again."
            )

    def _read(self, transport: Transport, coming: _Coming, attempt: Attempt) -> None:
        """Reads deliveries into a load until it is full or nothing more comes."""
        while not attempt.is_full(self._load_rows) and (delivery := coming.next()):
            try:
                attempt.read(delivery)
            except SourceUnavailableError as error:
                coming.end(error)
            except LoadRefusedError:
                raise
            except IngestError as error:
                if delivery.cursor_scope:
                    # what came after it would move the cursor over a hole
                    coming.end(error)
                    continue
                self._report.set_aside.append(SetAside(delivery.uri, str(error)))
                transport.set_aside(delivery, error)


class _Coming:
    """A transport's deliveries, one at a time, until they end, break off, or nobody wants more."""

    def __init__(self, deliveries: Iterator[Delivery], stop: Callable[[], bool]) -> None:
        self._deliveries = deliveries
        self._stop = stop
        self.more = True
        self.stopped = False
        self.failure: IngestError | None = None

    def next(self) -> Delivery | None:
        """The next delivery, or None when there is none to come."""
        if self.more and self._stop():
            self.more, self.stopped = False, True
        if not self.more:
            return None
        try:
            delivery = next(self._deliveries, None)
        except SourceUnavailableError as error:
            self.end(error)
            return None
        self.more = delivery is not None
        return delivery

    def end(self, error: IngestError) -> None:
        """Asks for nothing more, because of this error."""
        self.more, self.failure = False, error


class Attempt:
    """What one load has read so far; nothing of it counts before the load is committed.

    Attributes:
        landed: the deliveries that were read.
        replaced: by table, the uris whose earlier rows they replace.
        counts: what has been read, by table.
        grown: the ledger's lines of deliveries that go on; `ledger.grow` takes them, instead of `write_lines`.
    """

    def __init__(
        self,
        load: Load,
        ledger: Ledger,
        resources: Mapping[str, Resource],
        request: Request = EVERYTHING_NEW,
        *,
        suppressed: Suppression | None,
        allow_shrink: bool = False,
        going_on: Mapping[str, str] = MappingProxyType({}),
        before: Mapping[str, ResourceReport] = MappingProxyType({}),
        few_rows: int = FEW_ROWS,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Begins.

        Args:
            load: takes the rows.
            ledger: what has landed before.
            resources: the source's tables, by name.
            request: what was asked for.
            suppressed: whom to keep out; read within the load's transaction, so that an erasure waits for its end.
            allow_shrink: take a delivery that is much smaller than its earlier version.
            going_on: for deliveries of which an earlier load has brought a part, the id of the load in their line.
            before: what was brought before, and counts for a resource's limit.
            few_rows: up to this many rejected rows a resource's limit is not asked.
            say: called with short sentences of progress.
        """
        self._load = load
        self._suppressed = suppressed
        self._ledger = ledger
        self._resources = resources
        self._full = request.full
        self._allow_shrink = allow_shrink
        self._going_on = going_on
        self._before = before
        self._few_rows = few_rows
        self._say = say
        self._now = datetime.now(UTC)
        self._started = time.monotonic()
        self._lines: list[dict[str, Any]] = []
        self.counts = {name: ResourceReport(name) for name in resources}
        self._first_reasons: dict[str, list[str]] = {name: [] for name in resources}
        self.landed: list[Delivery] = []
        self.replaced: dict[str, list[str]] = {}
        self.grown: list[dict[str, Any]] = []

    def is_full(self, rows: int) -> bool:
        """Whether it is time to commit."""
        read = sum(count.fetched for count in self.counts.values())
        return read >= rows or (bool(self.landed) and time.monotonic() - self._started > LOAD_SECONDS)

    def read(self, delivery: Delivery) -> None:
        """Reads a delivery to its end; if it raises, none of its rows are in the load.

        Raises:
            LoadRefusedError: the delivery has shrunk.
            IngestError: it cannot be read to its end.
        """
        counts: dict[str, ResourceReport] = {delivery.resource: ResourceReport(delivery.resource)}
        with self._load.delivery(), ExitStack() as stack:
            quarantine = _Quarantine(self._load, self._now)
            for batch, came in stack.enter_context(closing(read_ahead(self._checked(delivery)))):
                name = batch.resource or delivery.resource
                count = counts.setdefault(name, ResourceReport(name))
                uri = f"{delivery.uri}#{batch.member}" if batch.member else delivery.uri
                checked, rejections = came, [*_unread(batch), *came.rejected]
                if self._suppressed:
                    checked, rejections, dropped = self._suppressed.screen(self._resources[name], came, rejections)
                    count.suppressed += dropped
                    count.rejected += dropped
                quarantine.add(name, uri, rejections)
                self._first_reasons[name] += [one.reason for one in rejections[: 3 - len(self._first_reasons[name])]]
                count.fetched += len(batch.table) + len(batch.broken)
                count.rejected += len(rejections)
                count.new_columns += [new for new in checked.new_columns if new not in count.new_columns]
                if len(checked.accepted):
                    self._load.add(name, _stamped(checked, uri, self._load.load_id))
                self._say(f"{name}: {self.counts[name].fetched + count.fetched:,} rows")
            quarantine.flush()
            self._refuse_shrunk(delivery, counts[delivery.resource].fetched)
        if delivery.cursor_scope and not any(count.fetched for count in counts.values()):
            # nothing came: the next window starts where this one did
            return
        self._keep(delivery, counts)

    def write_lines(self, frozen: Sequence[Mapping[str, Any]]) -> None:
        """Writes what belongs to the load beside its rows.

        Raises:
            LoadRefusedError: too many rows of a table were rejected.
        """
        for resource in self._resources.values():
            self._refuse_rejected(resource)
        self._write(ledgers.DELIVERIES, _DELIVERIES, self._lines)
        self._write(ledgers.CONTRACTS, _CONTRACTS, frozen)

    def report_to(self, report: Report) -> None:
        """Adds this load's counts to a run's."""
        for line in report.resources:
            count = self.counts[line.resource]
            line.deliveries += count.deliveries
            line.fetched += count.fetched
            line.landed += count.landed
            line.rejected += count.rejected
            line.suppressed += count.suppressed
            line.new_columns = sorted({*line.new_columns, *count.new_columns})

    def _checked(self, delivery: Delivery) -> Iterator[tuple[Batch, Checked]]:
        for batch in delivery.read():
            contract = self._resources[batch.resource or delivery.resource].contract
            yield batch, contract.check(batch.table, batch.rows, delivery.notation)

    def _keep(self, delivery: Delivery, counts: Mapping[str, ResourceReport]) -> None:
        self.landed.append(delivery)
        for name in self._resources:
            old = {delivery.uri} if (name, delivery.uri) in self._ledger.landed else set()
            if self._full and delivery.cursor_scope:
                # one delivery of everything stands for all the stretches that came before it
                old |= self._ledger.stretches.get((name, delivery.cursor_scope), set())
            self.replaced.setdefault(name, []).extend(sorted(old))
        for name, count in counts.items():
            total = self.counts[name]
            goes_on = delivery.uri in self._going_on
            total.deliveries += not goes_on
            total.fetched += count.fetched
            total.rejected += count.rejected
            total.suppressed += count.suppressed
            total.landed += count.fetched - count.rejected
            total.new_columns += count.new_columns
            (self.grown if goes_on else self._lines).append(
                {
                    "_dlt_load_id": self._going_on.get(delivery.uri, self._load.load_id),
                    "resource": name,
                    "uri": delivery.uri,
                    "identity": delivery.identity,
                    "cursor_scope": delivery.cursor_scope,
                    "cursor_value": delivery.cursor_value,
                    "fetched_count": count.fetched,
                    "landed_count": count.fetched - count.rejected,
                    "rejected_count": count.rejected,
                    "new_columns": ", ".join(sorted(count.new_columns)) or None,
                    "landed_at": self._now,
                }
            )

    def _write(self, table: str, contract: Contract, lines: Sequence[Mapping[str, Any]]) -> None:
        if lines:
            stamped = [{**line, "_dlt_load_id": self._load.load_id} for line in lines]
            self._load.add(table, pa.Table.from_pylist(stamped, contract.schema()))

    def _refuse_shrunk(self, delivery: Delivery, fetched: int) -> None:
        before = self._ledger.landed.get((delivery.resource, delivery.uri))
        if before and fetched < before.fetched * SHRUNK_SHARE and not self._allow_shrink:
            raise LoadRefusedError(
                f"{delivery.uri} had {before.fetched:,} rows and now has {fetched:,}: it looks cut short, so this load "
                "was refused. If the source really shrank, run again with --allow-shrink."
            )

    def _refuse_rejected(self, resource: Resource) -> None:
        count, before = self.counts[resource.name], self._before.get(resource.name, ResourceReport(resource.name))
        fetched = before.fetched + count.fetched
        broken = before.rejected - before.suppressed + count.rejected - count.suppressed
        is_new = count.rejected > count.suppressed
        if not is_new or broken <= max(self._few_rows, fetched * resource.rejected_share_limit):
            return
        raise LoadRefusedError(
            f"{broken:,} of {fetched:,} rows of {resource.name} break its contract, more than "
            f"{resource.rejected_share_limit:.0%}; this load was refused. The first: "
            f"{' | '.join(self._first_reasons[resource.name])}. "
            "Mend the source, or the contract if it is the contract that is wrong, and run again."
        )


class _Quarantine:
    """Rejected rows on their way into the load, some at a time."""

    def __init__(self, load: Load, now: datetime) -> None:
        self._load = load
        self._now = now
        self._lines: list[dict[str, Any]] = []

    def add(self, resource: str, uri: str, rejections: Sequence[Rejection]) -> None:
        """Takes rejected rows."""
        for one in rejections:
            name = f"{resource}\n{uri}\n{one.row}\n{self._now}"
            self._lines.append(
                {
                    "quarantine_id": hashlib.sha256(name.encode()).hexdigest()[:32],
                    "resource": resource,
                    "rule": one.rule,
                    "reason": one.reason,
                    "payload": one.payload,
                    "rejected_at": self._now,
                    "_source_uri": uri,
                    "_source_row": one.row,
                    "_dlt_load_id": self._load.load_id,
                }
            )
        if len(self._lines) >= QUARANTINE_ROWS:
            self.flush()

    def flush(self) -> None:
        """Puts what was taken into the load."""
        if self._lines:
            self._load.add(ledgers.QUARANTINE, pa.Table.from_pylist(self._lines, _QUARANTINE.schema()))
            self._lines.clear()


def _stamped(checked: Checked, uri: str, load_id: str) -> pa.Table:
    rows = checked.accepted
    for name, values in (
        ("_source_uri", pa.repeat(uri, len(rows))),
        ("_source_row", checked.rows),
        ("_dlt_load_id", pa.repeat(load_id, len(rows))),
    ):
        rows = rows.append_column(pa.field(name, values.type, nullable=False), values)
    return rows


def _unread(batch: Batch) -> list[Rejection]:
    return [Rejection(one.row, "format", one.reason, storable(one.payload)) for one in batch.broken]
