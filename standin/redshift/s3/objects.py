"""JSON and Avro: records of named values, which are mapped to columns by name or by path."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any

from standin.redshift.s3 import values
from standin.redshift.s3.blocks import cut_lines, whole_records
from standin.redshift.s3.errors import failure
from standin.redshift.s3.jsontext import DECODER, to_json

if TYPE_CHECKING:
    import pyarrow as pa

    from standin.redshift.s3.columns import Column

_BATCH_ROWS = 20_000
# the reference allows 4 MB for a row
_LONGEST_OBJECT = 16 * 1024**2
_SPACE = re.compile(r"\s*")
_STEP = re.compile(r"\.([^.\[\]]+)|\[\s*(?:'([^']*)'|\"([^\"]*)\"|(\d+))\s*\]")

Path = tuple[str | int, ...]
Pick = Callable[[Any], list[Any]]


@dataclass(frozen=True, slots=True)
class Item:
    """One record of a file.

    Attributes:
        line: the number of its first line, or of the record where there are no lines.
        raw: its text, for those who look for what was wrong with it.
        value: what was read; None if nothing could be.
        fault: what is wrong with it as a whole.
    """

    line: int
    raw: str
    value: Any
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Whole:
    """The columns of a block that was read at once."""

    columns: list[pa.Array]


def read_json(
    pieces: Iterator[bytes], name: str, at_once: Callable[[bytes], Whole | None]
) -> Iterator[list[Item] | Whole]:
    """The objects and arrays at the root of a file, in batches. They may span lines and share them.

    `at_once` is asked first, for every block of whole lines that begins with an object.
    """
    decode = DECODER.raw_decode
    rest, line = "", 1
    blocks = whole_records(pieces, cut_lines, name)
    for block in blocks:
        if not rest and (whole := at_once(block)) is not None:
            line += block.count(b"\n")
            yield whole
            continue
        text = rest + block.decode("utf-8", "surrogateescape")
        at = _skip(text, 0)
        line += text.count("\n", 0, at)
        batch: list[Item] = []
        while at < len(text):
            try:
                value, end = decode(text, at)
                fault = None if isinstance(value, dict | list) else "Invalid JSON format: neither object nor array"
            except (ValueError, RecursionError) as error:
                if _may_go_on(text, at, error):
                    break
                # the next line may be whole again
                end = text.find("\n", at)
                end = len(text) if end < 0 else end
                value, fault = None, f"Invalid JSON format: {_reason(error)}"
            batch.append(Item(line, text[at:end], value, fault))
            start, at = at, _skip(text, end)
            line += text.count("\n", start, at)
            if len(batch) >= _BATCH_ROWS:
                yield batch
                batch = []
        rest = text[at:]
        if batch:
            yield batch
    if rest.strip():
        yield [Item(line, rest, None, "Invalid JSON format: the object has no end")]


def _may_go_on(text: str, at: int, error: Exception) -> bool:
    """Whether what could not be read may just be cut off: the fault is at the end of the text."""
    if len(text) - at > _LONGEST_OBJECT or not isinstance(error, json.JSONDecodeError):
        return False
    return text[error.pos :].strip() == "" or error.msg.startswith("Unterminated string")


def _reason(error: Exception) -> str:
    return error.msg if isinstance(error, json.JSONDecodeError) else "nested too deep"


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def read_avro(file: IO[bytes], name: str) -> Iterator[list[Item]]:
    """The records of an Avro file, in batches; raises DialectError when it is none."""
    import fastavro

    try:
        reader = fastavro.reader(file)
        batch: list[Item] = []
        for number, record in enumerate(reader, 1):
            batch.append(Item(number, "", record))
            if len(batch) >= _BATCH_ROWS:
                yield batch
                batch = []
    except (ValueError, EOFError, KeyError, IndexError, TypeError, OverflowError) as error:
        raise failure(f"Invalid Avro file {name}: {error}") from None
    if batch:
        yield batch


def picker(columns: Sequence[Column], paths: Sequence[Path] | None, mode: str) -> Pick:
    """How the values of the columns are found in a record; raises BadValueError when the record can't hold them.

    Args:
        columns: the columns to fill.
        paths: one for each column, out of a jsonpaths file; None to go by name.
        mode: auto, auto ignorecase or noshred; with paths it does not matter.
    """
    if paths is not None:
        return lambda record: [_follow(record, path) for path in paths]
    if mode == "noshred":
        return lambda record: [record]
    names = [column.name for column in columns]

    def by_name(record: Any) -> list[Any]:
        if not isinstance(record, dict):
            raise values.BadValueError(values.BAD_LINE, "Invalid JSONPath format: Member is not an object.")
        if mode == "auto ignorecase":
            record = {key.lower(): value for key, value in record.items()}
            return [record.get(name.lower()) for name in names]
        return [record.get(name) for name in names]

    return by_name


def read_paths(content: bytes, count: int) -> list[Path]:
    """The paths of a jsonpaths file; raises DialectError when it is none, or does not fit the columns."""
    try:
        written = json.loads(content)["jsonpaths"]
        found = [_path(each) for each in written]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise failure(f"Invalid jsonpaths file: {error}") from None
    if len(found) != count:
        raise failure(
            "Number of jsonpaths and the number of columns should match. "
            f"JSONPath size: {len(found)}, Number of columns in table or column list: {count}"
        )
    return found


def _path(written: str) -> Path:
    steps: list[str | int] = []
    at = 1
    while at < len(written):
        found = _STEP.match(written, at)
        if found is None:
            break
        steps.append(int(found[4]) if found[4] else next(name for name in found.groups() if name is not None))
        at = found.end()
    if not written.startswith("$") or at < len(written):
        raise failure(
            f"Invalid JSONPath format. Supported notations are 'dot-notation' and 'bracket-notation': {written}"
        )
    return tuple(steps)


def _follow(value: Any, path: Path) -> Any:
    for step in path:
        if isinstance(step, int):
            value = value[step] if isinstance(value, list) and step < len(value) else None
        else:
            value = value.get(step) if isinstance(value, dict) else None
        if value is None:
            return None
    return value


# a NUL, and numbers that Arrow takes and JSON does not have
_ODD = (rb"\u0000", b"NaN", b"Inf")


def by_arrow(content: bytes, columns: Sequence[Column]) -> list[pa.Array] | None:
    """The columns of lines of JSON, by name, where Arrow reads them as we do; None where a closer look is needed.

    Numbers and booleans come typed, everything else as text. A value of another type than its column's, a name that
    stands twice and whatever is no line of JSON is for the closer look.
    """
    import pyarrow as pa
    from pyarrow import json as reader

    kinds = [_arrow_reads(column) for column in columns]
    if None in kinds or any(piece in content for piece in _ODD) or not _is_utf8(content):
        return None
    schema = pa.schema([pa.field(column.name, kind) for column, kind in zip(columns, kinds, strict=True)])
    try:
        table = reader.read_json(
            pa.BufferReader(content),
            reader.ReadOptions(use_threads=False, block_size=len(content) + 1),
            reader.ParseOptions(explicit_schema=schema, unexpected_field_behavior="ignore"),
        )
    except (pa.ArrowException, OverflowError):
        return None
    return [table.column(column.name).combine_chunks() for column in columns]


def _arrow_reads(column: Column) -> pa.DataType | None:
    """The type that Arrow is to read a column as; None if it can't read it."""
    import pyarrow as pa

    if column.is_super or column.type in ("bytea", "timetz") or (column.type == "numeric" and not column.precision[0]):
        return None
    if column.is_text or column.type in ("date", "time", "timestamp", "timestamptz"):
        return pa.string()
    return column.arrow()


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def as_field(value: Any, column: Column, epochs: bool) -> str | None:
    """A value as the text that goes into the column; nested values and those for SUPER as JSON.

    Args:
        value: what JSON or Avro gave.
        column: where it goes.
        epochs: whether times are numbers, as TIMEFORMAT says.
    """
    if value is None or type(value) is str:
        return to_json(value) if value is not None and column.is_super else value
    if column.is_super or isinstance(value, list | dict):
        return to_json(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape")
    if isinstance(value, datetime):
        return str(int(value.timestamp() * 1000)) if epochs else value.isoformat(sep=" ")
    return str(value)
