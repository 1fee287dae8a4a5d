"""What the ledger and the quarantine say, for people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from ingestion import ledger as ledgers
from ingestion.errors import IngestError

if TYPE_CHECKING:
    from ingestion.warehouse import Connection


@dataclass(frozen=True)
class ResourceStatus:
    """What has landed in one raw table so far, deliveries that were replaced later included."""

    source: str
    resource: str
    deliveries: int
    fetched: int
    landed: int
    rejected: int
    last_landed_at: datetime


@dataclass(frozen=True)
class Quarantined:
    """A row in quarantine."""

    quarantine_id: str
    source: str
    resource: str
    rule: str
    reason: str
    payload: str
    uri: str
    row: int
    rejected_at: datetime


def resources(connection: Connection) -> list[ResourceStatus]:
    """One line per raw table that anything was ever delivered for."""
    from psycopg import sql

    found: list[ResourceStatus] = []
    for dataset in datasets(connection):
        query = sql.SQL(
            "select resource, count(*), sum(fetched_count)::bigint, sum(landed_count)::bigint,"
            " sum(rejected_count)::bigint, max(landed_at) from {deliveries} where _dlt_load_id in"
            " (select load_id from {loads} where status = 0) group by resource order by resource"
        ).format(deliveries=sql.Identifier(dataset, ledgers.DELIVERIES), loads=sql.Identifier(dataset, "_dlt_loads"))
        source = dataset.removeprefix("raw_")
        found += [ResourceStatus(source, *line) for line in connection.execute(query)]
    return found


def quarantined(
    connection: Connection, source: str | None = None, limit: int = 50, beginning: str = ""
) -> list[Quarantined]:
    """Rows in quarantine whose id begins so, the newest first.

    Raises:
        IngestError: nothing has ever landed from that source.
    """
    from psycopg import sql

    there = datasets(connection)
    if source is not None:
        if f"raw_{source}" not in there:
            raise IngestError(f"nothing has landed from {source!r}; `ingest status` shows what has")
        there = [f"raw_{source}"]
    rows: list[Quarantined] = []
    for dataset in there:
        query = sql.SQL(
            "select quarantine_id, {source}, resource, rule, reason, payload, _source_uri, _source_row, rejected_at"
            " from {table} where _dlt_load_id in (select load_id from {loads} where status = 0)"
            " and left(quarantine_id, {letters}) = {beginning}"
            " order by rejected_at desc, resource, _source_uri, _source_row limit {limit}"
        ).format(
            source=sql.Literal(dataset.removeprefix("raw_")),
            table=sql.Identifier(dataset, ledgers.QUARANTINE),
            loads=sql.Identifier(dataset, "_dlt_loads"),
            letters=sql.Literal(len(beginning)),
            beginning=sql.Literal(beginning),
            limit=sql.Literal(limit),
        )
        rows += [Quarantined(*line) for line in connection.execute(query)]
    return sorted(rows, key=lambda row: row.rejected_at, reverse=True)[:limit]


def datasets(connection: Connection) -> list[str]:
    """The raw schemas that something has landed in."""
    found = connection.execute(
        "select table_schema from information_schema.tables where table_name = %s order by table_schema",
        (ledgers.DELIVERIES,),
    )
    return [schema for (schema,) in found]
