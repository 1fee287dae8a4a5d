"""The tables of the warehouse, and SQL that looks for values in them; the same on Postgres and on Redshift."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ingestion.privacy.identifiers import MARKS, patterns, spellings
from ingestion.privacy.suppression import SCHEMA

if TYPE_CHECKING:
    from psycopg import sql

    from ingestion.warehouse import Connection, Warehouse

NOBODYS = ("information_schema", SCHEMA)
_TEXT = ("character varying", "character", "text", "name")
_JSON = ("json", "jsonb", "super")


@dataclass
class Table:
    """A table of the warehouse, with those of its columns that may hold text.

    Attributes:
        schema: its schema.
        name: its name.
        columns: type by name.
        nullable: the columns that may be null.
    """

    schema: str
    name: str
    columns: dict[str, str] = field(default_factory=dict)
    nullable: set[str] = field(default_factory=set)

    @property
    def place(self) -> str:
        """The table in a receipt."""
        return f"{self.schema}.{self.name}"

    @property
    def identifier(self) -> sql.Identifier:
        """The table in a statement."""
        from psycopg import sql

        return sql.Identifier(self.schema, self.name)

    def is_json(self, column: str) -> bool:
        """Whether a column holds JSON."""
        return self.columns[column] in _JSON


def tables(connection: Connection) -> list[Table]:
    """Every table that holds text or JSON, whoever made it; the system's and our own receipts left out."""
    found: dict[tuple[str, str], Table] = {}
    for schema, name, column, data_type, nullable in connection.execute(
        "select columns.table_schema, columns.table_name, columns.column_name, lower(columns.data_type),"
        " columns.is_nullable from information_schema.columns as columns"
        " inner join information_schema.tables as tables"
        " on columns.table_schema = tables.table_schema and columns.table_name = tables.table_name"
        " where tables.table_type = 'BASE TABLE' order by columns.table_schema, columns.table_name"
    ):
        if schema in NOBODYS or schema.startswith("pg_"):
            continue
        if data_type in (*_TEXT, *_JSON, "array"):
            table = found.setdefault((schema, name), Table(schema, name))
            table.columns[column] = data_type
            if nullable == "YES":
                table.nullable.add(column)
    return list(found.values())


class Search:
    """Looks for a person's values, by kind, in canonical form."""

    def __init__(self, warehouse: Warehouse, values: Mapping[str, Iterable[str]]) -> None:
        self._redshift = warehouse.engine == "redshift"
        self._values = {kind: sorted(of_kind) for kind, of_kind in values.items() if of_kind}
        self._patterns = patterns(self._values)

    def is_one_of(self, column: str, kind: str) -> sql.Composable:
        """The column is a value of that kind, however it is spelled."""
        from psycopg import sql

        wanted = sorted(one for value in self._values.get(kind, ()) for one in spellings(kind, value))
        if not wanted:
            return sql.SQL("1 = 0")
        text: sql.Composable = sql.SQL("lower(trim({}))").format(sql.Identifier(column))
        if kind == "phone":
            for mark in MARKS:
                text = sql.SQL("replace({}, {}, '')").format(text, sql.Literal(mark))
        return sql.SQL("{} in ({})").format(text, sql.SQL(", ").join(map(sql.Literal, wanted)))

    def speaks(self, table: Table, columns: Sequence[str]) -> sql.Composable:
        """One of the columns is, or contains, a value of any kind."""
        from psycopg import sql

        short = sorted({value.lower() for kind in self._values for value in self._values[kind] if kind != "phone"})
        parts: list[sql.Composable] = []
        for column in columns:
            text = self._text(table, column)
            parts += [sql.SQL("{} ~ {}").format(text, sql.Literal(one)) for one in self._patterns]
            if short:
                parts.append(sql.SQL("{} in ({})").format(text, sql.SQL(", ").join(map(sql.Literal, short))))
        return sql.SQL("({})").format(sql.SQL(" or ").join(parts)) if parts else sql.SQL("1 = 0")

    def _text(self, table: Table, column: str) -> sql.Composable:
        from psycopg import sql

        name = sql.Identifier(column)
        if self._redshift and table.columns[column] == "super":
            return sql.SQL("lower(json_serialize({}))").format(name)
        return sql.SQL("lower(cast({} as varchar(65535)))").format(name)
