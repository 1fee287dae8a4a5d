"""The files that an UNLOAD writes: their names, when one ends and the next begins, and the manifest."""

from __future__ import annotations

import bz2
import io
import json
import zlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from standin.redshift.s3.store import Place, Store, Upload

if TYPE_CHECKING:
    import pyarrow as pa

    from standin.redshift.s3.commands import UnloadOptions
    from standin.redshift.s3.resultset import Field

_EXTENSIONS = {"gzip": ".gz", "bzip2": ".bz2", "zstd": ".zst"}
# partitions whose files are open at the same time, each with a part of an upload in memory
_OPEN_FILES = 32
_ZLIB_GZIP = 31


@dataclass(frozen=True)
class Written:
    """A file that is complete: where, how many bytes and rows."""

    place: Place
    size: int
    rows: int


class OutFile:
    """A file in the making."""

    def __init__(self, upload: Upload) -> None:
        self.upload = upload
        self.rows = 0

    def write(self, rows: Any) -> None:
        """Take rows: lines for text, a record batch for Parquet."""
        raise NotImplementedError

    def end(self) -> None:
        """Take no more; the upload has everything."""
        raise NotImplementedError


class TextFile(OutFile):
    """Lines, compressed or not."""

    def __init__(self, upload: Upload, compression: str | None, header: bytes) -> None:
        super().__init__(upload)
        self._compress, self._flush = _compressor(compression)
        if header:
            self._put(header)
            self.rows += 1

    def write(self, rows: pa.Array) -> None:  # noqa: D102
        _, offsets, content = rows.buffers()
        numbers = memoryview(offsets).cast("i")
        start, end = numbers[rows.offset], numbers[rows.offset + len(rows)]
        if end > start:
            self._put(memoryview(content)[start:end])
        self.rows += len(rows)

    def end(self) -> None:  # noqa: D102
        if rest := self._flush():
            self.upload.write(rest)

    def _put(self, content: bytes | memoryview) -> None:
        if compressed := self._compress(content):
            self.upload.write(compressed)


class ParquetFile(OutFile):
    """Row groups, compressed with Snappy, each of about the size asked for."""

    def __init__(self, upload: Upload, schema: pa.Schema, row_group_bytes: int) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        super().__init__(upload)
        self._schema, self._row_group_bytes = schema, row_group_bytes
        self._pending: list[pa.RecordBatch] = []
        self._pending_bytes = 0
        sink = pa.PythonFile(_UploadFile(upload), mode="w")
        self._writer = parquet.ParquetWriter(sink, schema, compression="snappy", version="1.0", store_schema=False)

    def write(self, rows: pa.RecordBatch) -> None:  # noqa: D102
        self._pending.append(rows)
        self._pending_bytes += rows.nbytes
        self.rows += rows.num_rows
        if self._pending_bytes >= self._row_group_bytes:
            self._group()

    def end(self) -> None:  # noqa: D102
        if self._pending:
            self._group()
        self._writer.close()

    def _group(self) -> None:
        import pyarrow as pa

        table = pa.Table.from_batches(self._pending, self._schema)
        self._writer.write_table(table, row_group_size=max(1, table.num_rows))
        self._pending, self._pending_bytes = [], 0


