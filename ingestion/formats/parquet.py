"""Parquet."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import BinaryIO

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from ingestion.contract import ISO, Notation
from ingestion.delivery import Batch
from ingestion.errors import IngestError
from ingestion.formats.compression import SMALLEST_PACKED, seekable
from ingestion.formats.positions import positions
from ingestion.names import snake_case

BATCH_ROWS = 50_000
BATCH_BYTES = 16 << 20
LARGEST_BATCH = 64 << 20
LARGEST_FOOTER = 64 << 20
LARGEST_RATIO = 1_000
"""Bytes in memory that a byte of the file may stand for; columns of few different values reach a hundred."""
BUFFER_BYTES = 1 << 20
"""A column is read in pieces of this size, so that a row group of a gigabyte does not have to fit in memory."""


@dataclass(frozen=True)
class Parquet:
    """A Parquet file; columns keep the types that it declares until the contract is checked.

    Nested columns become JSON text, dictionaries their values.

    Attributes:
        notation: for columns of text.
        zone: time zone of times that the file leaves without one, as `int96` always does; None: they have none, and
            no contract takes them.
    """

    notation: Notation = ISO
    zone: str | None = None

    def read(self, stream: BinaryIO) -> Iterator[Batch]:
        """The file's rows in batches, one row group after another.

        Raises:
            IngestError: the file is cut short, encrypted, its footer lies, or two columns have one name.
        """
        try:
            yield from self._batches(seekable(stream))
        except (pa.ArrowException, OSError, OverflowError) as error:
            if "crypt" in str(error):
                raise IngestError("the file is encrypted; ask the sender for one that is not") from error
            raise IngestError(f"the file cannot be read as Parquet: {error}") from error

    def _batches(self, file: BinaryIO) -> Iterator[Batch]:
        size = _checked_size(file)
        opened = _opened(file)
        names = _names(opened.schema_arrow.names)
        batch_rows = _batch_rows(file, opened)
        count = unpacked = 0
        for group in range(opened.num_row_groups):
            for record_batch in opened.iter_batches(next(batch_rows), row_groups=[group]):
                unpacked += record_batch.nbytes
                if unpacked > LARGEST_RATIO * max(size, SMALLEST_PACKED):
                    raise IngestError(
                        f"the file unpacks to more than {LARGEST_RATIO:,} times its size; it was not read on"
                    )
                columns = [self._plain(column) for column in record_batch.columns]
                table = pa.Table.from_arrays(columns, names=names)
                yield Batch(table, positions(count + 1, len(table)))
                count += len(table)
        if count != opened.metadata.num_rows:
            raise IngestError(f"the file's footer says {opened.metadata.num_rows:,} rows, and there are {count:,}")

    def _plain(self, column: pa.Array) -> pa.Array:
        kind = column.type
        if pa.types.is_dictionary(kind):
            return self._plain(column.cast(kind.value_type))
        if pa.types.is_nested(kind):
            return _json(column)
        if pa.types.is_timestamp(kind) and kind.tz is None and self.zone:
            return pc.assume_timezone(column, self.zone)
        if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
            return column.cast(pa.string())
        if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
            # some writers leave out that it is text; the contract says which rows are not
            return pc.cast(column, options=pc.CastOptions.unsafe(pa.string()))
        return column


def _checked_size(file: BinaryIO) -> int:
    size = file.seek(0, 2)
    if size >= 12:
        file.seek(-8, 2)
        ending = file.read(8)
        if ending[4:] == b"PARE":
            raise IngestError("the file is encrypted; ask the sender for one that is not")
        if ending[4:] == b"PAR1" and int.from_bytes(ending[:4], "little") > LARGEST_FOOTER:
            raise IngestError("the file cannot be read as Parquet: its footer claims to be larger than 64 MiB")
    return size


def _opened(file: BinaryIO, dictionaries: Sequence[str] = ()) -> pyarrow.parquet.ParquetFile:
    file.seek(0)
    return pyarrow.parquet.ParquetFile(
        file,
        read_dictionary=list(dictionaries),
        pre_buffer=False,
        buffer_size=BUFFER_BYTES,
        coerce_int96_timestamp_unit="us",
        page_checksum_verification=True,
    )


def _batch_rows(file: BinaryIO, opened: pyarrow.parquet.ParquetFile) -> Iterator[int]:
    """For each row group, how many of its rows are in memory at a time.

    A text of a megabyte that every row repeats takes a few bytes a row in the file. So the longest text of each
    dictionary is looked up before a row group is read: every row may have it. What the footer says of a column is not
    asked for: Arrow 26 aborts the process when it makes no sense.
    """
    metadata = opened.metadata
    texts = [
        column.path
        for column in map(opened.schema.column, range(len(opened.schema)))
        if column.physical_type == "BYTE_ARRAY" and column.path in opened.schema_arrow.names
    ]
    fixed = sum(max(0, opened.schema.column(number).length) for number in range(len(opened.schema)))
    probe = _opened(file, texts) if texts else None
    for group in range(metadata.num_row_groups):
        described = metadata.row_group(group)
        a_row = max(1, fixed, described.total_byte_size // max(1, described.num_rows))
        rows = min(BATCH_ROWS, BATCH_BYTES // a_row)
        first = next(probe.iter_batches(1, row_groups=[group], columns=texts), None) if probe else None
        if first is not None:
            rows = min(rows, LARGEST_BATCH // max(1, sum(map(_longest, first.columns))))
        yield max(1, rows)


def _longest(column: pa.Array) -> int:
    lengths = pc.binary_length(column.dictionary) if pa.types.is_dictionary(column.type) else pc.binary_length(column)
    return pc.max(lengths).as_py() or 0


def _names(fields: list[str]) -> list[str]:
    try:
        names = [snake_case(name) for name in fields]
    except ValueError as error:
        raise IngestError(f"a column cannot be named for the file's: {error}") from error
    if len(set(names)) < len(names):
        raise IngestError(f"the file names a column twice: {', '.join(names)}")
    return names


def _json(column: pa.Array) -> pa.Array:
    try:
        values = column.to_pylist(maps_as_pydicts="strict")
    except KeyError as error:
        raise IngestError(f"a map of the file has one key twice: {error}") from error
    texts = [
        None if value is None else orjson.dumps(value, default=_written, option=_OPTIONS).decode() for value in values
    ]
    return pa.array(texts, pa.string())


_OPTIONS = orjson.OPT_NON_STR_KEYS | orjson.OPT_UTC_Z


def _written(value: object) -> object:
    """Decimals as numbers, bytes as text, everything else as Python writes it."""
    if isinstance(value, Decimal):
        return orjson.Fragment(f"{value:f}")
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
