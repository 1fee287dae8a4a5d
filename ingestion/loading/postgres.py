"""Rows into Postgres: Arrow, encoded as binary COPY, into the table itself."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, cast

from ingestion.errors import IngestError, WarehouseUnavailableError
from ingestion.loading import NOTHING, new_load_id
from ingestion.loading.statements import Statements

if TYPE_CHECKING:
    import dlt
    import psycopg
    import pyarrow as pa

    from ingestion.warehouse import Connection, Warehouse


class PostgresLoad:
    """A transaction with at most one COPY open: that of the table whose rows came last."""

    def __init__(self, connection: Connection, dataset: str, keys: Mapping[str, Sequence[str]]) -> None:
        self.load_id = new_load_id()
        self._connection = cast("psycopg.Connection[tuple[Any, ...]]", connection)
        self._statements = Statements(connection, dataset, keys)
        self._copying: tuple[str, list[str]] | None = None
        self._encoder: Any = None
        self._copy: Any = None
        self._block = ExitStack()
        self._committed = False

    @classmethod
    @contextmanager
    def begin(
        cls, connection: Connection, warehouse: Warehouse, dataset: str, keys: Mapping[str, Sequence[str]]
    ) -> Iterator[PostgresLoad]:
        """A load in a transaction of its own."""
        import psycopg

        load = cls(connection, dataset, keys)
        try:
            with connection.transaction():
                load._statements.make_incoming()
                try:
                    yield load
                except BaseException:
                    load._cancel_copy()
                    raise
                if not load._committed:
                    raise psycopg.Rollback
        except psycopg.Error as error:
            # a connection that broke, a server that stops, two that wait for one another
            kind = WarehouseUnavailableError if isinstance(error, psycopg.OperationalError) else IngestError
            raise kind(
                f"{dataset}: the load failed and does not count; run again. The warehouse says: {error}"
            ) from error

    @contextmanager
    def delivery(self) -> Iterator[None]:
        """A savepoint."""
        self._end_copy()
        with self._connection.transaction():
            try:
                yield
                self._end_copy()
            except BaseException:
                self._cancel_copy()
                self._statements.forget_columns()
                raise

    def add(self, table: str, rows: pa.Table) -> None:
        """See `Load.add`."""
        target, rows = self._statements.target(table, rows)
        if self._copying != (target, rows.column_names):
            self._end_copy()
            self._statements.add_columns(table, rows.column_names)
            self._begin_copy(target, rows.schema, self._statements.json_columns(table))
        for batch in rows.to_batches():
            self._copy.write(self._encoder.write_batch(batch))

    def commit(
        self,
        counts_as: dlt.Schema | None = None,
        replaced: Mapping[str, Sequence[str]] = NOTHING,
        first: Callable[[], None] = lambda: None,
        named: Collection[str] = (),
    ) -> int:
        """See `Load.commit`; the block's end commits."""
        self._end_copy()
        first()
        removed = self._statements.settle(self.load_id, counts_as, replaced, named)
        self._committed = True
        return removed

    def _begin_copy(self, target: str, schema: pa.Schema, json_columns: set[str]) -> None:
        from pgpq import ArrowToPostgresBinaryEncoder
        from pgpq.encoders import StringEncoderBuilder
        from pgpq.schema import Jsonb
        from psycopg import sql

        encoders = {
            field.name: StringEncoderBuilder.new_with_output(field, Jsonb())
            if field.name in json_columns
            else ArrowToPostgresBinaryEncoder.infer_encoder(field)
            for field in schema
        }
        self._encoder = ArrowToPostgresBinaryEncoder.new_with_encoders(schema, encoders)
        statement = sql.SQL("copy {} ({}) from stdin (format binary)").format(
            self._statements.identifier(target), sql.SQL(", ").join(map(sql.Identifier, schema.names))
        )
        cursor = self._block.enter_context(self._connection.cursor())
        self._copy = self._block.enter_context(cursor.copy(statement))
        self._copy.write(self._encoder.write_header())
        self._copying = (target, schema.names)

    def _end_copy(self) -> None:
        if self._copying:
            self._copying = None
            self._copy.write(self._encoder.finish())
            self._block.close()

    def _cancel_copy(self) -> None:
        if self._copying:
            self._copying = None
            # an error handed to psycopg's block makes it tell the server that the COPY has failed
            self._block.__exit__(IngestError, IngestError("the load was given up"), None)
