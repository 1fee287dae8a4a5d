"""How every source lands.

1. Take the source's lock; delete what an earlier run left unfinished (`ingestion/ledger.py` has the rule).
2. Ask the transport what is new since the ledger; fetch it whole.
3. Read it batch by batch, check each batch against its contract, and extract accepted rows, quarantined rows and ledger
   lines as one dlt package in a working folder that is thrown away afterwards. An error until here lands nothing.
4. dlt loads the package; its last act makes it count.
5. Delete the rows that newer versions of the same files replace; acknowledge to the source.

A crash in 1 to 4 lands nothing, and the next run starts where this one did. A crash between 4 and 5 is made good by
step 1 of the next run, and the source hands over again what the ledger then knows.
"""

from __future__ import annotations

import hashlib
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import pyarrow as pa

from ingestion import ledger as ledgers
from ingestion.contract import Contract, MaxBytes, Rejection, Row, storable
from ingestion.errors import IngestError, LoadRefusedError

if TYPE_CHECKING:
    import dlt
    from dlt.extract import DltSource

    from ingestion.delivery import Batch, Delivery, Resource, Source
    from ingestion.ledger import Ledger
    from ingestion.warehouse import Warehouse

FEW_ROWS = 20
"""Up to this many rejected rows a resource's limit is not asked: a share of next to nothing says nothing."""

SHRUNK_SHARE = 0.5
"""A delivery with fewer than this share of the rows that its earlier version had looks truncated."""


class Provenance(Row):
    """Where a row came from; every landed row carries it, and dlt adds `_dlt_load_id`."""

    _source_uri: str
    _source_row: int


class Loaded(Row):
    """The package that a row came in, as dlt names it."""

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


@dataclass
class ResourceReport:
    """What a run did for one table, in rows."""

    resource: str
    deliveries: int = 0
    fetched: int = 0
    landed: int = 0
    rejected: int = 0
    new_columns: list[str] = field(default_factory=list)


@dataclass
class Report:
    """What a run did for one source."""

    source: str
    resources: list[ResourceReport]
    replaced: int = 0
    seconds: float = 0.0


@dataclass
class _Run:
    """The state of one run: what has been counted and set aside so far."""

    now: datetime
    ledger: Ledger
    allow_shrink: bool
    reports: dict[str, ResourceReport]
    say: Callable[[str], None]
    quarantined: list[dict[str, Any]] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)

    def rows(self, resource: Resource, deliveries: Sequence[Delivery]) -> Iterator[pa.Table]:
        """The accepted rows of a resource's deliveries; notes everything else on the way.

        Raises:
            LoadRefusedError: too many rows were rejected, or a delivery has shrunk.
        """
        report = self.reports[resource.name]
        for delivery in deliveries:
            fetched, rejected, new_columns = 0, 0, set[str]()
            for batch in delivery.read():
                checked = resource.contract.check(batch.table, batch.rows, delivery.notation)
                uri = f"{delivery.uri}#{batch.member}" if batch.member else delivery.uri
                rejections = [*_unread(batch), *checked.rejected]
                self._quarantine(resource.name, uri, rejections)
                fetched += len(batch.table) + len(batch.broken)
                rejected += len(rejections)
                new_columns.update(checked.new_columns)
                self.say(f"{resource.name}: {report.fetched + fetched:,} rows")
                if len(checked.accepted):
                    yield _stamped(checked.accepted, uri, checked.rows)
            if fetched == 0 and delivery.cursor_scope:
                # nothing came: the next window starts where this one did
                continue
            self._refuse_shrunk(delivery, fetched)
            report.deliveries += 1
            report.fetched += fetched
            report.rejected += rejected
            report.landed += fetched - rejected
            report.new_columns = sorted({*report.new_columns, *new_columns})
            self._line(delivery, fetched, rejected, new_columns)
        self._refuse_rejected(resource, report)

    def _quarantine(self, resource: str, uri: str, rejections: Sequence[Rejection]) -> None:
        self.quarantined.extend(
            {
                "quarantine_id": hashlib.sha256(f"{resource}\n{uri}\n{one.row}\n{self.now}".encode()).hexdigest()[:32],
                "resource": resource,
                "rule": one.rule,
                "reason": one.reason,
                "payload": one.payload,
                "rejected_at": self.now,
                "_source_uri": uri,
                "_source_row": one.row,
            }
            for one in rejections
        )

    def _line(self, delivery: Delivery, fetched: int, rejected: int, new_columns: set[str]) -> None:
        self.lines.append(
            {
                "resource": delivery.resource,
                "uri": delivery.uri,
                "identity": delivery.identity,
                "cursor_scope": delivery.cursor_scope,
                "cursor_value": delivery.cursor_value,
                "fetched_count": fetched,
                "landed_count": fetched - rejected,
                "rejected_count": rejected,
                "new_columns": ", ".join(sorted(new_columns)) or None,
                "landed_at": self.now,
            }
        )

    def _refuse_shrunk(self, delivery: Delivery, fetched: int) -> None:
        before = self.ledger.landed.get((delivery.resource, delivery.uri))
        if before and fetched < before.fetched * SHRUNK_SHARE and not self.allow_shrink:
            raise LoadRefusedError(
                f"{delivery.uri} had {before.fetched:,} rows and now has {fetched:,}: it looks cut short, so nothing "
                "was landed. If the source really shrank, run again with --allow-shrink."
            )

    def _refuse_rejected(self, resource: Resource, report: ResourceReport) -> None:
        if report.rejected <= max(FEW_ROWS, report.fetched * resource.rejected_share_limit):
            return
        first = [line["reason"] for line in self.quarantined if line["resource"] == resource.name][:3]
        raise LoadRefusedError(
            f"{report.rejected:,} of {report.fetched:,} rows of {resource.name} break its contract, more than "
            f"{resource.rejected_share_limit:.0%}; nothing was landed. The first: {' | '.join(first)}. "
            "Mend the source, or the contract if it is the contract that is wrong, and run again."
        )


