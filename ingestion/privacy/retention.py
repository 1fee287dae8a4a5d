"""Deletes what is older than it may become, by the table `seeds.retention_periods` (docs/privacy.md).

Each relation is one transaction, with its line of the receipt: what was deleted and what is said of it cannot
disagree. Killed at any moment, the next run goes on. Within the transaction rows go a slice of time after the other,
the oldest first, so that no statement is larger than the last one has to be. Objects of an archive go one page of a
listing at a time, which can be repeated.

The source that a raw table belongs to is locked meanwhile. The ledger stays as it is: it says what has landed, which is
not what is still there.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from ingestion import ledger as ledgers
from ingestion.errors import IngestError
from ingestion.privacy import archive
from ingestion.privacy.requests import make_table, table
from ingestion.warehouse import has_table

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from psycopg import sql

    from ingestion.delivery import Source
    from ingestion.warehouse import Connection, Warehouse

SLICE_DAYS = 30
"""Days of rows that one statement deletes."""

RECEIPTS = "retention_receipts"
_RECEIPT_COLUMNS = (
    "run_id varchar(36) not null, expired_at timestamp not null, relation_name varchar(255) not null, "
    "kept_from_on date not null, row_count bigint not null, reason varchar(256) not null"
)
_PERIODS = ("seeds", "retention_periods")
_ARCHIVE = "archive."


@dataclass(frozen=True)
class Period:
    """How long the rows of a relation are kept.

    Attributes:
        relation: schema and table; or `archive.` and the name of a stream.
        time_column: what a row's age is counted from.
        days: after which it goes; None if no time decides.
        parent: the relation with whose rows these go.
        parent_column: the column of both that says which.
        reason: why so long, or why for good.
    """

    relation: str
    time_column: str | None
    days: int | None
    parent: str | None
    parent_column: str | None
    reason: str


@dataclass(frozen=True)
class Expired:
    """What was deleted from one relation.

    Attributes:
        relation: schema and table; or the archive's.
        kept_from: rows of this day and later stay.
        count: rows, or objects.
        reason: why they had to go.
    """

    relation: str
    kept_from: date
    count: int
    reason: str


def expire(
    sources: Sequence[Source],
    warehouse: Warehouse,
    *,
    dry_run: bool = False,
    today: date | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[Expired]:
    """Deletes what is too old, relation by relation, and gives each that has a period when it is done.

    Args:
        sources: every source that may have landed.
        warehouse: what the periods are about, and where they are.
        dry_run: only count.
        today: counted from instead of the clock's (UTC).
        say: called with short sentences of progress.

    Raises:
        RunInProgressError: a source is being landed; the relations that were given before are done.
        IngestError: there are no periods, or they name a column that is not there.
    """
    today = today or datetime.now(UTC).date()
    with warehouse.connect() as connection, warehouse.named_errors():
        found = periods(connection)
        there = _columns(connection)
        if not dry_run:
            make_table(connection, RECEIPTS, _RECEIPT_COLUMNS)
        work = _Run(connection, warehouse, {one.dataset: one for one in sources}, there=there, today=today)
        for period in _in_order(found, set(there)):
            say(period.relation)
            if period.relation.startswith(_ARCHIVE):
                done = work.archive(period, dry_run=dry_run)
            else:
                done = work.rows(period, found, dry_run=dry_run)
            if done is not None:
                yield done


def periods(connection: Connection) -> list[Period]:
    """The periods of the warehouse.

    Raises:
        IngestError: there are none, or one is not whole. The project's seeds make them.
    """
    from psycopg import sql

    lines: list[tuple[str, str | None, int | None, str | None, str | None, str]] = []
    if has_table(connection, *_PERIODS):
        query = sql.SQL(
            "select relation_name, time_column, retained_days, parent_relation, parent_column, reason from {}"
            " order by relation_name"
        ).format(sql.Identifier(*_PERIODS))
        lines = connection.execute(query).fetchall()
    if not lines:
        raise IngestError("there are no retention periods; `dbt seed --select retention_periods` makes them")
    found = [Period(*line) for line in lines]
    for one in found:
        # a period of no days would delete everything
        if (one.days is None) != (one.time_column is None) or (one.parent is None) != (one.parent_column is None):
            raise IngestError(f"the retention period of {one.relation} is not whole")
        if one.days is not None and one.days < 1:
            raise IngestError(f"the retention period of {one.relation} is {one.days} days; it is one at least")
    return found


def _in_order(found: Sequence[Period], there: set[str]) -> list[Period]:
    """Those with a period of each relation that there is, children before the parents that they are dated by."""
    wanted = []
    for period in found:
        if period.days is None and period.parent is None:
            continue
        if "*" not in period.relation:
            if period.relation in there or period.relation.startswith(_ARCHIVE):
                wanted.append(period)
            continue
        for name in sorted(there):
            if fnmatchcase(name, period.relation):
                wanted.append(Period(name, period.time_column, period.days, None, None, period.reason))
    return sorted(wanted, key=lambda one: one.parent is None)


class _Run:
    """The deletions of one run."""

    def __init__(
        self,
        connection: Connection,
        warehouse: Warehouse,
        sources: dict[str, Source],
        *,
        there: dict[str, dict[str, str]],
        today: date,
    ) -> None:
        self._connection = connection
        self._warehouse = warehouse
        self._sources = sources
        self._there = there
        self._today = today
        self._run_id = str(uuid.uuid4())

    def rows(self, period: Period, found: Sequence[Period], *, dry_run: bool) -> Expired | None:
        """The rows of a table; None if its parent is not there."""
        dated = period
        if period.parent is not None:
            dated = next((one for one in found if one.relation == period.parent), period)
            if dated.days is None:
                raise IngestError(f"{period.relation} goes with {period.parent}, which has no retention period")
            if dated.relation not in self._there:
                return None
        kept_from = self._kept_from(dated)
        if dry_run:
            return Expired(period.relation, kept_from, self._count(period, dated, kept_from), dated.reason)
        with self._lock(period.relation), self._connection.transaction():
            count = sum(self._delete(period, dated, before) for before in self._slices(dated, kept_from))
            done = Expired(period.relation, kept_from, count, dated.reason)
            self._note(done)
        return done

    def archive(self, period: Period, *, dry_run: bool) -> Expired | None:
        """The objects of a stream's archive; None if it has none."""
        from psycopg import sql

        kept_from = self._kept_from(period)
        name = period.relation.removeprefix(_ARCHIVE)
        source = next((one for one in self._sources.values() if one.name == name), None)
        if source is None:
            return None
        count = 0
        for urls in archive.expire(source, kept_from, dry_run=dry_run):
            count += len(urls)
            if not dry_run and f"{source.dataset}._archive" in self._there:
                # that it was archived stays known: the archiver would ask the stream for it again
                self._connection.execute(
                    sql.SQL("update {} set object = null where object in ({})").format(
                        sql.Identifier(source.dataset, "_archive"), sql.SQL(", ").join(map(sql.Literal, urls))
                    )
                )
        done = Expired(period.relation, kept_from, count, period.reason)
        if not dry_run:
            self._note(done)
        return done

    def _kept_from(self, dated: Period) -> date:
        return self._today - timedelta(days=dated.days or 0)

    def _lock(self, relation: str) -> AbstractContextManager[object]:
        source = self._sources.get(relation.partition(".")[0])
        if source is None:
            return nullcontext()
        return ledgers.run_lock(self._connection, self._warehouse, source.dataset, ledgers.turn_seconds(source))

    def _slices(self, dated: Period, kept_from: date) -> Iterator[date]:
        """Days up to which to delete, from the oldest row on; none if no row is too old."""
        from psycopg import sql

        oldest = self._connection.execute(
            sql.SQL("select min({}) from {} where {}").format(
                sql.Identifier(str(dated.time_column)), _identifier(dated.relation), self._is_before(dated, kept_from)
            )
        ).fetchone()[0]
        if oldest is None:
            return
        day = oldest.date() if isinstance(oldest, datetime) else oldest
        while (day := day + timedelta(days=SLICE_DAYS)) < kept_from:
            yield day
        yield kept_from

    def _is_before(self, dated: Period, day: date) -> sql.Composable:
        """A row of the relation that the age is counted in is of an earlier day (UTC)."""
        from psycopg import sql

        column = str(dated.time_column)
        data_type = self._there[dated.relation].get(column)
        if data_type is None:
            raise IngestError(f"the retention period of {dated.relation} is counted from {column}: no such column")
        moment: date = day
        if data_type != "date":
            zone = UTC if data_type == "timestamp with time zone" else None
            moment = datetime(day.year, day.month, day.day, tzinfo=zone)
        return sql.SQL("{} < {}").format(sql.Identifier(column), sql.Literal(moment))

    def _is_old(self, period: Period, dated: Period, day: date) -> sql.Composable:
        from psycopg import sql

        condition = self._is_before(dated, day)
        if period.parent is None:
            return condition
        key = sql.Identifier(str(period.parent_column))
        return sql.SQL("{0} in (select {0} from {1} where {2})").format(key, _identifier(dated.relation), condition)

    def _count(self, period: Period, dated: Period, kept_from: date) -> int:
        from psycopg import sql

        query = sql.SQL("select count(*) from {} where {}").format(
            _identifier(period.relation), self._is_old(period, dated, kept_from)
        )
        return int(self._connection.execute(query).fetchone()[0])

    def _delete(self, period: Period, dated: Period, day: date) -> int:
        from psycopg import sql

        statement = sql.SQL("delete from {} where {}").format(
            _identifier(period.relation), self._is_old(period, dated, day)
        )
        return int(self._connection.execute(statement).rowcount)

    def _note(self, done: Expired) -> None:
        from psycopg import sql

        self._connection.execute(
            sql.SQL(
                "insert into {} (run_id, expired_at, relation_name, kept_from_on, row_count, reason)"
                " values (%s, %s, %s, %s, %s, %s)"
            ).format(table(RECEIPTS)),
            (
                self._run_id,
                datetime.now(UTC).replace(tzinfo=None),
                done.relation,
                done.kept_from,
                done.count,
                done.reason,
            ),
        )


def _identifier(relation: str) -> sql.Identifier:
    from psycopg import sql

    return sql.Identifier(*relation.split(".", 1))


def _columns(connection: Connection) -> dict[str, dict[str, str]]:
    """Types of the columns of every table, by schema and table."""
    found: dict[str, dict[str, str]] = {}
    for schema, name, column, data_type in connection.execute(
        "select columns.table_schema, columns.table_name, columns.column_name, lower(columns.data_type)"
        " from information_schema.columns as columns inner join information_schema.tables as tables"
        " on columns.table_schema = tables.table_schema and columns.table_name = tables.table_name"
        " where tables.table_type = 'BASE TABLE'"
    ):
        if not re.match("pg_|information_schema", schema):
            found.setdefault(f"{schema}.{name}", {})[column] = data_type
    return found