class OutFiles:
    """All files of one UNLOAD.

    Args:
        store: where they go.
        target: the prefix of their names.
        options: of the UNLOAD.
        make: gives a new file on an upload.
    """

    def __init__(self, store: Store, target: Place, options: UnloadOptions, make: Callable[[Upload], OutFile]) -> None:
        self._store, self._options, self._make = store, options, make
        prefix = target.key
        if options.partition_by and prefix and not prefix.endswith("/"):
            prefix += "/"
        self._bucket, self._prefix = target.bucket, prefix
        self._open: OrderedDict[tuple[str, int], OutFile] = OrderedDict()
        self._parts: dict[tuple[str, int], int] = {}
        self._cleaned: set[str] = set()
        self.written: list[Written] = []
        self._extra = {}
        if options.kms_key:
            self._extra = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": options.kms_key}

    def write_lines(self, lines: pa.Array, partition: str, number: int) -> None:
        """Write lines to the file of a partition and slice; a line too many goes to the next file."""
        largest = self._options.max_file_bytes
        while len(lines):
            file = self._file(partition, number)
            fitting = _fitting(lines, max(0, largest - file.upload.size))
            if fitting == 0 and file.upload.size:
                self._finish((partition, number))
                continue
            fitting = max(1, fitting)
            file.write(lines.slice(0, fitting))
            lines = lines.slice(fitting)
            if file.upload.size >= largest:
                self._finish((partition, number))

    def write_batch(self, batch: pa.RecordBatch, partition: str, number: int) -> None:
        """Write rows to the Parquet file of a partition and slice."""
        file = self._file(partition, number)
        file.write(batch)
        if file.upload.size >= self._options.max_file_bytes - self._options.row_group_bytes // 2:
            self._finish((partition, number))

    def finish(self) -> None:
        """Complete every file; where no row came, one file without rows."""
        if not self._parts and not self._options.partition_by:
            self._file("", 0)
        for key in list(self._open):
            self._finish(key)

    def abort(self) -> None:
        """Remove everything that was written."""
        for file in self._open.values():
            file.upload.abort()
        self._open.clear()
        for each in self.written:
            self._store.delete(each.place)

    def write_manifest(self, fields: Sequence[Field]) -> None:
        """Write the manifest next to the files."""
        entries: list[dict[str, Any]] = []
        for each in self.written:
            meta = {"content_length": each.size}
            if self._options.verbose:
                meta["record_count"] = each.rows
            entries.append({"url": str(each.place), "meta": meta})
        content: dict[str, Any] = {"entries": entries}
        if self._options.verbose:
            content["schema"] = {"elements": [{"name": field.name, "type": field.schema()} for field in fields]}
            content["meta"] = {
                "content_length": sum(each.size for each in self.written),
                "record_count": sum(each.rows for each in self.written),
            }
            content["author"] = {"name": "Amazon Redshift", "version": "1.0.0"}
        text = json.dumps(content, indent=2).encode()
        self._store.put(Place(self._bucket, f"{self._prefix}manifest"), text, self._extra)

    def _file(self, partition: str, number: int) -> OutFile:
        key = (partition, number)
        file = self._open.get(key)
        if file is not None:
            self._open.move_to_end(key)
            return file
        if len(self._open) >= _OPEN_FILES:
            self._finish(next(iter(self._open)))
        if self._options.clean_path and partition and partition not in self._cleaned:
            self._cleaned.add(partition)
            for stored in list(self._store.list(Place(self._bucket, f"{self._prefix}{partition}/"))):
                self._store.delete(stored.place)
        part = self._parts.get(key, 0)
        self._parts[key] = part + 1
        file = self._make(self._store.upload(Place(self._bucket, self._name(partition, number, part)), self._extra))
        self._open[key] = file
        return file

    def _name(self, partition: str, number: int, part: int) -> str:
        options = self._options
        name = f"{number:04}_part_{part:02}" if options.parallel else f"{part:03}"
        if options.extension is not None:
            name += "." + options.extension.lstrip(".")
        else:
            name += ".parquet" if options.format == "parquet" else _EXTENSIONS.get(options.compression or "", "")
        return f"{self._prefix}{partition}/{name}" if partition else f"{self._prefix}{name}"

    def _finish(self, key: tuple[str, int]) -> None:
        file = self._open[key]
        file.end()
        file.upload.finish()
        del self._open[key]
        self.written.append(Written(file.upload.place, file.upload.size, file.rows))


class _UploadFile(io.RawIOBase):
    """An upload as a file that Arrow can write to; it stays open when Arrow is done."""

    def __init__(self, upload: Upload) -> None:
        self._upload = upload

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        return self._upload.write(bytes(content))

    def tell(self) -> int:
        return self._upload.size


class _Sink:
    """What was written to it, until it is taken; closing it does not lose that."""

    closed = False

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def write(self, content: Any) -> int:
        self._pieces.append(bytes(content))
        return len(self._pieces[-1])

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Nothing to close."""

    def taken(self) -> bytes:
        content = b"".join(self._pieces)
        self._pieces.clear()
        return content


def _fitting(lines: pa.Array, room: int) -> int:
    """How many of the lines fit into so many bytes."""
    from bisect import bisect_right

    numbers = memoryview(lines.buffers()[1]).cast("i")[lines.offset : lines.offset + len(lines) + 1]
    return max(0, bisect_right(numbers, numbers[0] + room) - 1)


def _compressor(compression: str | None) -> tuple[Callable[[bytes | memoryview], Any], Callable[[], bytes]]:
    """What compresses the next piece, and what ends the stream."""
    if compression == "gzip":
        gzip = zlib.compressobj(6, zlib.DEFLATED, _ZLIB_GZIP)
        return gzip.compress, gzip.flush
    if compression == "bzip2":
        packer = bz2.BZ2Compressor()
        return packer.compress, packer.flush
    if compression == "zstd":
        import pyarrow as pa

        sink = _Sink()
        stream = pa.CompressedOutputStream(pa.PythonFile(cast("Any", sink), mode="w"), "zstd")

        def compress(content: bytes | memoryview) -> bytes:
            stream.write(content)
            return sink.taken()

        def flush() -> bytes:
            stream.close()
            return sink.taken()

        return compress, flush
    return (lambda content: content), (lambda: b"")
