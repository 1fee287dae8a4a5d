"""Delimited text."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from ingestion.contract import ISO, MAX_PAYLOAD_BYTES, Notation
from ingestion.delivery import Batch, Broken
from ingestion.errors import IngestError
from ingestion.formats.positions import positions
from ingestion.formats.text import MARK, Text
from ingestion.names import snake_case

BLOCK_BYTES = 1 << 20
"""Arrow reads 32 blocks ahead, and a line may be as long as one: small blocks bound both."""

BATCH_BYTES = 8 << 20
BATCH_ROWS = 100_000
MOST_COLUMNS = 1_600
"""What a table holds in Redshift and in Postgres."""

MOST_BROKEN = 100_000
MOST_BROKEN_BYTES = 32 << 20


@dataclass(frozen=True)
class Csv:
    r"""A dialect of CSV. Every value is read as text, and empty is null; lines end with `\n`, `\r\n` or `\r`.

    Attributes:
        delimiter: one character.
        encoding: by the name that Python knows it by.
        notation: how numbers and dates are written.
        quote: the character around values that hold the delimiter or a line end; it is doubled inside. None: no such.
        escape: the character before one that is to be taken as it is; None: no such.
        header: names of the columns if the file does not name them itself.
        aliases: names that the header had or has for columns, in snake case, and the column's own name.
        preamble: lines before the header that are passed over.
        comment: what lines start with that are passed over: before the header, and later if they do not have the
            header's number of fields. A comment that looks like a row is read as one: no row is lost for a `#`.
        trailer: what the last line starts with. A file that ends without it is cut short.
        trailer_count: field of the trailer, from 1, that says how many rows the file has.
        nulls: texts that mean a missing value.
    """

    delimiter: str = ","
    encoding: str = "utf-8"
    notation: Notation = ISO
    quote: str | None = '"'
    escape: str | None = None
    header: Sequence[str] = ()
    aliases: Mapping[str, str] = field(default_factory=dict)
    preamble: int = 0
    comment: str | None = None
    trailer: str | None = None
    trailer_count: int | None = None
    nulls: Sequence[str] = ("",)

    def read(self, stream: BinaryIO) -> Iterator[Batch]:
        """The file's rows; lines with too many or too few fields are broken, and the rest is read on.

        Rows are counted from 1 without the header and without empty lines.

        Raises:
            IngestError: the file has no header, names a column twice, holds a line or a quoted value longer than
                `BLOCK_BYTES`, ends inside a quoted value or without its trailer.
        """
        text = Text(stream, self.encoding, self.trailer)
        names = list(self.header) or self._header(text)
        if not text.is_at_end():
            yield from _Rows(self, text, names).batches()

    def _header(self, text: Text) -> list[str]:
        for _ in range(self.preamble):
            text.line()
        line = text.line()
        while line is not None and self.comment and line.startswith(self.comment):
            line = text.line()
        # a name may hold a line end inside its quotes
        while line and self.quote and line.count(self.quote) % 2 and (more := text.line()) is not None:
            line += f"\n{more}"
        if not line or not line.strip():
            raise IngestError("the file is empty: not even a header; ask the sender for it again")
        if MARK in line:
            raise IngestError(f"the file cannot be read as CSV in {self.encoding}: its header is in another encoding")
        return self._names(line)

    def _names(self, line: str) -> list[str]:
        reader = csv.reader(
            [line],
            delimiter=self.delimiter,
            quotechar=self.quote,
            escapechar=self.escape,
            quoting=csv.QUOTE_MINIMAL if self.quote else csv.QUOTE_NONE,
        )
        try:
            fields = next(reader)
            if len(fields) > MOST_COLUMNS:
                raise IngestError(f"the header names {len(fields):,} columns; a table holds {MOST_COLUMNS:,}")
            names = [snake_case(name) for name in fields]
        except (ValueError, csv.Error) as error:
            raise IngestError(f"the first line is no header: {error}") from error
        names = [self.aliases.get(name, name) for name in names]
        if len(set(names)) < len(names):
            raise IngestError(f"the header names a column twice: {', '.join(names)}")
        return names


class _Rows:
    """The lines after the header."""

    def __init__(self, dialect: Csv, text: Text, names: list[str]) -> None:
        self._dialect = dialect
        self._text = text
        self._names = names
        self._position = 0
        self._gaps: deque[int] = deque()
        self._broken: list[Broken] = []
        self._too_many = False
        self._broken_bytes = 0
        self._last = b""

    def batches(self) -> Iterator[Batch]:
        try:
            yield from self._read()
        except pa.ArrowInvalid as error:
            raise self._explained(str(error)) from error

    def _read(self) -> Iterator[Batch]:
        some: list[pa.RecordBatch] = []
        last = None
        for record_batch in self._reader():
            # an empty block may still have brought broken lines
            some.append(record_batch)
            last = record_batch if len(record_batch) else last
            rows, size = sum(map(len, some)), sum(one.nbytes for one in some)
            if rows >= BATCH_ROWS // 2 or size >= BATCH_BYTES or self._broken_bytes >= BATCH_BYTES:
                yield from self._batches(pa.Table.from_batches(some))
                some = []
        none = pa.schema([(name, pa.string()) for name in self._names]).empty_table()
        yield from self._batches(pa.Table.from_batches(some) if some else none)
        if last is not None and not self._gaps:
            self._refuse_unclosed(last)
        self._check_count()

    def _reader(self) -> pyarrow.csv.CSVStreamingReader:
        dialect, names = self._dialect, self._names
        return pyarrow.csv.open_csv(
            pa.PythonFile(self, mode="r"),
            # with threads, invalid rows would lose their numbers
            read_options=pyarrow.csv.ReadOptions(use_threads=False, block_size=BLOCK_BYTES, column_names=names),
            parse_options=pyarrow.csv.ParseOptions(
                delimiter=dialect.delimiter,
                quote_char=dialect.quote or False,
                escape_char=dialect.escape or False,
                newlines_in_values=dialect.quote is not None or dialect.escape is not None,
                invalid_row_handler=self._skip,
            ),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                check_utf8=False,
                null_values=list(dialect.nulls),
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
            ),
        )

    # Arrow reads us as a file

    closed = False

    def read(self, size: int = -1) -> bytes:
        chunk = self._text.read(size)
        self._last = chunk or self._last
        return chunk

    def close(self) -> None:
        self._text.close()

    def _skip(self, row: pyarrow.csv.InvalidRow) -> str:
        self._gaps.append(row.number)
        if self._dialect.comment and row.text.startswith(self._dialect.comment):
            return "skip"
        reason = f"the line has {row.actual_columns} fields, the header {row.expected_columns}"
        payload = row.text[:MAX_PAYLOAD_BYTES].replace(MARK, "\ufffd")
        self._broken.append(Broken(row.number, reason, payload))
        self._broken_bytes += len(payload) + 200
        # Arrow goes on to the first good row, however far that is
        self._too_many = len(self._broken) > MOST_BROKEN or self._broken_bytes > MOST_BROKEN_BYTES
        return "error" if self._too_many else "skip"

    def _batches(self, table: pa.Table) -> Iterator[Batch]:
        table = table.combine_chunks()
        rows = self._positions(len(table))
        if self._text.has_marks:
            table, rows = self._without_marks(table, rows)
        broken, self._broken, self._broken_bytes = self._broken, [], 0
        if not len(table) and broken:
            yield Batch(table, rows, broken)
        for start in range(0, len(table), BATCH_ROWS):
            yield Batch(table.slice(start, BATCH_ROWS), rows.slice(start, BATCH_ROWS), broken if not start else ())

    def _positions(self, count: int) -> pa.Array:
        """The positions of the next rows: all that follow, but for the lines that were skipped."""
        first, last, gaps = self._position + 1, self._position + count, []
        # the reader is ahead of us: it has reported every line that it skipped so far, and some to come
        while self._gaps and self._gaps[0] <= last:
            gaps.append(self._gaps.popleft())
            last += 1
        self._position = last
        every = positions(first, last + 1 - first)
        return every.filter(pc.invert(pc.is_in(every, value_set=pa.array(gaps, pa.int64())))) if gaps else every

    def _without_marks(self, table: pa.Table, rows: pa.Array) -> tuple[pa.Table, pa.Array]:
        """The table without the rows that hold bytes of another encoding; they become broken."""
        marked = [pc.fill_null(pc.match_substring(column, MARK), False) for column in table.columns]
        indices = sorted({index for mask in marked for index in pc.indices_nonzero(mask).to_pylist()})
        for index in indices:
            values = [column[index].as_py() or "" for column in table.columns]
            name, value = next((n, v) for n, v in zip(self._names, values, strict=True) if MARK in v)
            before, _, after = value.partition(MARK)
            reason = f"{name} is not in {self._dialect.encoding}: byte {after[:2].upper()} after {before[-20:]!r}"
            payload = self._dialect.delimiter.join(values).replace(MARK, "\ufffd")[:MAX_PAYLOAD_BYTES]
            self._broken.append(Broken(rows[index].as_py(), reason, payload))
        good = pc.invert(pc.is_in(positions(0, len(table)), value_set=pa.array(indices, pa.int64())))
        return table.filter(good), rows.filter(good)

    def _refuse_unclosed(self, record_batch: pa.RecordBatch) -> None:
        """Arrow takes the end of the file for the end of a quoted value."""
        quote, delimiter = self._dialect.quote, self._dialect.delimiter
        if not quote:
            return
        tail = self._last.rstrip(b"\r\n ").decode(errors="replace")
        value = record_batch.column(record_batch.num_columns - 1)[-1].as_py() or ""
        start = tail[max(tail.rfind(delimiter), tail.rfind("\n"), tail.rfind("\r")) + 1 :]
        is_open = start.startswith(quote) or "\n" in value or "\r" in value
        if is_open and (not tail.endswith(quote) or start == quote):
            raise IngestError("the file ends inside a quoted value: a quote is not closed, or it is cut short")

    def _check_count(self) -> None:
        if self._dialect.trailer is None or self._dialect.trailer_count is None:
            return
        fields = self._text.trailer_line.split(self._dialect.delimiter)
        said = fields[self._dialect.trailer_count - 1] if len(fields) >= self._dialect.trailer_count else ""
        if not said.strip().isdecimal() or int(said) != self._position:
            raise IngestError(f"the trailer says {said!r} rows and the file has {self._position:,}; ask for it again")

    def _explained(self, error: str) -> IngestError:
        if self._too_many:
            first = self._broken[0]
            return IngestError(
                f"too many lines in a row are not like the header, from row {first.row:,} on: {first.reason}. "
                f"Is the delimiter really {self._dialect.delimiter!r}?"
            )
        if "straddl" in error or "out of sync" in error:
            return IngestError(
                f"a line or a quoted value after row {self._position:,} is longer than {BLOCK_BYTES >> 20} MiB: "
                "a quote is not closed, or this is no CSV"
            )
        return IngestError(f"the file cannot be read as CSV: {error}")
