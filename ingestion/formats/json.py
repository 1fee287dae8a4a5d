"""JSON records."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any, BinaryIO

import jmespath
import orjson
import pyarrow as pa
from jmespath.parser import ParsedResult

from ingestion.contract import ISO, MAX_PAYLOAD_BYTES, Notation
from ingestion.delivery import Batch, Broken
from ingestion.errors import IngestError
from ingestion.names import snake_case

BATCH_ROWS = 20_000
LONGEST_LINE = 16 << 20


@dataclass(frozen=True)
class Json:
    """JSON lines, or records that a transport has taken out of a page or a stream.

    Attributes:
        columns: JMESPath of each column whose place in the record is not simply its own name.
        ignore: fields that are known and not wanted. A field that is neither here nor in a path is new: it lands.
        notation: ISO 8601, as JSON goes.
    """

    columns: Mapping[str, str]
    ignore: frozenset[str] = frozenset()
    notation: Notation = ISO

    @cached_property
    def _paths(self) -> list[tuple[str, ParsedResult]]:
        return [(column, jmespath.compile(path)) for column, path in self.columns.items()]

    @cached_property
    def _known(self) -> frozenset[str]:
        return self.ignore | {field for _, path in self._paths for field in _top_fields(path.parsed)}

    def read(self, stream: BinaryIO) -> Iterator[Batch]:
        """The rows of a JSON lines file; empty lines are passed over, yet counted."""
        numbered = enumerate(iter(lambda: stream.readline(LONGEST_LINE + 1), b""), start=1)
        while some := list(islice(numbered, BATCH_ROWS)):
            if any(len(line) > LONGEST_LINE for _, line in some):
                raise IngestError(f"a line is longer than {LONGEST_LINE >> 20} MiB: this is not JSON lines")
            yield self.lines([(row, line) for row, line in some if line.strip()])

    def lines(self, lines: Iterable[tuple[int, bytes]]) -> Batch:
        """A batch of texts, each one JSON object, with their positions."""
        rows: list[int] = []
        records: list[Mapping[str, Any]] = []
        broken: list[Broken] = []
        for row, line in lines:
            try:
                record = orjson.loads(line)
            except orjson.JSONDecodeError as error:
                broken.append(Broken(row, f"not JSON: {error}", _kept(line)))
                continue
            if isinstance(record, dict):
                rows.append(row)
                records.append(record)
            else:
                broken.append(Broken(row, f"a JSON {type(record).__name__}, not an object", _kept(line)))
        return self.records(rows, records, broken)

    def records(
        self, rows: Sequence[int], records: Sequence[Mapping[str, Any]], broken: Sequence[Broken] = ()
    ) -> Batch:
        """A batch of records that are already parsed."""
        table: dict[str, list[str | None]] = {
            column: [_text(path.search(record)) for record in records] for column, path in self._paths
        }
        new = sorted({field for record in records for field in record} - self._known)
        for field in new:
            table.setdefault(snake_case(field), [_text(record.get(field)) for record in records])
        arrays = {column: pa.array(values, pa.string()) for column, values in table.items()}
        return Batch(pa.table(arrays), pa.array(rows, pa.int64()), broken)


def read_whole(body: bytes) -> list[Mapping[str, Any]]:
    """The records of a JSON array.

    Raises:
        IngestError: it is not an array of objects.
    """
    try:
        records = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise IngestError(f"the answer is not JSON: {error}") from error
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise IngestError("the answer is not a JSON array of objects")
    return records


def same_names(*names: str) -> dict[str, str]:
    """Paths of columns that are called in the record what they are called in the table."""
    return {name: name for name in names}


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return orjson.dumps(value).decode()


def _kept(line: bytes) -> str:
    return line[:MAX_PAYLOAD_BYTES].decode(errors="replace").rstrip("\r\n")


def _top_fields(node: Mapping[str, Any]) -> set[str]:
    """The fields of the record itself that a parsed path starts from."""
    if node["type"] == "field":
        return {node["value"]}
    return _top_fields(node["children"][0]) if node["children"] else set()
