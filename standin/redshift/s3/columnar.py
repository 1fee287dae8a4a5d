"""Parquet and ORC: typed columns, matched to the table's by position. As Redshift, without a cast that could lose."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from standin.redshift.s3.errors import failure
from standin.redshift.s3.jsontext import read_value, to_json

if TYPE_CHECKING:
    import pyarrow as pa

    from standin.redshift.s3.columns import Column
    from standin.redshift.s3.commands import CopyOptions

_BATCH_ROWS = 65_536
_COLUMN_BUFFER_BYTES = 4 * 1024**2
_WIDTHS = {"int2": 16, "int4": 32, "int8": 64}


def batches(
    raw: io.RawIOBase | io.BytesIO, kind: str, columns: int, name: str, *, fill: bool = False
) -> Iterator[list[pa.Array]]:
    """The columns of a file, some ten thousand rows at a time; a row group is never in memory as a whole.

    Args:
        raw: the file, which must be seekable.
        kind: parquet or orc.
        columns: how many there must be.
        name: the file's, for errors.
        fill: whether columns may be missing at the end, as FILLRECORD says; they are NULL.
    """
    import pyarrow as pa

    try:
        for found in (_parquet if kind == "parquet" else _orc)(pa.PythonFile(raw, mode="r")):
            if len(found) > columns or (len(found) < columns and not fill):
                raise failure(
                    f"Unmatched number of columns between table and file. Table columns: {columns}, "
                    f"Data columns: {len(found)}, File name: {name}"
                )
            rows = len(found[0]) if found else 0
            yield [*found, *(pa.nulls(rows) for _ in range(columns - len(found)))]
    except (pa.ArrowException, OSError) as error:
        raise failure(f"Spectrum Scan Error: File '{name}' could not be read as {kind.upper()}: {error}") from None


def _parquet(file: pa.PythonFile) -> Iterator[list[pa.Array]]:
    import pyarrow as pa
    from pyarrow import parquet

    opened = parquet.ParquetFile(file, pre_buffer=False, buffer_size=_COLUMN_BUFFER_BYTES)
    # a file without rows must have the right columns, too
    yield [pa.array([], kind) for kind in opened.schema_arrow.types]
    for batch in opened.iter_batches(batch_size=_BATCH_ROWS):
        yield batch.columns


def _orc(file: pa.PythonFile) -> Iterator[list[pa.Array]]:
    import pyarrow as pa
    from pyarrow import orc

    opened = orc.ORCFile(file)
    yield [pa.array([], kind) for kind in opened.schema.types]
    for number in range(opened.nstripes):
        stripe = opened.read_stripe(number)
        for start in range(0, stripe.num_rows, _BATCH_ROWS):
            yield stripe.slice(start, _BATCH_ROWS).columns


def convert(values: pa.Array, column: Column, options: CopyOptions, name: str) -> pa.Array:
    """One column's values as the type that the target takes; raises DialectError where Redshift would."""
    import pyarrow as pa

    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    kind = values.type
    if pa.types.is_null(kind):
        return pa.nulls(len(values), column.arrow())
    if pa.types.is_nested(kind) and column.is_super and options.serialize_to_json:
        return _as_json(values)
    if column.is_super and not pa.types.is_nested(kind):
        return _super(values)
    if not _fits(kind, column):
        raise _incompatible(kind, column, name)
    if column.is_text:
        return _characters(values, column, options, name)
    try:
        return values.cast(column.arrow(), safe=not pa.types.is_timestamp(kind))
    except pa.ArrowInvalid as error:
        raise failure(f"Spectrum Scan Error: column '{column.name}': {error}, File name: {name}") from None


