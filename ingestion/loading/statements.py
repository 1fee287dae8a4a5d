"""The SQL that a load runs besides COPY; the same on Postgres and on Redshift."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from ingestion.loading import ARRIVAL

if TYPE_CHECKING:
    import dlt
    import pyarrow as pa
    from psycopg import sql

    from ingestion.warehouse import Connection

_INCOMING = "_incoming_"

MOST_URIS = 500
"""How many uris one DELETE names."""

MOST_LOADS = 500
"""How many lines one INSERT writes."""


class Statements:
    """What one load asks of its dataset, on a connection that is in its transaction."""

    def __init__(
        self, connection: Connection, dataset: str, keys: Mapping[str, Sequence[str]], text_type: str = "varchar"
    ) -> None:
        self._connection = connection
        self._dataset = dataset
        self._keys = keys
        self._text_type = text_type
        self._known: dict[str, dict[str, str]] = {}
        self._arrived: dict[str, int] = {}

    def make_incoming(self) -> None:
        """Makes the temporary tables that rows with a key are collected in."""
        from psycopg import sql

        for table in self._keys:
            names = {"incoming": self.identifier(f"{_INCOMING}{table}"), "table": self.identifier(table)}
            self._connection.execute(sql.SQL("create temporary table {incoming} (like {table})").format(**names))
            self._connection.execute(
                sql.SQL("alter table {incoming} add column {arrival} bigint").format(
                    **names, arrival=sql.Identifier(ARRIVAL)
                )
            )

    def forget_columns(self) -> None:
        """Columns that were added may have been undone."""
        self._known.clear()

    def identifier(self, target: str) -> sql.Identifier:
        """A table of the dataset, or the temporary one that a merge collects its rows in."""
        from psycopg import sql

        if target.startswith(_INCOMING):
            return sql.Identifier(target)
        return sql.Identifier(self._dataset, target)

    def target(self, table: str, rows: pa.Table) -> tuple[str, pa.Table]:
        """Where rows of a table are copied to, and the rows with what that place needs."""
        if table not in self._keys:
            return table, rows
        import pyarrow as pa

        target = f"{_INCOMING}{table}"
        before = self._arrived.get(table, 0)
        arrivals = pa.array(range(before, before + len(rows)), pa.int64())
        self._arrived[table] = before + len(rows)
        return target, rows.append_column(pa.field(ARRIVAL, pa.int64(), nullable=False), arrivals)

    def add_columns(self, table: str, columns: Sequence[str]) -> None:
        """Adds the columns that a table lacks, as text."""
        from psycopg import sql

        if table not in self._known:
            found = self._connection.execute(
                "select column_name, data_type from information_schema.columns"
                " where table_schema = %s and table_name = %s",
                (self._dataset, table),
            )
            self._known[table] = {name: str(data_type).lower() for name, data_type in found}
        for name in columns:
            if name in self._known[table] or name == ARRIVAL:
                continue
            targets = [table, *([f"{_INCOMING}{table}"] if table in self._keys else [])]
            for target in targets:
                self._connection.execute(
                    sql.SQL("alter table {} add column {} {}").format(
                        self.identifier(target), sql.Identifier(name), sql.SQL(self._text_type)
                    )
                )
            self._known[table][name] = "character varying"

    def json_columns(self, table: str) -> set[str]:
        """The columns of a table that hold JSON: `jsonb` on Postgres, `super` on Redshift."""
        return {name for name, data_type in self._known[table].items() if data_type in ("json", "jsonb", "super")}

    def settle(
        self,
        load_id: str,
        counts_as: dlt.Schema | None,
        replaced: Mapping[str, Sequence[str]],
        named: Collection[str] = (),
    ) -> int:
        """The last statements of a load. Gives how many rows of earlier loads were deleted."""
        removed = self._remove_replaced(replaced, load_id)
        self._merge()
        if counts_as is not None:
            version = counts_as.stored_version_hash or counts_as.version_hash
            self._write_loads(sorted(named) or [load_id], counts_as.name, version)
        return removed

    def _remove_replaced(self, replaced: Mapping[str, Sequence[str]], load_id: str) -> int:
        """Deletes the rows that earlier loads landed for these uris, from their tables and from the quarantine."""
        from psycopg import sql

        from ingestion.ledger import QUARANTINE

        removed = 0
        for table, uris in replaced.items():
            for start in range(0, len(uris), MOST_URIS):
                some = sql.SQL(", ").join(map(sql.Literal, uris[start : start + MOST_URIS]))
                for place, more in ((table, sql.SQL("")), (QUARANTINE, sql.SQL(" and resource = {}").format(table))):
                    removed += self._connection.execute(
                        sql.SQL(
                            "delete from {} where split_part(_source_uri, '#', 1) in ({}) and _dlt_load_id <> {}{}"
                        ).format(self.identifier(place), some, load_id, more)
                    ).rowcount
        return removed

    def _merge(self) -> None:
        """Puts the collected rows into their tables, over the rows of the same key."""
        from psycopg import sql

        for table in self._arrived:
            key, incoming = self._keys[table], f"{_INCOMING}{table}"
            self.add_columns(table, ())
            columns = sql.SQL(", ").join(map(sql.Identifier, sorted(self._known[table])))
            names = {
                "table": self.identifier(table),
                "incoming": self.identifier(incoming),
                "columns": columns,
                "key": sql.SQL(", ").join(map(sql.Identifier, key)),
                "same": sql.SQL(" and ").join(
                    sql.SQL("{0}.{1} = {2}.{1}").format(
                        self.identifier(table), sql.Identifier(name), self.identifier(incoming)
                    )
                    for name in key
                ),
                "arrival": sql.Identifier(ARRIVAL),
            }
            self._connection.execute(sql.SQL("delete from {table} using {incoming} where {same}").format(**names))
            self._connection.execute(
                sql.SQL(
                    "insert into {table} ({columns}) select {columns} from ("
                    "  select {columns}, row_number() over (partition by {key} order by {arrival} desc) as _age"
                    "  from {incoming}"
                    ") as aged where _age = 1"
                ).format(**names)
            )
            self._connection.execute(sql.SQL("drop table {incoming}").format(**names))

    def _write_loads(self, load_ids: Sequence[str], schema_name: str, schema_hash: str) -> None:
        """Writes the lines in `_dlt_loads` that make rows count."""
        from psycopg import sql

        now = datetime.now(UTC)
        line = sql.SQL("(%s, %s, 0, %s, %s)")
        statement = sql.SQL("insert into {} (load_id, schema_name, status, inserted_at, schema_version_hash) values {}")
        for start in range(0, len(load_ids), MOST_LOADS):
            some = load_ids[start : start + MOST_LOADS]
            self._connection.execute(
                statement.format(sql.Identifier(self._dataset, "_dlt_loads"), sql.SQL(", ").join([line] * len(some))),
                [value for load_id in some for value in (load_id, schema_name, now, schema_hash)],
            )