def land(
    source: Source,
    warehouse: Warehouse,
    *,
    allow_shrink: bool = False,
    frozen: pa.Table | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Report:
    """Lands what is new of a source.

    Args:
        source: what to land.
        warehouse: where to.
        allow_shrink: land a delivery that is much smaller than its earlier version.
        frozen: lines for the schema's `_contracts` table, for contracts that were inferred in this run.
        say: called with short sentences of progress.

    Raises:
        IngestError: see the kinds in `ingestion/errors.py`; nothing was landed.
    """
    started = time.monotonic()
    reports = {resource.name: ResourceReport(resource.name) for resource in source.resources}
    report = Report(source.name, list(reports.values()))
    with (
        warehouse.connect() as connection,
        ledgers.run_lock(connection, source.dataset),
        tempfile.TemporaryDirectory(prefix="majakka-ingest-") as name,
    ):
        if left := ledgers.remove_unfinished(connection, source.dataset):
            say(f"removed {left:,} rows that an interrupted run had left")
        ledgers.remove_replaced(connection, source.dataset)
        ledger = ledgers.read(connection, source.dataset)
        (folder := Path(name) / "fetched").mkdir()
        say("looking for what is new")
        deliveries = source.transport.deliveries(ledger, folder, say)
        if deliveries:
            run = _Run(datetime.now(UTC), ledger, allow_shrink, reports, say)
            extra = {ledgers.CONTRACTS: frozen} if frozen is not None else {}
            pipeline = _pipeline(source, warehouse, Path(name) / "dlt")
            _load(pipeline, _package(source, deliveries, run, extra), run)
            report.replaced = ledgers.remove_replaced(connection, source.dataset)
        source.transport.acknowledge()
    report.seconds = time.monotonic() - started
    return report


def _pipeline(source: Source, warehouse: Warehouse, folder: Path) -> dlt.Pipeline:
    import dlt

    dlt.config["runtime.dlthub_telemetry"] = False
    dlt.config["normalize.parquet_normalizer.add_dlt_load_id"] = True
    # gzip of the working files is a third of dlt's time
    dlt.config["data_writer.disable_compression"] = True
    # in the order given: the ledger's lines are known only after all rows have been read
    dlt.config["extract.next_item_mode"] = "fifo"
    return dlt.pipeline(
        source.name,
        pipelines_dir=str(folder),
        destination=warehouse.destination(),
        dataset_name=source.dataset,
    )


def _package(source: Source, deliveries: Sequence[Delivery], run: _Run, extra: Mapping[str, pa.Table]) -> DltSource:
    import dlt
    from dlt.common.schema.utils import new_table
    from dlt.extract import DltSource

    contracts = {
        **{resource.name: resource.contract.including(Provenance) for resource in source.resources},
        ledgers.QUARANTINE: Contract.of(QuarantinedRow),
        ledgers.DELIVERIES: Contract.of(DeliveryLine),
    }
    # declared before a row is seen: a table exists from the first run on, whether or not anything came for it
    schema = dlt.Schema(source.name)
    for name, contract in contracts.items():
        schema.update_table(new_table(name, columns=contract.including(Loaded).dlt_columns()))

    def late(lines: list[dict[str, Any]], contract: Contract) -> Iterator[pa.Table]:
        if lines:
            yield pa.Table.from_pylist(lines, contract.schema())

    rows = [
        dlt.resource(
            run.rows(resource, [delivery for delivery in deliveries if delivery.resource == resource.name]),
            name=resource.name,
        )
        for resource in source.resources
    ]
    return DltSource(
        schema,
        source.name,
        [
            *rows,
            dlt.resource(late(run.quarantined, contracts[ledgers.QUARANTINE]), name=ledgers.QUARANTINE),
            dlt.resource(late(run.lines, contracts[ledgers.DELIVERIES]), name=ledgers.DELIVERIES),
            *(dlt.resource([table], name=name) for name, table in extra.items()),
        ],
    )


def _load(pipeline: dlt.Pipeline, package: DltSource, run: _Run) -> None:
    from dlt.common.exceptions import DltException

    try:
        pipeline.extract(
            package,
            write_disposition="append",
            loader_file_format="parquet",
            # a new column lands; a column that changes its type does not become another column in silence
            schema_contract={"tables": "evolve", "columns": "evolve", "data_type": "freeze"},
        )
        if not run.lines:
            return
        run.say("loading")
        pipeline.normalize()
        # dlt creates a table when its first row comes; the models that read it are built before that
        pipeline.sync_schema()
        pipeline.load(raise_on_failed_jobs=True)
    except DltException as error:
        raise _unwrapped(error, pipeline.pipeline_name) from error


def _unwrapped(error: BaseException, source: str) -> IngestError:
    """Dlt wraps what its generators raise; the one of ours inside, or a new one around dlt's own."""
    cause: BaseException | None = error
    while cause:
        if isinstance(cause, IngestError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return IngestError(f"{source}: the load failed and does not count; run again. dlt says: {error}")


def _stamped(table: pa.Table, uri: str, rows: pa.Array) -> pa.Table:
    uris = pa.repeat(uri, len(table))
    return table.append_column(pa.field("_source_uri", pa.string(), nullable=False), uris).append_column(
        pa.field("_source_row", pa.int64(), nullable=False), rows
    )


def _unread(batch: Batch) -> list[Rejection]:
    return [Rejection(one.row, "format", one.reason, storable(one.payload)) for one in batch.broken]
