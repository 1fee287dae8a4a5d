"""Raw tables without ingestion: created as the sources' YAML declares them, filled row by row.

The YAML is what the landing is held against too, so a table made here has the columns, types and names
that a landed one has.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import psycopg
import yaml
from psycopg import sql

PROJECT = Path(__file__).resolve().parents[2]
FINISHED_LOAD = "1793491200.25"  # 2026-11-01 00:00:00 UTC

Row = dict[str, Any]


class RawTable(NamedTuple):
    """A raw table as its YAML declares it: `columns` maps a name to its type, `required` is not null."""

    source: str
    schema: str
    name: str
    columns: dict[str, str]
    required: frozenset[str]


def raw_tables(*, files_landed: bool = False) -> list[RawTable]:
    """Every raw table that the project declares, the optional files only when asked for."""
    tables = []
    for path in sorted(PROJECT.glob("models/staging/*/_*__sources.yml")):
        for source in yaml.safe_load(path.read_text("utf-8"))["sources"]:
            if source["name"] == "files" and not files_landed:
                continue
            for table in source["tables"]:
                required: set[str] = set()
                for test in table.get("data_tests", []):
                    if "has_landed_whole" in test:
                        required.update(test["has_landed_whole"].get("arguments", {}).get("required", []))
                columns = {column["name"]: column["data_type"] for column in table["columns"]}
                tables.append(RawTable(source["name"], source["schema"], table["name"], columns, frozenset(required)))
    return tables


def create_raw(connection: psycopg.Connection[Any], *, files_landed: bool = False) -> None:
    """Create the raw schemas and tables, empty, with one finished load in each `_dlt_loads`."""
    for table in raw_tables(files_landed=files_landed):
        connection.execute(sql.SQL("create schema if not exists {}").format(sql.Identifier(table.schema)))
        columns = sql.SQL(", ").join(
            sql.SQL("{} {}{}").format(
                sql.Identifier(name),
                sql.SQL(data_type),
                sql.SQL(" not null" if name in table.required or name.startswith("_") else ""),
            )
            for name, data_type in table.columns.items()
        )
        connection.execute(
            sql.SQL("create table {}.{} ({})").format(sql.Identifier(table.schema), sql.Identifier(table.name), columns)
        )
        if table.name == "_dlt_loads":
            finish_load(connection, table.source, FINISHED_LOAD)
    connection.commit()


def finish_load(connection: psycopg.Connection[Any], source: str, load_id: str) -> None:
    """Write what dlt writes last: that the load ran to its end."""
    connection.execute(
        sql.SQL("insert into {}._dlt_loads values (%s, %s, 0, to_timestamp(%s::double precision), 'h')").format(
            sql.Identifier(f"raw_{source}")
        ),
        (load_id, source, load_id),
    )


def land(
    connection: psycopg.Connection[Any],
    source: str,
    table: str,
    rows: list[Row],
    *,
    uri: str = "file-1",
    load_id: str = FINISHED_LOAD,
) -> None:
    """Insert the rows as one delivery: provenance, and its line in `_deliveries`.

    `load_id` is not finished by this; see `finish_load`.
    """
    for number, row in enumerate(rows, start=1):
        whole = {**row, "_source_uri": uri, "_source_row": number, "_dlt_load_id": load_id}
        connection.execute(
            sql.SQL("insert into {}.{} ({}) values ({})").format(
                sql.Identifier(f"raw_{source}"),
                sql.Identifier(table),
                sql.SQL(", ").join(map(sql.Identifier, whole)),
                sql.SQL(", ").join(map(sql.Placeholder, whole)),
            ),
            whole,
        )
    if not table.startswith("_"):
        _deliver(connection, source, table, len(rows), uri, load_id)


def copy(connection: psycopg.Connection[Any], source: str, table: str, rows: list[Row]) -> None:
    """The same for rows by the thousand."""
    columns = sorted({name for row in rows for name in row})
    copied = sql.SQL("copy {}.{} ({}, _source_uri, _source_row, _dlt_load_id) from stdin").format(
        sql.Identifier(f"raw_{source}"), sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    )
    with connection.cursor().copy(copied) as lines:
        for number, row in enumerate(rows, start=1):
            lines.write_row([*(row.get(name) for name in columns), "file-1", number, FINISHED_LOAD])
    _deliver(connection, source, table, len(rows), "file-1", FINISHED_LOAD)


def _deliver(connection: psycopg.Connection[Any], source: str, table: str, count: int, uri: str, load_id: str) -> None:
    connection.execute(
        sql.SQL(
            "insert into {}._deliveries (resource, uri, identity, fetched_count, landed_count,"
            " rejected_count, landed_at, _dlt_load_id)"
            " values (%s, %s, %s, %s, %s, 0, to_timestamp(%s::double precision), %s)"
        ).format(sql.Identifier(f"raw_{source}")),
        (table, uri, f"{uri}@{load_id}", count, count, load_id, load_id),
    )
