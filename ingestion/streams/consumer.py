"""Lands a stream, micro-batch by micro-batch, beside other consumers of it.

1. Take the leases that are due to us, and learn from the ledger where each partition is to be read on.
2. Read, and make a micro-batch of what came (`ingestion/streams/batches.py`), one ahead of the warehouse.
3. Land it as every source is landed: in one transaction, accepted rows, quarantined rows, and the ledger's lines with
   the positions that have been reached. The leases are checked within it.
4. Now and then, see whether leases are to be taken or have been lost; then begin at 1.

Killed at any line, a consumer leaves leases behind, which run out; whoever takes them reads on from the ledger. So does
a consumer to which anything goes wrong: it trusts nothing that it remembers.
"""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pyarrow as pa

from ingestion import landing, loading
from ingestion import ledger as ledgers
from ingestion.config import optional_setting
from ingestion.errors import IngestError, RecordsLostError, SourceUnavailableError, WarehouseUnavailableError
from ingestion.landing import Attempt, Report, ResourceReport
from ingestion.ledger import Ledger
from ingestion.loading import tables
from ingestion.privacy import suppression
from ingestion.read_ahead import read_ahead
from ingestion.streams.batches import HOUR, Batches, MicroBatch, Pace
from ingestion.streams.leases import LeaseLostError, Leases
from ingestion.streams.progress import Progress
from ingestion.streams.reader import Place, Standing
from ingestion.transports.patience import Patience
from ingestion.transports.stream import Stream

if TYPE_CHECKING:
    import dlt

    from ingestion.delivery import Request, Source
    from ingestion.streams.reader import Reader
    from ingestion.warehouse import Connection, Warehouse

PACES = {
    "postgres": Pace(),
    # a COPY costs seconds, whatever it brings
    "redshift": Pace(rows=500_000, seconds=60, lease=timedelta(minutes=3)),
}

FEW_ROWS = 1_000
"""Up to this many rejected rows in an hour the limit is not asked: a second's worth of events says nothing."""

_PATIENCE = Patience(pause=1, longest_pause=30)


def pace_of(source: str, warehouse: Warehouse) -> Pace:
    """How a source's stream is landed: the settings `batch_rows`, `batch_seconds` and `lease_seconds`.

    Raises:
        IngestError: one of them is no number above 0, or leases would run out within a micro-batch.
    """

    def number(key: str, default: float) -> float:
        given = optional_setting(source, key)
        try:
            found = default if given is None else float(given)
        except ValueError:
            found = 0.0
        if not found > 0:
            raise IngestError(f"sources.{source}.{key} is {given!r}; it is a number above 0")
        return found

    usual = PACES[warehouse.engine]
    seconds = number("batch_seconds", usual.seconds)
    lease = number("lease_seconds", max(usual.lease.total_seconds(), 3 * seconds))
    if lease < 2 * seconds:
        raise IngestError(
            f"sources.{source}.lease_seconds is {lease:g}, and a micro-batch is collected for {seconds:g} s: let "
            "leases last three times as long"
        )
    return Pace(int(number("batch_rows", usual.rows)) or 1, seconds, lease=timedelta(seconds=lease))


def stream(
    source: Source,
    warehouse: Warehouse,
    *,
    stop: threading.Event,
    accept_loss: bool = False,
    observe: Callable[[Progress], None] = lambda _: None,
    tell: Callable[[IngestError], None] = lambda _: None,
) -> Report:
    """Lands a stream until told to stop; then lands what has been read, and gives its leases back.

    Args:
        source: what to land.
        warehouse: where to.
        stop: ends it.
        accept_loss: if records are gone that nobody has landed, tell it and go on with the oldest that are left; once.
        observe: called whenever something has landed, or nothing had come.
        tell: called with errors that do not end it: the stream or the warehouse is away, another has taken a partition.

    Raises:
        RecordsLostError: records are gone that nobody has landed.
        LoadRefusedError: too many records break the contract.
        IngestError: see the other kinds in `ingestion/errors.py`. Every error carries the report of what has landed.
    """
    consumer = _Consumer(source, warehouse, stop, observe=observe, tell=tell)
    started = time.monotonic()
    report = consumer.progress.report
    try:
        consumer.run(accept_loss=accept_loss)
    except IngestError as error:
        error.report = report
        raise
    finally:
        report.seconds = time.monotonic() - started
    return report


