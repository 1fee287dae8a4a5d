"""How old each raw table is, what became of its rows, and what has drifted: what a monitor asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ingestion import ledger as ledgers
from ingestion import status as statuses
from ingestion.streams import leases

if TYPE_CHECKING:
    from ingestion.delivery import Source
    from ingestion.streams.leases import Lease
    from ingestion.warehouse import Connection


@dataclass(frozen=True)
class StreamState:
    """How far a stream has landed, as its consumers have told.

    Attributes:
        consumers: how many hold partitions now.
        landed_until: what had arrived before has landed, in all partitions (UTC); None if that is not known.
        lag_seconds: how long ago that is.
        lag_records: how many had arrived and not landed when a consumer last told; None if the stream does not count.
        rows_per_second: how many were landed lately, by consumers that are at work.
        partitions: those that have not ended.
    """

    consumers: int
    landed_until: datetime | None
    lag_seconds: float | None
    lag_records: int | None
    rows_per_second: float
    partitions: tuple[Lease, ...]


@dataclass(frozen=True)
class Freshness:
    """What is known of one raw table.

    Attributes:
        source: name of the source.
        resource: the table.
        deliveries: how many have landed, those that were replaced later included.
        fetched: rows in them.
        landed: rows in them that were accepted.
        rejected: rows in them that were not.
        rejected_share: 0 to 1.
        quarantined: rows that wait in quarantine now.
        last_landed_at: when the newest delivery landed (UTC); None if nothing ever has.
        age_seconds: how long ago that is.
        new_columns: columns that have come and that the contract of today does not know.
        stream: how far the stream has landed, if it is one.
    """

    source: str
    resource: str
    deliveries: int = 0
    fetched: int = 0
    landed: int = 0
    rejected: int = 0
    rejected_share: float = 0.0
    quarantined: int = 0
    last_landed_at: datetime | None = None
    age_seconds: float | None = None
    new_columns: tuple[str, ...] = ()
    stream: StreamState | None = None

    def is_older_than(self, age: timedelta) -> bool:
        """Whether the newest delivery is older, or there is none."""
        return self.age_seconds is None or self.age_seconds > age.total_seconds()


def freshness(connection: Connection, sources: Sequence[Source], now: datetime | None = None) -> list[Freshness]:
    """A line for each table of these sources, and for each table of theirs that has landed and is no longer described.

    Args:
        connection: to the warehouse.
        sources: as they are described today.
        now: what ages are counted from; the present without it.
    """
    now = now or datetime.now(UTC)
    landed = {(line.source, line.resource): line for line in statuses.resources(connection)}
    there = set(statuses.datasets(connection))
    lines = []
    for source in sources:
        waiting = _quarantined(connection, source.dataset) if source.dataset in there else {}
        arrived = _new_columns(connection, source.dataset) if source.dataset in there else {}
        stream = _stream_state(leases.read(connection, source.dataset), now) if source.dataset in there else None
        known = {resource.name: {column.name for column in resource.contract.columns} for resource in source.resources}
        gone = [name for of, name in landed if of == source.name and name not in known]
        for resource in [*known, *gone]:
            line = landed.get((source.name, resource))
            if line is None:
                lines.append(Freshness(source.name, resource))
                continue
            lines.append(
                Freshness(
                    source.name,
                    resource,
                    line.deliveries,
                    line.fetched,
                    line.landed,
                    line.rejected,
                    line.rejected / max(line.fetched, 1),
                    waiting.get(resource, 0),
                    line.last_landed_at,
                    (now - line.last_landed_at).total_seconds(),
                    tuple(sorted(arrived.get(resource, set()) - known.get(resource, set()))),
                    stream,
                )
            )
    return lines


def _stream_state(held: Sequence[Lease], now: datetime) -> StreamState | None:
    going = tuple(lease for lease in held if lease.ended_at is None)
    if not going:
        return None
    live = [lease for lease in going if lease.is_live(now)]
    reached = [lease.read_until for lease in going if lease.read_until is not None]
    landed_until = min(reached) if len(reached) == len(going) else None
    counted = [lease.behind for lease in going if lease.behind is not None]
    return StreamState(
        len({lease.holder for lease in live}),
        landed_until,
        max(0.0, (now - landed_until).total_seconds()) if landed_until else None,
        sum(counted) if len(counted) == len(going) else None,
        sum(lease.rows_per_second or 0.0 for lease in live),
        going,
    )


def _quarantined(connection: Connection, dataset: str) -> dict[str, int]:
    from psycopg import sql

    table = sql.Identifier(dataset, ledgers.QUARANTINE)
    found = connection.execute(sql.SQL("select resource, count(*) from {} group by resource").format(table))
    return {resource: int(count) for resource, count in found}


def _new_columns(connection: Connection, dataset: str) -> dict[str, set[str]]:
    from psycopg import sql

    table = sql.Identifier(dataset, ledgers.DELIVERIES)
    query = sql.SQL("select distinct resource, new_columns from {} where new_columns is not null").format(table)
    columns: dict[str, set[str]] = {}
    for resource, names in connection.execute(query):
        columns.setdefault(resource, set()).update(names.split(", "))
    return columns
