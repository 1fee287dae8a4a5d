"""What has landed: the ledger of a raw schema, a table beside the rows that it tells of.

Every load writes, in one transaction, its rows, its quarantined rows, a line in `_deliveries` for each delivery, and
its own line in dlt's `_dlt_loads`. So the ledger and the rows cannot disagree, whatever was killed and when.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from ingestion.errors import IngestError, RunInProgressError

if TYPE_CHECKING:
    from ingestion.delivery import Source
    from ingestion.warehouse import Connection, Warehouse

DELIVERIES = "_deliveries"
QUARANTINE = "_quarantine"
CONTRACTS = "_contracts"

TURN_SECONDS = 60
"""How long to wait for the run lock of a stream's raw schema: consumers hold it while they land a micro-batch."""


@dataclass(frozen=True)
class Landed:
    """The newest delivery of a uri."""

    identity: str
    fetched: int


@dataclass(frozen=True)
class Ledger:
    """The deliveries of a source, newest per uri; per scope of a cursor, the newest cursor and the uris it crossed."""

    landed: dict[tuple[str, str], Landed] = field(default_factory=dict)
    cursors: dict[tuple[str, str], str] = field(default_factory=dict)
    stretches: dict[tuple[str, str], set[str]] = field(default_factory=dict)

    def knows(self, resource: str, uri: str, identity: str) -> bool:
        """Whether this very version of the uri is the landed one."""
        return self.identity(resource, uri) == identity

    def identity(self, resource: str, uri: str) -> str | None:
        """Identity of the landed version of a uri."""
        landed = self.landed.get((resource, uri))
        return landed.identity if landed else None

    def cursor(self, resource: str, scope: str) -> str | None:
        """Where the next run of a window or a stream starts."""
        return self.cursors.get((resource, scope))


def read(connection: Connection, dataset: str) -> Ledger:
    """The ledger of a raw schema; empty if nothing has ever landed in it."""
    from psycopg import sql

    ledger = Ledger()
    if DELIVERIES not in tables(connection, dataset):
        return ledger
    query = sql.SQL(
        'select resource, uri, "identity", fetched_count, cursor_scope, cursor_value from {} order by landed_at'
    ).format(sql.Identifier(dataset, DELIVERIES))
    for resource, uri, identity, fetched, scope, value in connection.execute(query):
        ledger.landed[resource, uri] = Landed(identity, fetched)
        if scope and value:
            ledger.cursors[resource, scope] = value
            ledger.stretches.setdefault((resource, scope), set()).add(uri)
    return ledger


def tables(connection: Connection, dataset: str) -> set[str]:
    """The tables of a raw schema that carry load ids, dlt's own left out."""
    found = connection.execute(
        "select table_name from information_schema.columns where table_schema = %s and column_name = '_dlt_load_id'",
        (dataset,),
    )
    return {name for (name,) in found if not name.startswith("_dlt_")}


def positions(connection: Connection, dataset: str, resource: str) -> dict[str, int]:
    """The last landed position in every partition of a stream.

    That is the largest, and not the one that landed last: the past may be landed again, too.
    """
    from psycopg import sql

    # as numbers compare, whatever their length: Kinesis' have 56 digits
    query = sql.SQL(
        "select cursor_scope, cursor_value from ("
        " select cursor_scope, cursor_value, row_number() over ("
        " partition by cursor_scope order by length(cursor_value) desc, cursor_value desc) as place"
        " from {} where resource = %s and cursor_scope is not null and cursor_value is not null"
        ") as ranked where place = 1"
    ).format(sql.Identifier(dataset, DELIVERIES))
    return {scope: int(value) for scope, value in connection.execute(query, (resource,))}


def index(connection: Connection, warehouse: Warehouse, source: Source) -> None:
    """Lets what is new of a stream be found without reading that of years, on Postgres; Redshift has no indexes.

    A consumer looks for its lines once for each micro-batch, and a model for new loads and their rows with each run.
    Rows lie in the order of their loads, as good as: so theirs is the kind of index that costs next to nothing to keep.
    """
    from psycopg import sql

    if warehouse.engine != "postgres":
        return
    blocks = sql.SQL("using brin (_dlt_load_id) with (pages_per_range = 32, autosummarize = on)")
    wanted = {
        (DELIVERIES, "load"): sql.SQL("(_dlt_load_id)"),
        # as staging models read it
        ("_dlt_loads", "end"): sql.SQL("((inserted_at at time zone 'UTC'))"),
        **{(resource.name, "load"): blocks for resource in source.resources},
    }
    for (table, by), kind in wanted.items():
        connection.execute(
            sql.SQL("create index if not exists {} on {} {}").format(
                sql.Identifier(f"{table}_by_{by}"), sql.Identifier(source.dataset, table), kind
            )
        )


