"""CSV, delimited and fixed-width text: blocks of records become columns of fields.

A block is read by Arrow at once where Arrow and Redshift agree on its meaning. Where they may not (escapes, line ends
of other systems, stray quotes, lines with too few fields) and for the raw lines of bad rows, it is read record by
record.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from standin.redshift.s3 import values
from standin.redshift.s3.blocks import cut_escaped_lines, cut_lines, cut_quoted_lines, whole_records, without_lines

if TYPE_CHECKING:
    import pyarrow as pa

    from standin.redshift.s3.commands import CopyOptions


@dataclass(frozen=True, slots=True)
class Record:
    """One record of a file.

    Attributes:
        line: the number of its first line, counting from 1.
        raw: as it stands in the file, without its line end.
        fields: its fields; None for those that FILLRECORD adds.
        starts: where each field starts in `raw`.
        fault: code, reason and index of the field if it can't be read at all.
    """

    line: int
    raw: bytes
    fields: list[bytes | None]
    starts: list[int]
    fault: tuple[int, str, int] | None = None


class Block:
    """Some records of a file, column by column.

    Attributes:
        columns: one binary array for each column; the rows without the faulty ones.
        faults: the records that are in no row.
    """

    def __init__(self, reader: TextReader, content: bytes, first_line: int) -> None:
        self._reader, self._content, self._first_line = reader, content, first_line
        self._records: list[Record] | None = None
        self.faults: list[Record] = []
        self.columns: list[pa.Array] = reader.at_once(content) or self._field_by_field()

    def _field_by_field(self) -> list[pa.Array]:
        import pyarrow as pa

        rows = self.records()
        return [pa.array([record.fields[index] for record in rows], pa.binary()) for index in range(self._reader.width)]

    def records(self) -> list[Record]:
        """The record of every row."""
        if self._records is None:
            found = list(self._reader.records(self._content, self._first_line))
            self._records = [record for record in found if record.fault is None]
            self.faults = [record for record in found if record.fault is not None]
        return self._records

    def located(self, rows: Iterable[int]) -> dict[int, Record]:
        """The records of some rows."""
        if self._records is None and (lines := self._reader.lines(self._content)) is not None:
            return {row: self._one(*lines[row]) for row in rows}
        records = self.records()
        return {row: records[row] for row in rows}

    def _one(self, line: int, raw: bytes) -> Record:
        return next(self._reader.records(raw + b"\n", self._first_line + line))


class TextReader:
    """How the fields of a COPY's files are told apart.

    Args:
        options: of the COPY.
        width: the number of columns that it fills.
    """

    def __init__(self, options: CopyOptions, width: int) -> None:
        self.width = width
        self._options = options
        self._csv = options.format == "csv"
        self._delimiter = (options.delimiter or ("," if self._csv else "|")).encode()
        self._quote = options.quote.encode()
        self._null = (r"\N" if options.null_as is None else options.null_as).encode()
        if self._csv:
            self._cut = cut_quoted_lines(self._quote)
        else:
            self._cut = cut_escaped_lines if options.escape else cut_lines
        self._simple = options.format in ("csv", "delimited") and not (
            options.escape or options.remove_quotes or options.fill_record
        )

    def blocks(self, pieces: Iterator[bytes], name: str) -> Iterator[Block]:
        """The blocks of one file, whose content comes in pieces."""
        line = self._options.ignore_header + 1
        pieces = without_lines(iter(pieces), self._options.ignore_header)
        for content in whole_records(pieces, self._cut, name):
            yield Block(self, content, line)
            line += content.count(b"\n")

    def at_once(self, content: bytes) -> list[pa.Array] | None:
        """The fields of a block, column by column; None where a closer look is needed."""
        if not self._simple or b"\r" in content or b"\0" in content:
            return None
        # an empty line is a row to Arrow
        blank = self.width > 1 and (content[:1] == b"\n" or b"\n\n" in content)
        if blank and not self._options.ignore_blank_lines:
            return None
        quoted = self._csv and self._quote in content
        if quoted and self._quote in _quoted_field(self._quote, self._delimiter).sub(b"", content):
            # not every quote stands around a whole field: readers would differ
            return None
        return self._arrow(content, quoted)

    def _arrow(self, content: bytes, quoted: bool) -> list[pa.Array] | None:
        import pyarrow as pa
        from pyarrow import csv

        names = [str(index) for index in range(self.width)]
        try:
            table = csv.read_csv(
                pa.BufferReader(content),
                # one thread and one piece: Postgres is busy, too
                read_options=csv.ReadOptions(column_names=names, use_threads=False, block_size=len(content) + 1),
                parse_options=csv.ParseOptions(
                    delimiter=self._delimiter.decode(),
                    quote_char=self._quote.decode() if quoted else False,
                    double_quote=quoted,
                    newlines_in_values=quoted,
                    ignore_empty_lines=self._options.ignore_blank_lines,
                ),
                convert_options=csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.binary()),
                    strings_can_be_null=False,
                    quoted_strings_can_be_null=False,
                    check_utf8=False,
                ),
            )
        except pa.ArrowInvalid:
            # a line with more or fewer fields, or a record longer than Arrow's block
            return None
        return [_combined(column) for column in table.columns]

    def lines(self, content: bytes) -> list[tuple[int, bytes]] | None:
        """The rows of a block that was read at once, with their numbers, if every row is a line; None otherwise."""
        if self._csv and self._quote in content:
            return None
        lines = enumerate(content.removesuffix(b"\n").split(b"\n"))
        return [(number, raw) for number, raw in lines if raw or not self._options.ignore_blank_lines]

    def records(self, content: bytes, first_line: int) -> Iterator[Record]:
        """The records of a block, one by one."""
        line = first_line
        split = self._fixed if self._options.format == "fixedwidth" else self._separated
        for raw, fields, starts, fault, lines in split(content):
            if not raw.strip(b"\r") and self._options.ignore_blank_lines:
                line += lines
                continue
            yield self._checked(Record(line, raw, fields, starts, fault))
            line += lines

    def _checked(self, record: Record) -> Record:
        fields, missing = record.fields, self.width - len(record.fields)
        if record.fault is None and missing:
            if missing > 0 and self._options.fill_record:
                return Record(record.line, record.raw, [*fields, *[None] * missing], record.starts)
            if missing > 0:
                return Record(
                    record.line, record.raw, fields, record.starts,
                    (values.DELIMITER_MISSING, "Delimiter not found", max(len(fields) - 1, 0)),
                )  # fmt: skip
            # one delimiter after the last field is no field
            if self._csv or fields[-1] or missing < -1:
                return Record(
                    record.line, record.raw, fields, record.starts,
                    (values.EXTRA_COLUMNS, "Extra column(s) found", self.width - 1),
                )  # fmt: skip
            return Record(record.line, record.raw, fields[:-1], record.starts)
        return record

    def _fixed(self, content: bytes) -> Iterator[Split]:
        for raw in _lines(content):
            fields: list[bytes | None] = []
            starts, at = [], 0
            try:
                text = raw.decode()
            except UnicodeDecodeError:
                text = raw.decode("latin-1")
                encoding = "latin-1"
            else:
                encoding = "utf-8"
            for _, width in self._options.fixed_widths:
                if at >= len(text) and at:
                    break
                fields.append(text[at : at + width].encode(encoding))
                starts.append(at)
                at += width
            yield raw, fields, starts, None, 1

    def _separated(self, content: bytes) -> Iterator[Split]:
        if not (self._csv or self._options.escape or self._options.remove_quotes):
            for raw in _lines(content):
                fields: list[bytes | None] = list(raw.split(self._delimiter))
                yield raw, fields, _starts(fields), None, 1
            return
        field = _field(self._delimiter, self._quote, self._csv, self._options.escape, self._options.remove_quotes)
        start, found, starts = 0, list[bytes | None](), list[int]()
        fault: tuple[int, str, int] | None = None
        at = 0
        while at < len(content) or found:
            match = field.match(content, at)
            if match is None:
                # nothing closes the quote: the rest of the line is lost
                end = content.find(b"\n", at)
                end = len(content) if end < 0 else end
                reason = "Invalid quote formatting for CSV" if self._csv else "Delimited value missing end quote"
                fault = fault or (values.BAD_QUOTE, reason, len(found))
                closing = b"\n"
                found.append(content[at:end])
                starts.append(at - start)
                at = end + 1
            else:
                found.append(self._unquoted(match))
                starts.append(match.start() - start)
                at, closing, end = match.end(), match["end"], match.start("end")
            if closing != self._delimiter or (at >= len(content) and closing == b""):
                raw = content[start:end]
                lines = content.count(b"\n", start, at)
                yield raw, list(found), starts, fault, max(lines, 1)
                start, found, starts, fault = at, [], [], None

    def _unquoted(self, match: re.Match[bytes]) -> bytes:
        quoted = match["quoted"]
        if self._csv:
            return match["plain"] if quoted is None else quoted.replace(self._quote * 2, self._quote)
        value: bytes = match["plain"] if quoted is None else quoted[1:-1]
        if value == self._null:
            return value
        return _ESCAPED.sub(rb"\1", value) if self._options.escape and b"\\" in value else value


Split = tuple[bytes, list[bytes | None], list[int], tuple[int, str, int] | None, int]
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)


def _lines(content: bytes) -> Iterator[bytes]:
    for raw in content.removesuffix(b"\n").split(b"\n"):
        yield raw.removesuffix(b"\r")


def _starts(fields: list[bytes | None]) -> list[int]:
    starts, at = [], 0
    for field in fields:
        starts.append(at)
        at += len(field or b"") + 1
    return starts


@lru_cache(maxsize=32)
def _field(delimiter: bytes, quote: bytes, csv: bool, escape: bool, remove_quotes: bool) -> re.Pattern[bytes]:
    """One field and what ends it: the delimiter, a line end, or the end of the block."""
    mark, stop = re.escape(delimiter), rb"(?P<end>" + re.escape(delimiter) + rb"|\r?\n|\Z)"
    if csv:
        sign = re.escape(quote)
        blank = rb"[ ]*" if delimiter != b" " else b""
        quoted = blank + sign + rb"(?P<quoted>(?:[^" + sign + rb"]|" + sign + sign + rb")*)" + sign + blank
        plain = rb"(?P<plain>(?:(?!\r?\n)[^" + sign + mark + rb"\n])*)"
        return re.compile(rb"(?:" + quoted + rb"|" + plain + rb")" + stop, re.DOTALL)
    letter = rb"(?:\\.|(?!\r\n)[^\\\n" + mark + rb"])" if escape else rb"(?:(?!\r\n)[^\n" + mark + rb"])"
    if remove_quotes:
        inner = rb"\\.|" if escape else b""
        quoted = rb"(?P<quoted>\"(?:" + inner + rb"[^\"\\]" + (b"" if escape else rb"|\\") + rb")*\"|'(?:"
        quoted += inner + rb"[^'\\]" + (b"" if escape else rb"|\\") + rb")*')"
        plain = rb"(?P<plain>(?!['\"])" + letter + rb"*)"
        return re.compile(rb"(?:" + quoted + rb"|" + plain + rb")" + stop, re.DOTALL)
    return re.compile(rb"(?P<quoted>(?!))?(?P<plain>" + letter + rb"*)" + stop, re.DOTALL)


@lru_cache(maxsize=32)
def _quoted_field(quote: bytes, delimiter: bytes) -> re.Pattern[bytes]:
    """A quoted field from its beginning to its end."""
    sign, other = re.escape(quote), rb"[^" + re.escape(delimiter) + rb"\n]"
    text = rb"[^" + sign + rb"]*+"
    # no possessive groups: before Python 3.11.5 they match what they must not
    return re.compile(
        rb"(?<!" + other + rb")" + sign + text + rb"(?:" + sign + sign + text + rb")*" + sign + rb"(?!" + other + rb")"
    )


def _combined(column: pa.ChunkedArray) -> pa.Array:
    import pyarrow as pa

    combined = column.combine_chunks()
    return combined if isinstance(combined, pa.Array) else pa.concat_arrays(combined.chunks)
