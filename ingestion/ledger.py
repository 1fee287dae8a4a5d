"""What has landed: the ledger of a raw schema, and the rows in its tables that do not count.

Every load writes, in one dlt package, its rows, its quarantined rows, and a line in `_deliveries` for each delivery.
The package counts only when dlt has written it into `_dlt_loads`, its last act. So one rule covers a crash at any line:
rows of a load that is not in `_dlt_loads` do not exist, and are deleted before the next run looks at the ledger.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ingestion.errors import RunInProgressError

if TYPE_CHECKING:
    import psycopg

    _Connection = psycopg.Connection[tuple[Any, ...]]

DELIVERIES = "_deliveries"
QUARANTINE = "_quarantine"
CONTRACTS = "_contracts"


@dataclass(frozen=True)
class Landed:
    """The newest delivery of a uri."""

    identity: str
    fetched: int


@dataclass(frozen=True)
class Ledger:
    """The finished deliveries of a source, newest per uri, and the newest cursor per scope."""

    landed: dict[tuple[str, str], Landed]
    cursors: dict[tuple[str, str], str]

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


def read(connection: _Connection, dataset: str) -> Ledger:
    """The ledger of a raw schema; empty if nothing has ever landed in it."""
    from psycopg import sql

    ledger = Ledger({}, {})
    if DELIVERIES not in tables(connection, dataset):
        return ledger
    query = sql.SQL(
        "select resource, uri, identity, fetched_count, cursor_scope, cursor_value from {} order by landed_at"
    ).format(sql.Identifier(dataset, DELIVERIES))
    for resource, uri, identity, fetched, scope, value in connection.execute(query):
        ledger.landed[resource, uri] = Landed(identity, fetched)
        if scope and value:
            ledger.cursors[resource, scope] = value
    return ledger


def tables(connection: _Connection, dataset: str) -> set[str]:
    """The tables of a raw schema that carry load ids, dlt's own left out."""
    found = connection.execute(
        "select table_name from information_schema.columns where table_schema = %s and column_name = '_dlt_load_id'",
        (dataset,),
    )
    return {name for (name,) in found if not name.startswith("_dlt_")}


def remove_unfinished(connection: _Connection, dataset: str) -> int:
    """Deletes the rows of loads that never finished, in one transaction. Gives how many; doing it again finds none."""
    from psycopg import sql

    removed = 0
    with connection.transaction():
        for name in sorted(tables(connection, dataset)):
            removed += connection.execute(
                sql.SQL(
                    "delete from {table} as landed where not exists ("
                    "select 1 from {loads} as loads where loads.load_id = landed._dlt_load_id and loads.status = 0)"
                ).format(table=sql.Identifier(dataset, name), loads=sql.Identifier(dataset, "_dlt_loads"))
            ).rowcount
    return removed


def remove_replaced(connection: _Connection, dataset: str) -> int:
    """Deletes the rows of deliveries that a newer one of the same uri replaces, in one transaction. Gives how many."""
    from psycopg import sql

    names = tables(connection, dataset)
    if DELIVERIES not in names:
        return 0
    removed = 0
    with connection.transaction():
        for name in sorted(names - {DELIVERIES, CONTRACTS}):
            removed += connection.execute(
                sql.SQL(
                    "delete from {table} as landed using ("
                    "  select resource, uri, _dlt_load_id,"
                    "    row_number() over (partition by resource, uri order by landed_at desc) as age,"
                    "    count(*) over (partition by resource, uri) as versions"
                    "  from {deliveries}"
                    ") as newest "
                    "where newest.age = 1 and newest.versions > 1 and newest.resource = {resource}"
                    "  and newest.uri = split_part(landed._source_uri, '#', 1)"
                    "  and newest._dlt_load_id <> landed._dlt_load_id"
                ).format(
                    table=sql.Identifier(dataset, name),
                    deliveries=sql.Identifier(dataset, DELIVERIES),
                    resource=sql.SQL("landed.resource") if name == QUARANTINE else sql.Literal(name),
                )
            ).rowcount
    return removed


@contextmanager
def run_lock(connection: _Connection, dataset: str) -> Iterator[None]:
    """Keeps two runs of one source apart, also from two machines; a killed run lets go with its connection.

    Raises:
        RunInProgressError: another run holds the lock.
    """
    key = f"ingest {dataset}"
    (got,) = connection.execute("select pg_try_advisory_lock(hashtextextended(%s, 0))", (key,)).fetchone() or (False,)
    if not got:
        raise RunInProgressError(f"another run into {dataset} is under way; wait for it, or end it, and run again")
    try:
        yield
    finally:
        connection.execute("select pg_advisory_unlock(hashtextextended(%s, 0))", (key,))
