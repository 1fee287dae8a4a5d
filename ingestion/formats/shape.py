"""How records become columns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
from jmespath.exceptions import JMESPathError

from ingestion.contract import MAX_PAYLOAD_BYTES
from ingestion.delivery import Batch, Broken
from ingestion.errors import IngestError
from ingestion.formats.json_columns import MOST_FIELDS
from ingestion.formats.json_exact import text_of
from ingestion.names import snake_case

Record = Mapping[str, Any]
Getter = Callable[[Record], Any]

UNUSABLE = (JMESPathError, TypeError, ValueError, RecursionError)
"""What comes of a path that does not fit a record, a field that gives no name, a value that nests too deep."""


class Shape:
    """The declared columns of a table, and what to do with fields that nobody declared."""

    def __init__(self, columns: Mapping[str, Getter], known: Iterable[str] = (), reserved: Iterable[str] = ()) -> None:
        """Names the columns.

        Args:
            columns: what takes each column's value out of a record.
            known: fields of the record that are used, or not wanted; every other field is new.
            reserved: columns that somebody else fills.
        """
        self._columns = dict(columns)
        self._known = set(known)
        self._reserved = set(reserved)

    def of_records(self, rows: Sequence[int], records: Sequence[Record], broken: Sequence[Broken] = ()) -> Batch:
        """A batch of records; those that cannot be made columns become broken.

        Raises:
            IngestError: the records have more than `MOST_FIELDS` fields that nobody declared.
        """
        try:
            table = self._table(records)
        except UNUSABLE:
            good, more = [], list(broken)
            for row, record in zip(rows, records, strict=True):
                try:
                    self._table([record])
                except UNUSABLE as error:
                    more.append(Broken(row, f"the record cannot be made columns: {error}", kept(record)))
                else:
                    good.append((row, record))
            rows, records = [row for row, _ in good], [record for _, record in good]
            broken, table = more, self._table(records)
        return Batch(pa.table(table), pa.array(rows, pa.int64()), broken)

    def of_fields(self, fields: pa.Table, rows: pa.Array, names: Mapping[str, str]) -> Batch | None:
        """A batch of fields that are columns already; None if no column can be named for one of them.

        Args:
            fields: a column for each field.
            rows: int64, the position of each row.
            names: the field of each declared column.
        """
        columns = {
            column: fields.column(name) if name in fields.column_names else pa.nulls(len(fields), pa.string())
            for column, name in names.items()
        }
        try:
            new = self._new([name for name in fields.column_names if name not in self._known])
        except ValueError:
            return None
        for column, name in new:
            columns[column] = _as_written(fields.column(name))
        return Batch(pa.table(columns), rows)

    def _table(self, records: Sequence[Record]) -> dict[str, pa.Array]:
        columns = {column: _texts([get(record) for record in records]) for column, get in self._columns.items()}
        known = self._known
        unknown = {name for record in records for name in record if name not in known}
        for column, name in self._new(list(unknown)):
            columns[column] = _texts([record.get(name) for record in records])
        return columns

    def _new(self, names: Sequence[str]) -> list[tuple[str, str]]:
        """Column and field of the fields that nobody declared.

        Raises:
            ValueError: no column can be named for a field.
            IngestError: there are more than `MOST_FIELDS`.
        """
        if len(names) > MOST_FIELDS:
            raise IngestError(f"the records have more than {MOST_FIELDS:,} different fields: no table holds them")
        taken, found = {*self._columns, *self._reserved}, []
        for name in sorted(names):
            column = base = snake_case(name)
            count = 1
            while column in taken:
                count += 1
                column = f"{base}_{count}"
            taken.add(column)
            found.append((column, name))
        return found


def _texts(values: Sequence[Any]) -> pa.Array:
    try:
        # most columns are texts and nulls already
        return pa.array(values, pa.string())
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        return pa.array([text_of(value) for value in values], pa.string())


def _as_written(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Decimals as text without the zeros that Arrow fills them up with; others as they are."""
    if not pa.types.is_decimal(column.type):
        return column
    whole = column.cast(pa.string())
    # tiny numbers come with an exponent
    exponent = pc.fill_null(pc.match_substring(whole, "E"), False)
    if pc.any(exponent).as_py():
        plain = [None if value is None else f"{value:f}" for value in column.to_pylist()]
        whole = pa.chunked_array([pa.array(plain, pa.string())])
    return pc.ascii_rtrim(pc.ascii_rtrim(whole, "0"), ".")


def kept(record: Record) -> str:
    """A record as the payload of a broken one."""
    try:
        return orjson.dumps(record, default=str)[:MAX_PAYLOAD_BYTES].decode(errors="ignore")
    except (TypeError, RecursionError):
        return str(record)[:MAX_PAYLOAD_BYTES]