def catch_up(
    source: Source,
    warehouse: Warehouse,
    report: Report,
    *,
    request: Request,
    stop: Callable[[], bool],
    say: Callable[[str], None],
) -> None:
    """Lands what a stream has by now, and no more: `ingestion.landing.land` for streams.

    Raises:
        RunInProgressError: a consumer is at work on it.
        IngestError: the past is asked for; or see `stream`.
    """
    if request.again:
        raise IngestError(
            f"{source.name}: a stream is read on from its last landed record, not again or in part; what is in the "
            "archive can be landed again with `ingest replay`"
        )
    ended = threading.Event()

    def observe(progress: Progress) -> None:
        for line in progress.report.resources:
            say(f"{line.resource}: {line.fetched:,} rows")
        if stop():
            ended.set()
            report.stopped = True

    if stop():
        report.stopped = True
        return
    _Consumer(source, warehouse, ended, observe=observe, report=report).catch_up()


class _Consumer:
    """One consumer, from its first connection to its last."""

    def __init__(
        self,
        source: Source,
        warehouse: Warehouse,
        stop: threading.Event,
        *,
        observe: Callable[[Progress], None],
        tell: Callable[[IngestError], None] = lambda _: None,
        report: Report | None = None,
    ) -> None:
        if not isinstance(source.transport, Stream):
            raise IngestError(f"{source.name} is no stream; `ingest run` and `ingest receive` land it")
        report = report or Report(source.name, [ResourceReport(resource.name) for resource in source.resources])
        self._source = source
        self._stream = source.transport
        self._warehouse = warehouse
        self._stop = stop
        self._pace = pace_of(source.name, warehouse)
        self._observe = observe
        self._tell = tell
        holder = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self.progress = Progress(source.name, holder, report)

    def run(self, *, accept_loss: bool) -> None:
        """Session after session, until told to stop."""
        failures = landed = 0
        accepts = False
        while not self._stop.is_set():
            try:
                self._session(accept_loss=accepts)
            except RecordsLostError as error:
                if not accept_loss:
                    raise
                self._tell(error)
                # once: what is lost later is another decision
                accept_loss, accepts = False, True
                continue
            except (SourceUnavailableError, WarehouseUnavailableError) as error:
                if not self.progress.has_begun:
                    # nothing has ever worked: the settings may be wrong
                    raise
                self._tell(error)
                self.progress.counts_error(error)
                failures = 1 if self.progress.batches > landed else failures + 1
                landed = self.progress.batches
                self._stop.wait(_PATIENCE.seconds(failures))
            accepts = False

    def catch_up(self) -> None:
        """One session, which ends when everything that has arrived by now has landed."""
        self._pace = replace(self._pace, seconds=max(self._pace.seconds, 10))
        self._session(catch_up_to=time.time())

    def _session(self, *, accept_loss: bool = False, catch_up_to: float | None = None) -> None:
        """Connects, and lands until told to stop or something goes wrong."""
        # gives freed batches back to the system, as `landing.land` does
        pa.set_memory_pool(pa.system_memory_pool())
        source, dataset = self._source, self._source.dataset
        with (
            closing(self._stream.reader()) as reader,
            self._warehouse.connect() as connection,
            self._warehouse.named_errors(),
        ):
            leases = Leases(connection, self._warehouse, dataset, self.progress.holder, self._pace.lease)
            with ledgers.run_lock(connection, self._warehouse, dataset, ledgers.TURN_SECONDS):
                schema = tables.declare(source.name, dataset, landing.contracts(source), self._warehouse)
                ledgers.index(connection, self._warehouse, source)
                leases.make_table()
            session = _Session(
                source,
                self._stream,
                self._warehouse,
                self._pace,
                connection=connection,
                reader=reader,
                leases=leases,
                schema=schema,
                progress=self.progress,
                observe=self._observe,
                tell=self._tell,
            )
            try:
                session.run(self._stop, accept_loss=accept_loss, catch_up_to=catch_up_to)
            finally:
                # leases that cannot be given back run out
                with suppress(Exception):
                    leases.release()


