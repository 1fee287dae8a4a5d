"""What has landed: the ledger of a raw schema, a table beside the rows that it tells of.

Every load writes, in one transaction, its rows, its quarantined rows, a line in `_deliveries` for each delivery, and
its own line in dlt's `_dlt_loads`. So the ledger and the rows cannot disagree, whatever was killed and when.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ingestion.errors import RunInProgressError

if TYPE_CHECKING:
    from ingestion.warehouse import Connection, Warehouse

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


@contextmanager
def run_lock(connection: Connection, warehouse: Warehouse, dataset: str) -> Iterator[None]:
    """Keeps two runs of one source apart, also from two machines; a killed run lets go with its connection.

    Raises:
        RunInProgressError: another run holds the lock.
    """
    busy = RunInProgressError(f"another run into {dataset} is under way; wait for it, or end it, and run again")
    if warehouse.engine == "redshift":
        from ingestion.loading.redshift import table_lock

        with table_lock(warehouse, dataset, busy):
            yield
        return
    key = f"ingest {dataset}"
    (got,) = connection.execute("select pg_try_advisory_lock(hashtextextended(%s, 0))", (key,)).fetchone() or (False,)
    if not got:
        raise busy
    try:
        yield
    finally:
        connection.execute("select pg_advisory_unlock(hashtextextended(%s, 0))", (key,))
