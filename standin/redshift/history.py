"""Rows for the system tables that tell what happened: they stay when the client's transaction is rolled back."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from standin.server import Server


def write_history(server: Server, database: str, rows: Sequence[tuple[str, Mapping[str, object]]]) -> None:
    """Insert rows, each with its table in `pg_catalog`; a value for which the table has no column is left out.

    Raises `psycopg.Error`, and `StandinError` if the server does not let the superuser in.
    """
    from psycopg import sql
    from psycopg.types.json import Jsonb

    tables: dict[str, list[dict[str, object]]] = {}
    for table, values in rows:
        tables.setdefault(table, []).append(dict(values))
    with server.connect(database) as connection:
        for table, written in tables.items():
            found = connection.execute(
                "select attname from pg_attribute where attrelid = to_regclass(%s) and attnum > 0 and not attisdropped",
                [f"pg_catalog.{table}"],
            ).fetchall()
            known = {name for values in written for name in values}
            columns = [sql.Identifier(name) for (name,) in found if name in known]
            if columns:
                connection.execute(
                    sql.SQL(
                        "insert into pg_catalog.{table} ({columns}) "
                        "select {columns} from jsonb_populate_recordset(null::pg_catalog.{table}, %s)"
                    ).format(table=sql.Identifier(table), columns=sql.SQL(", ").join(columns)),
                    [Jsonb(written)],
                )
