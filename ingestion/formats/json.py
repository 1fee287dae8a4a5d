"""JSON records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from io import BytesIO
from itertools import islice
from typing import BinaryIO

import pyarrow as pa

from ingestion.contract import ISO, MAX_PAYLOAD_BYTES, Notation
from ingestion.delivery import Batch, Broken
from ingestion.errors import IngestError
from ingestion.formats.children import Children, ChildrenOf
from ingestion.formats.json_columns import Columnar
from ingestion.formats.json_documents import elements
from ingestion.formats.json_exact import parse
from ingestion.formats.json_paths import getter, plain_fields, shape
from ingestion.formats.positions import positions
from ingestion.formats.shape import Record, Shape

BATCH_ROWS = 20_000
"""Records of a batch that is read one record at a time."""

MOST_ROWS = 100_000
BLOCK_BYTES = 16 << 20
LONGEST_LINE = 16 << 20


@dataclass(frozen=True)
class Json:
    """JSON lines, one large document, or records that a transport has taken out of a page or a stream.

    Attributes:
        columns: JMESPath of each column whose place in the record is not simply its own name.
        ignore: fields that are known and not wanted. A field that is neither here nor in a path is new: it lands.
        notation: ISO 8601, as JSON goes.
        records_at: where the records are, if the file is one document: `""` for an array, `"data.items"` for the array
            that an object holds under these names. None: every line is a record.
        children: lists inside the records, by the table that they land in. They are known then: they do not land as
            text too.
    """

    columns: Mapping[str, str]
    ignore: frozenset[str] = frozenset()
    notation: Notation = ISO
    records_at: str | None = None
    children: Mapping[str, Children] = field(default_factory=dict)

    @cached_property
    def _shape(self) -> Shape:
        return shape(self.columns, self.ignore, [children.path for children in self.children.values()])

    def read(self, stream: BinaryIO) -> Iterator[Batch]:
        """The file's rows; empty lines are passed over, yet counted. Children follow their parents' batch.

        Raises:
            IngestError: a line or a record is longer than 16 MiB, the records have too many different fields, or the
                one document is cut short or not what `records_at` says.
        """
        reading = Reading(self)
        if self.records_at is None:
            first = 1
            for block in _blocks(stream):
                lines = block.count(b"\n") + (not block.endswith(b"\n"))
                yield from reading.lines(block, first, lines)
                first += lines
            return
        found = elements(stream, [name for name in self.records_at.split(".") if name])
        first = 1
        while some := list(_some(found)):
            yield from reading.texts(some, first)
            first += len(some)

    def lines(self, lines: Iterable[tuple[int, bytes]]) -> Batch:
        """A batch of texts, each one JSON object, with their positions; without their children."""
        return self.reading().batch(list(lines))

    def reading(self) -> Reading:
        """What reads many batches, and need not learn again what it has learned from those before."""
        return Reading(self)

    def records(self, rows: Sequence[int], records: Sequence[Record], broken: Sequence[Broken] = ()) -> Batch:
        """A batch of records that are already parsed; without their children."""
        return self._shape.of_records(rows, records, broken)


class Reading:
    """One reading of a file: what has been learned of its types, and how many children there were."""

    def __init__(self, described: Json) -> None:
        self._shape = described._shape
        self._fields = None if described.children else plain_fields(described.columns)
        self._columnar = Columnar()
        self._children = [
            ChildrenOf(
                resource,
                children,
                getter(children.path),
                {column: getter(path) for column, path in children.keys.items()},
                shape(children.columns, children.ignore, reserved=(*children.keys, children.position)),
            )
            for resource, children in described.children.items()
        ]

    def lines(self, block: bytes, first: int, count: int) -> Iterator[Batch]:
        """The records of so many whole lines, the first of which has the given position."""
        if block.isspace():
            return
        fields = self._fields_of(block)
        if fields is not None:
            rows = positions(first, count) if len(fields) == count else _rows_of(block, first, len(fields))
            if (batch := self._batch(fields, rows)) is not None:
                yield from _sliced(batch)
                return
        numbered = ((row, line) for row, line in enumerate(BytesIO(block), start=first) if not line.isspace())
        yield from self._one_by_one(numbered)

    def texts(self, texts: Sequence[bytes], first: int) -> Iterator[Batch]:
        """The records of texts, each of which may have line ends inside."""
        batch = self._batch(self._fields_of(b"\n".join(texts), texts), positions(first, len(texts)))
        if batch is not None:
            yield from _sliced(batch)
        else:
            yield from self._one_by_one(iter(enumerate(texts, start=first)))

    def batch(self, numbered: Sequence[tuple[int, bytes]]) -> Batch:
        """A batch of texts with their positions; without their children."""
        texts = [text for _, text in numbered]
        rows = pa.array([row for row, _ in numbered], pa.int64())
        batch = self._batch(self._fields_of(b"\n".join(texts), texts), rows) if texts else None
        return batch or self._shape.of_records(*_parsed(numbered))

    def _fields_of(self, block: bytes, texts: Sequence[bytes] | None = None) -> pa.Table | None:
        if self._fields is None:
            return None
        has_newlines = texts is not None and block.count(b"\n") >= len(texts)
        return self._columnar.read(block, texts if has_newlines else None)

    def _batch(self, fields: pa.Table | None, rows: pa.Array | None) -> Batch | None:
        if fields is None or self._fields is None or rows is None or len(rows) != len(fields):
            return None
        return self._shape.of_fields(fields, rows, self._fields)

    def _one_by_one(self, numbered: Iterator[tuple[int, bytes]]) -> Iterator[Batch]:
        while some := list(islice(numbered, BATCH_ROWS)):
            rows, records, broken = _parsed(some)
            yield self._shape.of_records(rows, records, broken)
            for children in self._children:
                yield from children.of_records(rows, records)


def same_names(*names: str) -> dict[str, str]:
    """Paths of columns that are called in the record what they are called in the table."""
    return {name: name for name in names}


def _blocks(stream: BinaryIO) -> Iterator[bytes]:
    """The file in pieces of whole lines."""
    rest = b""
    while chunk := stream.read(BLOCK_BYTES):
        # a last line without its end belongs to the last piece
        end = chunk.rfind(b"\n") + 1 if len(chunk) == BLOCK_BYTES else len(chunk)
        newline = chunk.find(b"\n")
        if len(rest) + (newline if newline >= 0 else len(chunk)) > LONGEST_LINE:
            raise IngestError(f"a line is longer than {LONGEST_LINE >> 20} MiB: this is not JSON lines")
        if end:
            yield rest + chunk[:end]
            rest = b""
        rest += chunk[end:]
    if rest:
        yield rest


def _some(texts: Iterator[bytes]) -> Iterator[bytes]:
    """As many texts as make a batch."""
    size = count = 0
    for text in texts:
        yield text
        size, count = size + len(text), count + 1
        if size >= BLOCK_BYTES or count >= MOST_ROWS:
            return


def _rows_of(block: bytes, first: int, count: int) -> pa.Array | None:
    """The positions of the lines that are not empty; None if these are not as many as there should be."""
    rows = [row for row, line in enumerate(BytesIO(block), start=first) if not line.isspace()]
    return pa.array(rows, pa.int64()) if len(rows) == count else None


def _sliced(batch: Batch) -> Iterator[Batch]:
    for start in range(0, len(batch.table), MOST_ROWS):
        yield Batch(batch.table.slice(start, MOST_ROWS), batch.rows.slice(start, MOST_ROWS))


def _parsed(lines: Iterable[tuple[int, bytes]]) -> tuple[list[int], list[Record], list[Broken]]:
    rows: list[int] = []
    records: list[Record] = []
    broken: list[Broken] = []
    for row, line in lines:
        try:
            record = parse(line)
        except ValueError as error:
            broken.append(Broken(row, f"not JSON: {error}", _kept(line)))
            continue
        if isinstance(record, dict):
            rows.append(row)
            records.append(record)
        else:
            broken.append(Broken(row, f"a JSON {_kind(record)}, not an object", _kept(line)))
    return rows, records, broken


def _kind(value: object) -> str:
    return "number" if isinstance(value, float) else type(value).__name__


def _kept(line: bytes) -> str:
    return line[:MAX_PAYLOAD_BYTES].decode(errors="replace").rstrip("\r\n")