def grow(connection: Connection, dataset: str, line: Mapping[str, Any]) -> None:
    """Adds to the line of a delivery that goes on; within the transaction that brings the rows.

    Args:
        connection: in that transaction.
        dataset: the raw schema.
        line: as a new delivery's would be, with the counts of what is new, and the id of the load that began it.

    Raises:
        IngestError: there is no such line.
    """
    from psycopg import sql

    done = connection.execute(
        sql.SQL(
            "update {} set cursor_value = %s, fetched_count = fetched_count + %s, landed_count = landed_count + %s,"
            " rejected_count = rejected_count + %s, new_columns = coalesce(%s, new_columns), landed_at = %s"
            " where resource = %s and uri = %s and _dlt_load_id = %s"
        ).format(sql.Identifier(dataset, DELIVERIES)),
        [
            line[name]
            for name in (
                "cursor_value",
                "fetched_count",
                "landed_count",
                "rejected_count",
                "new_columns",
                "landed_at",
                "resource",
                "uri",
                "_dlt_load_id",
            )
        ],
    )
    if done.rowcount != 1:
        raise IngestError(f"{dataset}: the ledger has {done.rowcount} lines of {line['uri']} that could go on, not one")


def turn_seconds(source: Source) -> float:
    """How long to wait for the run lock of a source; not at all, where only runs hold it."""
    return TURN_SECONDS if source.is_streamed else 0


@contextmanager
def run_lock(connection: Connection, warehouse: Warehouse, dataset: str, wait_seconds: float = 0) -> Iterator[None]:
    """Keeps two runs of one source apart, also from two machines; a killed run lets go with its connection.

    Args:
        connection: not in a transaction; it holds the lock.
        warehouse: what it is connected to.
        dataset: the raw schema.
        wait_seconds: how long to wait for a consumer that is landing a micro-batch.

    Raises:
        RunInProgressError: another run holds the lock.
    """
    busy = RunInProgressError(f"another run into {dataset} is under way; wait for it, or end it, and run again")
    if warehouse.engine == "redshift":
        from ingestion.loading.redshift import table_lock

        with table_lock(warehouse, dataset, busy, wait_seconds):
            yield
        return
    key = _lock_key(dataset)
    if not _locked(connection, key, wait_seconds):
        raise busy
    try:
        yield
    finally:
        connection.execute("select pg_advisory_unlock(hashtextextended(%s, 0))", (key,))


def share_run_lock(connection: Connection, warehouse: Warehouse, dataset: str) -> None:
    """Keeps runs out, and waits for one that is under way, until the transaction ends. Consumers share it on Postgres.

    On Redshift, where they take turns, this has to be the transaction's first statement: what a transaction sees is
    decided by the first one that reads.
    """
    from psycopg import sql

    if warehouse.engine == "redshift":
        from ingestion.loading.redshift import LOCK_TABLE

        connection.execute(sql.SQL("lock {}").format(sql.Identifier(dataset, LOCK_TABLE)))
        return
    connection.execute("select pg_advisory_xact_lock_shared(hashtextextended(%s, 0))", (_lock_key(dataset),))


def _lock_key(dataset: str) -> str:
    return f"ingest {dataset}"


def _locked(connection: Connection, key: str, wait_seconds: float) -> bool:
    import psycopg

    if not wait_seconds:
        answer = connection.execute("select pg_try_advisory_lock(hashtextextended(%s, 0))", (key,)).fetchone()
        return bool(answer and answer[0])
    connection.execute("select set_config('lock_timeout', %s, false)", (str(round(wait_seconds * 1000)),))
    try:
        # whoever waits comes before those that ask later
        connection.execute("select pg_advisory_lock(hashtextextended(%s, 0))", (key,))
    except psycopg.errors.LockNotAvailable:
        return False
    finally:
        connection.execute("select set_config('lock_timeout', '0', false)")
    return True
