"""Delimited text."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import pyarrow as pa
import pyarrow.csv

from ingestion.contract import ISO, Notation
from ingestion.delivery import Batch, Broken
from ingestion.errors import IngestError
from ingestion.names import snake_case

BLOCK_BYTES = 4 << 20
LONGEST_HEADER = 1 << 20


@dataclass(frozen=True)
class Csv:
    """A dialect of CSV. The first line names the columns; every value is read as text, and empty is null."""

    delimiter: str = ","
    encoding: str = "utf-8"
    notation: Notation = ISO

    def read(self, stream: BinaryIO) -> Iterator[Batch]:
        """The file's rows; lines with too many or too few fields are broken, and the rest is read on.

        Rows are counted from 1 without the header and without empty lines.

        Raises:
            IngestError: the file has no header, names a column twice, or is not in its encoding.
        """
        try:
            yield from self._rows(stream, self._header(stream))
        except (UnicodeDecodeError, pa.ArrowInvalid) as error:
            raise IngestError(f"the file cannot be read as CSV in {self.encoding}: {error}") from error

    def _header(self, stream: BinaryIO) -> list[str]:
        line = stream.readline(LONGEST_HEADER)
        decoded = line.decode("utf-8-sig" if self.encoding == "utf-8" else self.encoding)
        if not decoded.strip():
            raise IngestError("the file is empty: not even a header; ask the sender for it again")
        try:
            names = [snake_case(name) for name in next(csv.reader([decoded], delimiter=self.delimiter))]
        except (ValueError, csv.Error) as error:
            raise IngestError(f"the first line is no header: {error}") from error
        if len(set(names)) < len(names):
            raise IngestError(f"the header names a column twice: {', '.join(names)}")
        return names

    def _rows(self, stream: BinaryIO, names: list[str]) -> Iterator[Batch]:
        skipped: list[Broken] = []

        def skip(row: pyarrow.csv.InvalidRow) -> str:
            reason = f"the line has {row.actual_columns} fields, the header {row.expected_columns}"
            skipped.append(Broken(row.number, reason, row.text))
            return "skip"

        rest = _AfterHeader(stream)
        if rest.is_empty():
            return
        reader = pyarrow.csv.open_csv(
            pa.PythonFile(rest, mode="r"),
            # with threads, invalid rows would lose their numbers
            read_options=pyarrow.csv.ReadOptions(
                use_threads=False, block_size=BLOCK_BYTES, column_names=names, encoding=self.encoding
            ),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=self.delimiter, newlines_in_values=True, invalid_row_handler=skip
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
            ),
        )
        position = told = 0
        for record_batch in reader:
            # the reader is ahead of us: it has reported every line that it skipped so far, and some to come
            gaps = {broken.row for broken in skipped}
            rows: list[int] = []
            while len(rows) < record_batch.num_rows:
                position += 1
                if position not in gaps:
                    rows.append(position)
            yield Batch(pa.Table.from_batches([record_batch]), pa.array(rows, pa.int64()), skipped[told:])
            told = len(skipped)
        if skipped[told:]:
            none = pa.schema([(name, pa.string()) for name in names]).empty_table()
            yield Batch(none, pa.array([], pa.int64()), skipped[told:])


class _AfterHeader:
    """The stream from its second line on; Arrow refuses an empty one, so that is asked first."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._ahead = stream.read(1)
        self.closed = False

    def is_empty(self) -> bool:
        return not self._ahead

    def read(self, size: int = -1) -> bytes:
        ahead, self._ahead = self._ahead, b""
        return ahead + self._stream.read(size - len(ahead) if size > 0 else size)

    def close(self) -> None:
        self.closed = True
