"""How old each raw table is, what became of its rows, and what has drifted: what a monitor asks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from ingestion import ledger as ledgers
from ingestion import status as statuses

if TYPE_CHECKING:
    from ingestion.delivery import Source
    from ingestion.warehouse import Connection


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
                )
            )
    return lines


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