class _Session:
    """What a consumer does on one connection."""

    def __init__(
        self,
        source: Source,
        stream: Stream,
        warehouse: Warehouse,
        pace: Pace,
        *,
        connection: Connection,
        reader: Reader,
        leases: Leases,
        schema: dlt.Schema,
        progress: Progress,
        observe: Callable[[Progress], None],
        tell: Callable[[IngestError], None],
    ) -> None:
        self._dataset = source.dataset
        self._resources = {resource.name: resource for resource in source.resources}
        self._keys = {r.name: r.contract.key for r in source.resources if r.lands == "merge"}
        self._stream = stream
        self._warehouse = warehouse
        self._pace = pace
        self._connection = connection
        self._reader = reader
        self._leases = leases
        self._schema = schema
        self._progress = progress
        self._observe = observe
        self._tell = tell
        self._partitions = reader.partitions()
        self._shared_at = 0.0
        # by partition, the uri of the stretch that goes on and the id of the load that began it
        self._lines: dict[str, tuple[str, str]] = {}
        self._lately = {name: ResourceReport(name) for name in self._resources}
        self._lately_since = time.monotonic()

    def run(self, stop: threading.Event, *, accept_loss: bool, catch_up_to: float | None) -> None:
        """Lands until told to stop, or until everything has landed that had arrived by a moment."""
        while not stop.is_set():
            self._share(all_of_them=catch_up_to is not None)
            self._progress.has_begun = True
            landed = self._follow(accept_loss=accept_loss)
            accept_loss = False
            batches = Batches(
                self._stream,
                self._reader,
                landed,
                self._pace,
                stop=stop,
                is_enough=lambda standings: self._is_caught_up(standings, catch_up_to),
            )
            try:
                with ExitStack() as stack:
                    coming = stack.enter_context(closing(read_ahead(iter(batches))))
                    stack.callback(batches.give_up)
                    for batch in coming:
                        if self._land(batch):
                            break
                        if self._is_caught_up(self._progress.standings, catch_up_to):
                            return
            except LeaseLostError as error:
                self._tell(error)
                self._progress.counts_error(error)

    def _share(self, *, all_of_them: bool = False) -> bool:
        """Whether we hold the same leases as before."""
        self._partitions = self._reader.partitions()
        progress = self._progress
        is_same = self._leases.share(self._partitions, progress.standings, progress.rates(), all_of_them=all_of_them)
        progress.holds(self._leases.held)
        self._shared_at = time.monotonic()
        return is_same

    def _follow(self, *, accept_loss: bool) -> dict[str, int | None]:
        """Has the reader read what we hold from where it has landed. Gives the last landed positions."""
        positions = ledgers.positions(self._connection, self._dataset, self._stream.resource)
        held = self._leases.held
        landed = {scope: positions.get(scope) for scope in held}
        self._reader.follow(
            {
                scope: Place(landed[scope], lease.read_until.timestamp() if lease.read_until else None)
                for scope, lease in held.items()
            },
            accept_loss=accept_loss,
        )
        return landed

    def _land(self, batch: MicroBatch) -> bool:
        """Lands a micro-batch. Whether other leases are held now, so that reading has to begin anew.

        Raises:
            LeaseLostError: somebody has taken a partition meanwhile, and nothing of it counts.
            IngestError: the load failed, or was refused.
        """
        progress = self._progress
        began = time.monotonic()
        if batch.deliveries:
            self._commit(batch)
            progress.has_landed(batch, time.monotonic() - began)
        else:
            progress.standings.update(batch.standings)
        self._observe(progress)
        has_ended = any(standing.has_ended for standing in batch.standings.values())
        is_due = time.monotonic() - self._shared_at > self._pace.lease.total_seconds() / 3
        return (is_due or has_ended) and not self._share()

    def _commit(self, batch: MicroBatch) -> None:
        progress = self._progress
        if time.monotonic() - self._lately_since > HOUR:
            self._lately = {name: ResourceReport(name) for name in self._resources}
            self._lately_since = time.monotonic()
        going_on = dict(self._lines.values())
        with loading.begin(self._connection, self._warehouse, self._dataset, self._keys) as load:
            attempt = Attempt(
                load,
                Ledger(),
                self._resources,
                suppressed=suppression.read(self._connection),
                going_on=going_on,
                before=self._lately,
                few_rows=FEW_ROWS,
            )
            for delivery in batch.deliveries:
                attempt.read(delivery)
            attempt.write_lines(())

            def settle() -> None:
                self._leases.keep(batch.standings, progress.rates())
                for line in attempt.grown:
                    ledgers.grow(self._connection, self._dataset, line)

            load.commit(self._schema, first=settle)
        for delivery in batch.deliveries:
            if delivery.uri not in going_on:
                self._lines[delivery.cursor_scope or ""] = (delivery.uri, load.load_id)
        progress.reaches(batch)
        attempt.report_to(progress.report)
        for name, line in self._lately.items():
            count = attempt.counts[name]
            line.fetched += count.fetched
            line.rejected += count.rejected
            line.suppressed += count.suppressed

    def _is_caught_up(self, standings: Mapping[str, Standing], catch_up_to: float | None) -> bool:
        """Whether everything that had arrived by that moment has been read, in all partitions."""
        if catch_up_to is None:
            return False
        left = {partition.scope for partition in self._partitions} - self._leases.ended - set(self._leases.held)
        return not left and all(
            scope in standings and _has_reached(standings[scope], catch_up_to) for scope in self._leases.held
        )


def _has_reached(standing: Standing, moment: float) -> bool:
    if standing.behind is not None:
        return standing.behind == 0
    return standing.has_ended or (standing.read_until or 0.0) >= moment
