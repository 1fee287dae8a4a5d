"""What becomes of rows in quarantine: they pass today's contract and land, or they are purged.

A row is in `_quarantine` for as long as somebody has to decide about it, and no longer. A replayed row lands in its
table with the uri and the place that it came from, so that a newer delivery of the same uri replaces it, too. In the
same transaction the row leaves the quarantine, and the delivery's line in the ledger counts it as landed. So, always:
fetched = landed + rejected, and rejected - quarantined = purged.

Its load is a new one: whoever has read the load that brought it, and reads new loads only, would never see the row. But
where versions are told apart by the load that brought them, a row from January is still January's, whenever it is
replayed. So the id of its load comes right behind that of the load that brought it (`loading.load_id_after`).

Killed at any line, a replay has happened whole or not at all.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa

from ingestion import ledger as ledgers
from ingestion.contract import ISO
from ingestion.errors import IngestError
from ingestion.loading import load_id_after
from ingestion.prepare import make_tables

if TYPE_CHECKING:
    import dlt
    from psycopg import sql

    from ingestion.contract import Checked, Notation
    from ingestion.delivery import Resource, Source
    from ingestion.loading import Load
    from ingestion.warehouse import Connection, Warehouse

PAGE_ROWS = 1_000
"""Rows that are held at once."""

KEYS_A_QUESTION = 500

REASONS_TOLD = 20

REPLACED = ("\ufffd", "\\ufffd")
"""Stand in a payload for what no warehouse holds, a NUL or a byte that is no UTF-8: not quite what came."""


@dataclass(frozen=True)
class Held:
    """A row in quarantine, as far as a replay needs it."""

    quarantine_id: str
    rule: str
    payload: str
    uri: str
    row: int
    load_id: str


@dataclass
class Replayed:
    """What a replay did for one table, in rows.

    Attributes:
        source: name of the source.
        resource: the table.
        landed: rows that pass today's contract; with a dry run, that would land.
        still_broken: rows that do not pass it; they stay.
        not_replayable: rows whose payload is not all of what came; they stay. The source has to send them again.
        overtaken: rows that newer ones have replaced since; they stay, to be purged.
        reasons: why rows stay, the most frequent first, with how many.
    """

    source: str
    resource: str
    landed: int = 0
    still_broken: int = 0
    not_replayable: int = 0
    overtaken: int = 0
    reasons: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Selection:
    """Which rows of a quarantine are meant; without words, all.

    Attributes:
        resource: only this table's.
        ids: only those whose id begins with one of these.
        before: only those that were rejected before this time (UTC).
    """

    resource: str | None = None
    ids: tuple[str, ...] = ()
    before: datetime | None = None

    def condition(self) -> sql.Composable:
        """The same as SQL."""
        from psycopg import sql

        parts: list[sql.Composable] = [sql.SQL("1 = 1")]
        if self.resource is not None:
            parts.append(sql.SQL("resource = {}").format(sql.Literal(self.resource)))
        if self.ids:
            each = [
                sql.SQL("left(quarantine_id, {}) = {}").format(sql.Literal(len(one)), sql.Literal(one))
                for one in self.ids
            ]
            parts.append(sql.SQL("({})").format(sql.SQL(" or ").join(each)))
        if self.before is not None:
            parts.append(sql.SQL("rejected_at < {}").format(sql.Literal(self.before)))
        return sql.SQL(" and ").join(parts)


def replay(
    source: Source,
    warehouse: Warehouse,
    selection: Selection | None = None,
    *,
    dry_run: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> list[Replayed]:
    """Holds quarantined rows against today's contracts, and lands those that keep them. Gives a line for each table.

    Args:
        source: whose quarantine, with the contracts of today.
        warehouse: where it is.
        selection: which rows; all without it.
        dry_run: only tell.
        say: called with short sentences of progress.

    Raises:
        RunInProgressError: the source is being landed.
        IngestError: nothing has ever landed from it, or a table no longer fits its contract; nothing was replayed.
    """
    selection = selection or Selection()
    reports = []
    with warehouse.connect() as connection:
        _refuse_unknown(connection, source, selection)
        with ledgers.run_lock(connection, warehouse, source.dataset, ledgers.turn_seconds(source)):
            schema = None if dry_run else make_tables(source, warehouse)
            newest = _newest_lines(connection, source.dataset)
            for resource in source.resources:
                if selection.resource in (None, resource.name):
                    attempt = _Replay(
                        source, resource, warehouse=warehouse, connection=connection, newest=newest, say=say
                    )
                    reports.append(attempt.run(selection, schema))
    return [report for report in reports if any((report.landed, report.reasons))]


def purge(source: Source, warehouse: Warehouse, selection: Selection, *, dry_run: bool = False) -> int:
    """Deletes rows from a quarantine for good. Gives how many.

    Raises:
        RunInProgressError: the source is being landed.
        IngestError: nothing has ever landed from it.
    """
    from psycopg import sql

    with warehouse.connect() as connection:
        _refuse_unknown(connection, source, selection)
        table, condition = sql.Identifier(source.dataset, ledgers.QUARANTINE), selection.condition()
        with ledgers.run_lock(connection, warehouse, source.dataset, ledgers.turn_seconds(source)):
            (count,) = connection.execute(
                sql.SQL("select count(*) from {} where {}").format(table, condition)
            ).fetchone()
            if not dry_run:
                connection.execute(sql.SQL("delete from {} where {}").format(table, condition))
    return int(count)


def _refuse_unknown(connection: Connection, source: Source, selection: Selection) -> None:
    if ledgers.QUARANTINE not in ledgers.tables(connection, source.dataset):
        raise IngestError(f"nothing has landed from {source.name!r}; `ingest status` shows what has")
    names = [resource.name for resource in source.resources]
    if selection.resource is not None and selection.resource not in names:
        raise IngestError(f"{source.name} has no table {selection.resource!r}; it has {', '.join(names)}")


@dataclass(frozen=True)
class Line:
    """The ledger's line of the newest delivery of a uri.

    Attributes:
        load_id: of the load that brought it.
        is_stretch: it is a stretch of a stream, or a window: later loads may have brought more of it.
    """

    load_id: str
    is_stretch: bool

    def has(self, held: Held) -> bool:
        """Whether a row came with this delivery, and not with one that it has replaced."""
        return held.load_id == self.load_id or (self.is_stretch and float(held.load_id) > float(self.load_id))


def _newest_lines(connection: Connection, dataset: str) -> dict[tuple[str, str], Line]:
    """The newest delivery, by table and uri."""
    from psycopg import sql

    table = sql.Identifier(dataset, ledgers.DELIVERIES)
    query = "select resource, uri, _dlt_load_id, cursor_scope is not null from {} order by landed_at"
    found = connection.execute(sql.SQL(query).format(table))
    return {(resource, uri): Line(load_id, is_stretch) for resource, uri, load_id, is_stretch in found}


class _Replay:
    """The replay of one table: one transaction."""

    def __init__(
        self,
        source: Source,
        resource: Resource,
        *,
        warehouse: Warehouse,
        connection: Connection,
        newest: Mapping[tuple[str, str], Line],
        say: Callable[[str], None],
    ) -> None:
        self._source = source
        self._resource = resource
        self._warehouse = warehouse
        self._connection = connection
        self._newest = newest
        self._say = say
        self._report = Replayed(source.name, resource.name)
        self._stay: Counter[str] = Counter()
        self._taken: set[tuple[Any, ...]] = set()
        self._load_ids: set[str] = set()

    def run(self, selection: Selection, schema: dlt.Schema | None) -> Replayed:
        """Replays the rows of the selection that are this table's; without dlt's schema of the source, only tells."""
        from ingestion import loading

        if schema is None:
            for page in self._pages(selection):
                self._sort(page)
        else:
            keys = {self._resource.name: self._resource.contract.key} if self._resource.lands == "merge" else None
            with loading.begin(self._connection, self._warehouse, self._source.dataset, keys) as load:
                for page in self._pages(selection):
                    self._land(load, *self._sort(page))
                if self._report.landed:
                    load.commit(schema, named=self._load_ids)
        self._report.reasons = dict(self._stay.most_common(REASONS_TOLD))
        return self._report

    def _pages(self, selection: Selection) -> Iterator[list[Held]]:
        """The rows of the selection, those that came last first."""
        from psycopg import sql

        age = sql.SQL("cast(_dlt_load_id as double precision)")
        after: sql.Composable = sql.SQL("1 = 1")
        while True:
            query = sql.SQL(
                "select quarantine_id, rule, payload, _source_uri, _source_row, _dlt_load_id from {}"
                " where {} and resource = {} and {} order by {} desc, _source_row desc, quarantine_id desc limit {}"
            ).format(
                sql.Identifier(self._source.dataset, ledgers.QUARANTINE),
                selection.condition(),
                sql.Literal(self._resource.name),
                after,
                age,
                sql.Literal(PAGE_ROWS),
            )
            page = [Held(*line) for line in self._connection.execute(query).fetchall()]
            if not page:
                return
            self._say(f"{self._resource.name}: {self._report.landed + self._stay.total() + len(page):,} rows")
            yield page
            last = page[-1]
            after = sql.SQL(
                "({age} < {load} or ({age} = {load} and (_source_row < {row} or (_source_row = {row}"
                " and quarantine_id < {id}))))"
            ).format(
                age=age,
                load=sql.SQL("cast({} as double precision)").format(sql.Literal(last.load_id)),
                row=sql.Literal(last.row),
                id=sql.Literal(last.quarantine_id),
            )

    def _sort(self, page: Sequence[Held]) -> tuple[pa.Table, list[Held]]:
        """The rows of a page that land, and where they come from; notes why the others stay."""
        tried: list[tuple[Held, Mapping[str, Any]]] = []
        for held in page:
            line = self._newest.get((self._resource.name, _delivery_uri(held)))
            if line is None or not line.has(held):
                self._report.overtaken += 1
                self._stay["a newer delivery has replaced it"] += 1
            elif (record := _record(held)) is None:
                self._report.not_replayable += 1
                self._stay["its payload is not all of what came; the source has to send it again"] += 1
            else:
                tried.append((held, record))
        checked = self._checked([record for _, record in tried])
        self._report.still_broken += len(checked.rejected)
        self._stay.update(rejection.reason for rejection in checked.rejected)
        passing = [tried[position][0] for position in checked.rows.to_pylist()]
        rows, passing = self._without_overtaken(checked.accepted, passing)
        self._report.landed += len(passing)
        return rows, passing

    def _checked(self, records: Sequence[Mapping[str, Any]]) -> Checked:
        names = list(dict.fromkeys(name for record in records for name in record))
        columns = {name: pa.array([_text(record.get(name)) for record in records], pa.string()) for name in names}
        # a table without columns has no rows
        if not columns and records:
            columns = {column.name: pa.nulls(len(records), pa.string()) for column in self._resource.contract.columns}
        rows = pa.array(range(len(records)), pa.int64())
        notation = _notation(self._source, self._resource)
        return self._resource.contract.check(pa.table(columns), rows, notation)

    def _without_overtaken(self, rows: pa.Table, passing: list[Held]) -> tuple[pa.Table, list[Held]]:
        """Where rows of the same key replace one another, an old one must not replace a newer one."""
        if self._resource.lands != "merge" or not passing:
            return rows, passing
        key = self._resource.contract.key
        keys = list(zip(*(rows.column(name).to_pylist() for name in key), strict=True))
        there = self._ages_there(key, sorted(set(keys), key=repr))
        lands = []
        for one, held in zip(keys, passing, strict=True):
            lands.append(one not in self._taken and _age(held.load_id, held.row) > there.get(one, (0.0, 0)))
            # they come newest first
            self._taken.add(one)
        if overtaken := lands.count(False):
            self._report.overtaken += overtaken
            self._stay["a newer row of the same key has come"] += overtaken
        return rows.filter(pa.array(lands, pa.bool_())), [held for held, yes in zip(passing, lands, strict=True) if yes]

    def _ages_there(
        self, key: Sequence[str], wanted: Sequence[tuple[Any, ...]]
    ) -> dict[tuple[Any, ...], tuple[float, int]]:
        """The age of the row that each key has in the table."""
        from psycopg import sql

        table = sql.Identifier(self._source.dataset, self._resource.name)
        columns = sql.SQL(", ").join(map(sql.Identifier, key))
        there = {}
        for start in range(0, len(wanted), KEYS_A_QUESTION):
            # Redshift takes no list of pairs
            some = sql.SQL(" or ").join(
                sql.SQL("({})").format(
                    sql.SQL(" and ").join(
                        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Literal(value))
                        for name, value in zip(key, one, strict=True)
                    )
                )
                for one in wanted[start : start + KEYS_A_QUESTION]
            )
            query = sql.SQL("select _dlt_load_id, _source_row, {} from {} where {}").format(columns, table, some)
            for load_id, row, *one in self._connection.execute(query):
                there[tuple(one)] = _age(load_id, row)
        return there

    def _land(self, load: Load, rows: pa.Table, passing: Sequence[Held]) -> None:
        from psycopg import sql

        if not passing:
            return
        load_ids = [load_id_after(held.load_id, load.load_id) for held in passing]
        self._load_ids.update(load_ids)
        with load.delivery():
            load.add(self._resource.name, _stamped(rows, passing, load_ids))
        dataset, resource = self._source.dataset, sql.Literal(self._resource.name)
        self._connection.execute(
            sql.SQL("delete from {} where quarantine_id in ({}) and resource = {}").format(
                sql.Identifier(dataset, ledgers.QUARANTINE),
                sql.SQL(", ").join(sql.Literal(held.quarantine_id) for held in passing),
                resource,
            )
        )
        for uri, count in Counter(_delivery_uri(held) for held in passing).items():
            load_id = self._newest[self._resource.name, uri].load_id
            self._connection.execute(
                sql.SQL(
                    "update {} set landed_count = landed_count + %s, rejected_count = rejected_count - %s"
                    " where resource = {} and uri = %s and _dlt_load_id = %s"
                ).format(sql.Identifier(dataset, ledgers.DELIVERIES), resource),
                (count, count, uri, load_id),
            )


def _notation(source: Source, resource: Resource) -> Notation:
    """How a table's texts came; children of nested records are written as their parents are."""
    for name in (resource.name, *(other.name for other in source.resources)):
        try:
            return source.transport.notation(name)
        except KeyError:
            continue
    return ISO


def _delivery_uri(held: Held) -> str:
    return held.uri.partition("#")[0]


def _age(load_id: str, row: int) -> tuple[float, int]:
    """Load ids are seconds since 1970, a replayed row's those of the load that brought it; of one load, rows count."""
    return float(load_id), row


def _record(held: Held) -> Mapping[str, Any] | None:
    """The row as it came; None if the quarantine has not kept all of it."""
    if held.rule == "format" or any(mark in held.payload for mark in REPLACED):
        return None
    try:
        record = orjson.loads(held.payload)
    except orjson.JSONDecodeError:
        # cut to what a varchar holds
        return None
    return record if isinstance(record, dict) else None


def _text(value: object) -> str | None:
    return value if value is None or isinstance(value, str) else orjson.dumps(value).decode()


def _stamped(rows: pa.Table, passing: Sequence[Held], load_ids: Sequence[str]) -> pa.Table:
    provenance = {
        "_source_uri": pa.array([held.uri for held in passing], pa.string()),
        "_source_row": pa.array([held.row for held in passing], pa.int64()),
        "_dlt_load_id": pa.array(load_ids, pa.string()),
    }
    for name, values in provenance.items():
        rows = rows.append_column(pa.field(name, values.type, nullable=False), values)
    return rows