def _characters(values: pa.Array, column: Column, options: CopyOptions, name: str) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        # nobody has looked into the bytes of a file's strings yet
        values.validate(full=True)
        texts = values.cast(pa.string())
    except pa.ArrowInvalid:
        texts = _replaced(values.cast(pa.binary()), column, options, name)
    longest = pc.max(pc.binary_length(texts)).as_py() or 0
    if column.length is not None and longest > column.length:
        raise failure(
            f"The length of the data column {column.name} is longer than the length defined in the table. "
            f"Table: {column.length}, Data: {longest}, File name: {name}"
        )
    if pc.any(pc.match_substring(texts, "\0")).as_py():
        raise failure(f"The data column {column.name} holds a NUL character. File name: {name}")
    return texts


def _fits(kind: pa.DataType, column: Column) -> bool:  # noqa: PLR0911 - a case a line
    import pyarrow as pa

    is_ = pa.types
    if column.type in _WIDTHS:
        return bool(is_.is_signed_integer(kind)) and kind.bit_width <= _WIDTHS[column.type]
    if column.type == "numeric":
        precision, scale = column.precision
        if not is_.is_decimal(kind):
            return False
        return not precision or (kind.scale <= scale and kind.precision - kind.scale <= precision - scale)
    if column.type in ("float4", "float8"):
        return bool(is_.is_float32(kind) or is_.is_float16(kind) or (is_.is_float64(kind) and column.type == "float8"))
    if column.type == "bool":
        return bool(is_.is_boolean(kind))
    if column.type == "date":
        return bool(is_.is_date(kind))
    if column.type in ("timestamp", "timestamptz"):
        return bool(is_.is_timestamp(kind))
    if column.type == "time":
        return bool(is_.is_time(kind))
    if column.type == "bytea":
        return _is_bytes(kind)
    # what Postgres reads from text goes as text
    return bool(is_.is_string(kind) or is_.is_large_string(kind) or is_.is_string_view(kind)) or _is_bytes(kind)


def _is_bytes(kind: pa.DataType) -> bool:
    import pyarrow as pa

    is_ = pa.types
    return bool(is_.is_binary(kind) or is_.is_large_binary(kind) or is_.is_fixed_size_binary(kind))


def _incompatible(kind: pa.DataType, column: Column, name: str) -> Exception:
    return failure(
        f"Spectrum Scan Error: File '{name}' has an incompatible Parquet schema for column '{column.name}'. "
        f"Column type: {column.shown_type.upper()}, Parquet schema: optional {kind}"
    )


def _replaced(values: pa.Array, column: Column, options: CopyOptions, name: str) -> pa.Array:
    """Text out of bytes that are no UTF-8."""
    import pyarrow as pa

    from standin.redshift.s3.values import BadValueError, decode

    try:
        return pa.array(
            [None if each is None else decode(each, column, options) for each in values.to_pylist()], pa.string()
        )
    except BadValueError as error:
        raise failure(f"Spectrum Scan Error: column '{column.name}': {error.reason}, File name: {name}") from None


def _super(values: pa.Array) -> pa.Array:
    """Scalars as JSON. A text that is JSON means that; any other text is a string."""
    import pyarrow as pa

    def as_json(value: Any) -> str | None:
        if isinstance(value, str):
            try:
                return to_json(read_value(value))
            except (ValueError, RecursionError):
                return to_json(value)
        return None if value is None else to_json(value)

    return pa.array([as_json(value) for value in values.to_pylist()], pa.string())


def _as_json(values: pa.Array) -> pa.Array:
    import pyarrow as pa

    def plain(value: Any, kind: pa.DataType) -> Any:
        # maps come as lists of pairs
        if value is None:
            return None
        if pa.types.is_map(kind):
            return {str(key): plain(each, kind.item_type) for key, each in value}
        if pa.types.is_struct(kind):
            return {field.name: plain(value[field.name], field.type) for field in kind}
        if pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
            return [plain(each, kind.value_type) for each in value]
        return value

    found = [None if value is None else to_json(plain(value, values.type)) for value in values.to_pylist()]
    return pa.array(found, pa.string())
