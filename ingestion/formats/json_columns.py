"""Many JSON records at once, by Arrow: several times as fast as one at a time, and without a Python object each."""

from __future__ import annotations

import codecs
import re
from collections.abc import Sequence
from io import BytesIO
from itertools import islice
from typing import Any

import pyarrow as pa
import pyarrow.json

from ingestion.errors import IngestError
from ingestion.formats.json_exact import Number, exponent_of, parse
from ingestion.formats.json_nested import cut_out

PARSED_BYTES = 2 << 20
"""Arrow parses blocks of this size in parallel; a record may be as long as one."""

FIRST_LOOK = 1_000
MOST_FIELDS = 1_600
PATIENCE = 3
"""After so many blocks in a row that did not fit, only one block in sixteen is tried."""

_TINY = (re.compile(rb"e-[0-9]{3,}+[,}\]\s]"), re.compile(rb"E-[0-9]{3,}+[,}\]\s]"))
"""Numbers such as `1e-400000000`: Arrow 26 reads past the end of a table when it makes a decimal of one, or crashes."""

_DIGITS = 38
MOST_PLACES = 18
"""Digits after the point; numbers with more are read one record at a time."""


class Columnar:
    """Parses blocks of records whose fields keep their types from record to record.

    What the types are is learned from the data. A number without a fraction is an int64, one with a fraction a decimal
    with as many places as were seen, so that nothing is rounded; a time is text, for Arrow would guess its zone; a
    nested value is its JSON text. A block that does not fit (a text where there were numbers, a field twice, a line
    that is no JSON) is left to others.
    """

    def __init__(self) -> None:
        self._kinds: dict[str, str] = {}
        self._places: dict[str, int] = {}
        self._misfits = 0

    def read(self, block: bytes, texts: Sequence[bytes] | None = None) -> pa.Table | None:
        """The fields of every record of a block; None if the block does not fit.

        Args:
            block: JSON objects, each on a line of its own.
            texts: the same objects one by one, if they may stretch over several lines.

        Raises:
            IngestError: the records have more than `MOST_FIELDS` different fields.
        """
        if self._misfits > PATIENCE and self._misfits % 16:
            self._misfits += 1
            return None
        if _is_utf8(block):
            while not self._is_dangerous(block):
                try:
                    table = self._parsed(block, texts)
                except (pa.ArrowNotImplementedError, ValueError, TypeError):
                    if not self._learns(block, texts):
                        break
                else:
                    self._misfits = 0
                    return table
        self._misfits += 1
        return None

    def _is_dangerous(self, block: bytes) -> bool:
        return "decimal" in self._kinds.values() and any(tiny.search(block) for tiny in _TINY)

    def _parsed(self, block: bytes, texts: Sequence[bytes] | None) -> pa.Table:
        nested = [name for name, kind in self._kinds.items() if kind == "nested"]
        if not nested:
            return self._parsed_flat(block, has_newlines=texts is not None)
        flat, values = cut_out(block.split(b"\n") if texts is None else texts, nested)
        table = self._parsed_flat(b"\n".join(flat), has_newlines=texts is not None)
        for name, column in values.items():
            if table.column(name).null_count < len(table):
                raise ValueError(f"{name} is nested in some records and a text in others")
            table = table.set_column(table.schema.get_field_index(name), name, pa.array(column, pa.string()))
        return table

    def _parsed_flat(self, block: bytes, *, has_newlines: bool) -> pa.Table:
        types = {"bool": pa.bool_(), "integer": pa.int64()}
        schema = pa.schema(
            [
                (
                    name,
                    pa.decimal128(_DIGITS, self._places[name]) if kind == "decimal" else types.get(kind, pa.string()),
                )
                for name, kind in self._kinds.items()
            ]
        )
        return pyarrow.json.read_json(
            pa.BufferReader(block),
            read_options=pyarrow.json.ReadOptions(block_size=PARSED_BYTES),
            parse_options=pyarrow.json.ParseOptions(
                explicit_schema=schema, unexpected_field_behavior="error", newlines_in_values=has_newlines
            ),
        )

    def _learns(self, block: bytes, texts: Sequence[bytes] | None) -> bool:
        """Looks at every record; whether another try makes sense."""
        kinds, places = dict(self._kinds), dict(self._places)
        # what the first records teach is enough to begin with
        lines = texts or BytesIO(block)
        for line in lines if kinds else islice(lines, FIRST_LOOK):
            try:
                record = {} if line.isspace() else parse(line)
            except ValueError:
                return False
            if not isinstance(record, dict):
                return False
            for name, value in record.items():
                kind = _kind(value)
                together = _MERGED.get((kinds.get(name), kind))
                if together is None:
                    return False
                kinds[name] = together
                if together == "decimal":
                    places[name] = max(places.get(name, 0), _places(value) if kind == "decimal" else 0)
                    if places[name] > MOST_PLACES:
                        return False
            if len(kinds) > MOST_FIELDS:
                raise IngestError(f"the records have more than {MOST_FIELDS:,} different fields: no table holds them")
        changed = (kinds, places) != (self._kinds, self._places)
        self._kinds, self._places = kinds, places
        return changed


def _kind(value: Any) -> str:
    if isinstance(value, Number):
        is_integer = value.text.lstrip("-").isdigit() and -(1 << 63) <= int(value.text) < 1 << 63
        return "integer" if is_integer else "decimal"
    return _KINDS.get(type(value), "nested")


_KINDS = {str: "text", bool: "bool", int: "integer", type(None): "nothing"}


def _places(value: Number) -> int:
    """How many digits are written after the point."""
    mantissa = value.text.lower().partition("e")[0]
    return max(0, len(mantissa.partition(".")[2]) - exponent_of(value.text))


_ALONE = ("text", "bool", "integer", "decimal", "nested")

_MERGED: dict[tuple[str | None, str], str] = {
    **{(before, kind): kind for kind in _ALONE for before in (None, "nothing", kind)},
    **{(before, "nothing"): before for before in _ALONE},
    (None, "nothing"): "nothing",
    ("integer", "decimal"): "decimal",
    ("decimal", "integer"): "decimal",
}
"""What a field is that was of the first kind, and now holds a value of the second; other pairs do not fit."""


def _is_utf8(block: bytes) -> bool:
    if block.isascii():
        return True
    try:
        codecs.utf_8_decode(block, "strict", True)
    except UnicodeDecodeError:
        return False
    return True
