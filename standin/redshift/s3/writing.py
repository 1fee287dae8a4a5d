"""The worker of an UNLOAD: rows as Postgres sends them are put into partitions and written to the files in S3."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from standin.redshift.s3 import resultset
from standin.redshift.s3.errors import NOT_SUPPORTED, SYNTAX_ERROR, cancelled, failure, unsupported
from standin.redshift.s3.outfiles import OutFile, OutFiles, ParquetFile, TextFile
from standin.redshift.s3.rendering import Lines
from standin.redshift.s3.store import Place, Store, Upload

if TYPE_CHECKING:
    import pyarrow as pa

    from standin.redshift.s3.commands import UnloadCommand, UnloadOptions
    from standin.redshift.s3.resultset import Field

# the rows of two slices alternate, so that PARALLEL shows: two files where there is enough for both
_SLICES = 2
# "The column data types that you can use as the partition key"
_PARTITION_TYPES = (
    "int2", "int4", "int8", "numeric", "float4", "bool", "bpchar", "varchar", "text", "date", "timestamp",
)  # fmt: skip
_PLAIN_TEXT_ONLY = {"bytea": "VARBYTE", "geometry": "GEOMETRY", "geography": "GEOGRAPHY"}
_NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
# what Hive does not put into a path as it is
_ESCAPED = "\"#%'*/:=?\\{[]^\x7f" + "".join(map(chr, range(1, 32)))


def check(options: UnloadOptions, fields: Sequence[Field]) -> None:
    """Raise DialectError when such columns can't be unloaded so."""
    names = [field.name for field in fields]
    if options.format in ("json", "parquet") and len(set(names)) < len(names):
        raise failure(f"UNLOAD as {options.format.upper()} needs unique column names", NOT_SUPPORTED)
    for field in fields:
        if options.format not in ("csv", "delimited") and field.type in _PLAIN_TEXT_ONLY:
            raise unsupported(f"UNLOAD of {_PLAIN_TEXT_ONLY[field.type]} as {options.format.upper()}")
    if options.format == "fixedwidth" and len(options.fixed_widths) != len(fields):
        raise failure(
            f"Fixed width specification has {len(options.fixed_widths)} columns, the query has {len(fields)}",
            SYNTAX_ERROR,
        )
    for name in options.partition_by:
        if name not in names:
            raise failure(f'Partition column "{name}" is not a column of the query', "42703")
        if fields[names.index(name)].type not in _PARTITION_TYPES:
            raise failure(f'Column "{name}" has a type that can not be partitioned by', NOT_SUPPORTED)
    if options.partition_by and not set(names) - set(options.partition_by):
        raise failure("UNLOAD needs at least one column that is not partitioned by", NOT_SUPPORTED)


class Unloader:
    """Writes the files of one UNLOAD.

    Args:
        command: what is unloaded, and where to.
        fields: the columns of the query.
        stop: set from another thread to end it.
        pid: the client's, for the error of a cancelled UNLOAD.

    Attributes:
        count: the rows that were written.
        files: the files.
    """

    def __init__(self, command: UnloadCommand, fields: Sequence[Field], stop: threading.Event, pid: int) -> None:
        self._options, self._fields, self._stop, self._pid = command.options, fields, stop, pid
        partitions = set(self._options.partition_by)
        self._kept = [
            index
            for index, field in enumerate(fields)
            if self._options.include_partitions or field.name not in partitions
        ]
        self._lines = Lines(self._options, [fields[index] for index in self._kept])
        self._schema: pa.Schema | None = None
        self._blocks = 0
        self._target = Place.parse(command.target)
        self._store = Store(command.credentials, self._options.region)
        self.count = 0
        self.files = OutFiles(self._store, self._target, self._options, self._make)

    def prepare(self) -> None:
        """See to the place where the files go; raises DialectError if it is not empty, and should be."""
        options = self._options
        if options.clean_path and not options.partition_by:
            for stored in list(self._store.list(self._target)):
                self._store.delete(stored.place)
        may_add = options.allow_overwrite or options.clean_path
        if not may_add and next(self._store.list(self._target), None) is not None:
            raise failure(
                "Specified unload destination on S3 is not empty. Consider using a different bucket / prefix, "
                "manually removing the target files in S3, or using the ALLOWOVERWRITE option."
            )

    def write(self, content: bytes) -> None:
        """Write whole rows, as Postgres' COPY sends them."""
        columns = resultset.read_rows(content, len(self._fields))
        self.count += len(columns[0])
        number = self._blocks % _SLICES if self._options.parallel else 0
        self._blocks += 1
        for partition, rows in self._partitioned(columns):
            if self._stop.is_set():
                raise cancelled(self._pid)
            self._write_rows(rows, partition, number)

    def finish(self) -> None:
        """Complete the files, and the manifest."""
        self.files.finish()
        if self._options.manifest:
            self.files.write_manifest([self._fields[index] for index in self._kept])

    def _make(self, upload: Upload) -> OutFile:
        if self._options.format == "parquet":
            return ParquetFile(upload, self._parquet_schema(None), self._options.row_group_bytes)
        header = self._lines.header() if self._options.header else b""
        return TextFile(upload, self._options.compression, header)

    def _parquet_schema(self, columns: list[pa.Array] | None) -> pa.Schema:
        """The schema of all files, which the first rows settle."""
        import pyarrow as pa

        if self._schema is None:
            none = pa.array([], pa.string())
            fields = [(self._fields[index], columns[index] if columns else none) for index in self._kept]
            self._schema = pa.schema([(field.name, resultset.parquet_type(field, rows)) for field, rows in fields])
        return self._schema

    def _write_rows(self, columns: list[pa.Array], partition: str, number: int) -> None:
        import pyarrow as pa

        if self._options.format != "parquet":
            lines = self._lines.render([columns[index] for index in self._kept])
            self.files.write_lines(lines, partition, number)
            return
        schema = self._parquet_schema(columns)
        stored = [
            resultset.typed(columns[index], self._fields[index], kind)
            for index, kind in zip(self._kept, schema.types, strict=True)
        ]
        self.files.write_batch(pa.RecordBatch.from_arrays(stored, schema=schema), partition, number)

    def _partitioned(self, columns: list[pa.Array]) -> list[tuple[str, list[pa.Array]]]:
        """The rows of every partition, in the order in which they came."""
        if not self._options.partition_by:
            return [("", columns)]
        import pyarrow as pa
        import pyarrow.compute as pc

        names = [field.name for field in self._fields]
        pieces = []
        for name in self._options.partition_by:
            index = names.index(name)
            values = columns[index]
            if self._fields[index].type == "float4":
                values = resultset.floats(values, self._fields[index]).cast(pa.string())
            distinct = values.dictionary_encode()
            shown = pa.array([f"{name}={_escaped(value)}" for value in distinct.dictionary.to_pylist()], pa.string())
            pieces.append(pc.fill_null(shown.take(distinct.indices), f"{name}={_NULL_PARTITION}"))
        keys = pc.binary_join_element_wise(*pieces, "/").dictionary_encode()
        order = pc.sort_indices(keys.indices)
        counts = {each["values"]: each["counts"] for each in pc.value_counts(keys.indices).to_pylist()}
        found, start = [], 0
        for number, key in enumerate(keys.dictionary.to_pylist()):
            rows = order.slice(start, counts[number])
            start += counts[number]
            found.append((key, [column.take(rows) for column in columns]))
        return found


def _escaped(value: str) -> str:
    return "".join(f"%{ord(letter):02X}" if letter in _ESCAPED else letter for letter in value) or _NULL_PARTITION
