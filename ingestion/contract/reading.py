"""Text as values: read without loss, or not at all.

A column is read whole: Arrow's cast takes it, and a look at its bytes tells whether the cast was laxer than we are
(`0x1F` is no number here). Only if that fails are the values looked for that cannot be read, by asking the same
question of ever smaller pieces. So what a value is does not depend on its neighbours.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from ingestion.contract.column import TIME, TIMESTAMP, Column


@dataclass(frozen=True)
class Notation:
    """How a delivery writes numbers and dates as text.

    Attributes:
        decimal_mark: `.` or `,`.
        day_first: dates are `dd.mm.yyyy` instead of ISO 8601.
        blank_is_null: text of nothing but spaces is a missing value.
    """

    decimal_mark: str = "."
    day_first: bool = False
    blank_is_null: bool = False


ISO = Notation()

_Whole = Callable[[pa.Array], pa.Array | None]
"""Reads a column of text whole; None if a value in it cannot be read."""

ROWS_A_PIECE = 1_000
PARSED_BYTES = 1 << 20
"""JSON text that is parsed at once."""

_DAY_ONE, _DAY_LAST = -719_162, 2_932_897
"""1 January of the years 1 and 10000, in days since 1970."""

_CALENDAR = {
    pa.date32(): (_DAY_ONE, _DAY_LAST),
    TIMESTAMP: (_DAY_ONE * 86_400_000_000, _DAY_LAST * 86_400_000_000),
}

_LONG_MONTHS = "(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])"
_SHORT_MONTHS = "(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
_DATE = rf"[0-9]{{4}}-(?:{_LONG_MONTHS}|{_SHORT_MONTHS}|02-[0-2][0-9])"
_CLOCK = r"(?:[01][0-9]|2[0-3])(?::?[0-5][0-9]){0,2}(?:\.[0-9]{1,6})?"
_ZONE = r"(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)"


def read(text: pa.Array, column: Column, notation: Notation) -> pa.Array:
    """Text as values of the column's type; null where it cannot be read without loss.

    Args:
        text: an Arrow string array.
        column: whose type to read; a plain text column gives its text back.
        notation: how numbers and dates are written.
    """
    if column.json:
        kind = dict if column.json == "object" else list
        return _each(text, partial(_json, kind), r"(?s)\A\s*[\[{].*[\]}]\s*\z")
    target = column.type
    if pa.types.is_string(target):
        return text
    return _each(_iso(text, target, notation), *_reader(target))


def read_whole(text: pa.Array, column: Column, notation: Notation) -> pa.Array | None:
    """The same if every value can be read; else None, sooner."""
    if column.json or pa.types.is_string(column.type):
        typed = read(text, column, notation)
        return typed if typed.null_count == text.null_count else None
    iso = _iso(text, column.type, notation)
    if iso.null_count != text.null_count:
        return None
    return _reader(column.type)[0](iso)


def cast_each(values: pa.Array, target: pa.DataType) -> pa.Array:
    """Casts typed values to `target`, null where one does not cast without loss."""
    whole = _cast(target, values)
    return whole if whole is not None else _halved(values, partial(_cast, target))


def in_calendar(values: pa.Array) -> pa.Array:
    """Null for dates and times outside the years 1 to 9999, which neither Python nor dbt's clients can show."""
    limits = _CALENDAR.get(values.type)
    if limits is None or _is_within(values, limits):
        return values
    numbers = values.view(pa.int32() if pa.types.is_date(values.type) else pa.int64())
    first, last = limits
    return pc.if_else(pc.and_(pc.greater_equal(numbers, first), pc.less(numbers, last)), values, None)


def _is_within(values: pa.Array, limits: tuple[int, int]) -> bool:
    extremes = pc.min_max(values)
    first, last = extremes["min"].value, extremes["max"].value
    return first is None or (first >= limits[0] and last < limits[1])


def only(text: pa.Array, pattern: str) -> pa.Array:
    """Null for every text that does not match."""
    return where(pc.match_substring_regex(text, pattern), text)


def where(kept: pa.Array, text: pa.Array) -> pa.Array:
    """Null for every text where `kept` is not true; `if_else` would leave its bytes behind."""
    return pc.case_when(pc.make_struct(kept), text)


def bytes_of(text: pa.Array) -> bytes:
    """The bytes of all texts of a string array, one after another."""
    _, ends, data = text.buffers()
    if data is None or len(text) == 0:
        return b""
    offsets = memoryview(ends).cast("B").cast("i")
    first, last = offsets[text.offset], offsets[text.offset + len(text)]
    return bytes(data.slice(first, last - first).to_pybytes())


def _reader(target: pa.DataType) -> tuple[_Whole, str]:
    """How a column of this type is read whole, and a pattern that every readable value matches."""
    if pa.types.is_decimal(target):
        digits = rf"[0-9]{{0,{target.precision - target.scale}}}(?:\.[0-9]{{0,{target.scale}}}0*)?"
        return partial(_unless, target, b"eE"), rf"\A[+-]?0*{digits}\z"
    if pa.types.is_integer(target):
        return partial(_unless, target, b"xX"), r"\A-?[0-9]+\z"
    return _READERS[target]


def _cast(target: pa.DataType, values: pa.Array) -> pa.Array | None:
    try:
        return values.cast(target)
    except pa.ArrowInvalid:
        return None


def _dated(target: pa.DataType, text: pa.Array) -> pa.Array | None:
    """The cast, if it is in no year 0."""
    typed = _cast(target, text)
    return typed if typed is not None and _is_within(typed, _CALENDAR[target]) else None


def _unless(target: pa.DataType, strange: bytes, text: pa.Array) -> pa.Array | None:
    """The cast, if none of these letters occurs: Arrow takes hexadecimal integers, and decimals with exponents.

    The letters are looked for first: a decimal with a large negative exponent (`1e-400000000`) crashes Arrow 26.
    """
    data = bytes_of(text)
    return None if any(letter in data for letter in strange) else _cast(target, text)


def _finite(text: pa.Array) -> pa.Array | None:
    typed = _cast(pa.float64(), text)
    if typed is None or pc.all(pc.is_finite(typed)).as_py() is False:
        return None
    return typed


def _booleans(text: pa.Array) -> pa.Array | None:
    typed = _cast(pa.bool_(), text)
    # Arrow takes 0 and 1, too
    shortest = pc.min(pc.binary_length(text)).as_py()
    return None if typed is None or (shortest is not None and shortest < len("true")) else typed


def _times(text: pa.Array) -> pa.Array | None:
    """Arrow does not read times; it reads them at the end of a date."""
    stamps = _cast(pa.timestamp("us"), pc.binary_join_element_wise("1970-01-01T", text, ""))
    return None if stamps is None else stamps.cast(TIME)


_READERS: dict[pa.DataType, tuple[_Whole, str]] = {
    pa.bool_(): (_booleans, r"\A(?i:true|false)\z"),
    pa.float64(): (_finite, r"\A[+-]?[0-9]*\.?[0-9]*(?:[eE][+-]?[0-9]+)?\z"),
    pa.date32(): (partial(_dated, pa.date32()), rf"\A{_DATE}\z"),
    TIME: (_times, rf"\A{_CLOCK}\z"),
    # a time without a zone is refused: guessing one would shift it silently
    TIMESTAMP: (partial(_dated, TIMESTAMP), rf"\A{_DATE}[T ]{_CLOCK}{_ZONE}\z"),
}


def _json(kind: type, text: pa.Array) -> pa.Array | None:
    """The text itself if each is one JSON value of that kind.

    Many texts are parsed at once, with a word between them that no text can know: one that is two halves, or two
    values, would shift it.
    """
    texts = text.drop_null()
    # parsed, a text takes some ten times its size
    step = max(1, min(ROWS_A_PIECE, PARSED_BYTES * len(texts) // max(1, len(bytes_of(texts)))))
    for start in range(0, len(texts), step):
        between = secrets.token_hex(8)
        try:
            piece = texts.slice(start, step).to_pylist()
            parsed = orjson.loads("[" + f',"{between}",'.join(piece) + "]")
        except (orjson.JSONDecodeError, UnicodeDecodeError):
            return None
        if len(parsed) != 2 * len(piece) - 1 or any(word != between for word in parsed[1::2]):
            return None
        if set(map(type, parsed[::2])) != {kind}:
            return None
    return text


def _each(text: pa.Array, whole: _Whole, plausible: str) -> pa.Array:
    typed = whole(text)
    if typed is not None:
        return typed
    pieces = [text.slice(start, ROWS_A_PIECE) for start in range(0, len(text), ROWS_A_PIECE)]
    # most pieces are good even then, and a pattern costs several times what a cast does
    return pa.concat_arrays(
        [typed if (typed := whole(piece)) is not None else _halved(only(piece, plausible), whole) for piece in pieces]
    )


def _halved(values: pa.Array, whole: _Whole) -> pa.Array:
    """Halving a column around what cannot be read finds the few bad values (30 February) in a few casts each."""
    typed = whole(values)
    if typed is not None:
        return typed
    if len(values) == 1:
        # the one value that is asked about has the type of no value
        return whole(pa.nulls(1, values.type))
    middle = len(values) // 2
    return pa.concat_arrays([_halved(values.slice(0, middle), whole), _halved(values.slice(middle), whole)])


def _iso(text: pa.Array, target: pa.DataType, notation: Notation) -> pa.Array:
    """The text in the notation that Arrow reads; null where it is not in its own."""
    if pa.types.is_decimal(target) and notation.decimal_mark != ".":
        if b"." in bytes_of(text):
            # a point is no decimal mark here, and must not be taken for one
            text = only(text, r"\A[^.]*\z")
        return _with_bytes(text, bytes_of(text).replace(notation.decimal_mark.encode(), b"."))
    if pa.types.is_date(target) and notation.day_first:
        return _year_first(text)
    return text


def _year_first(text: pa.Array) -> pa.Array:
    lengths = pc.min_max(pc.binary_length(text)).as_py()
    data = bytes_of(text)
    count = len(text) - text.null_count
    is_regular = lengths == {"min": 10, "max": 10} and len(data) == 10 * count and data.isascii()
    if not is_regular or data[2::10] + data[5::10] != b"." * 2 * count:
        text = only(text, r"\A[0-9]{2}\.[0-9]{2}\.[0-9]{4}\z")
        data = bytes_of(text)
    turned = bytearray(len(data))
    # the ten letters of a date, from dd.mm.yyyy to yyyy-mm-dd
    for place, came in enumerate((6, 7, 8, 9, 2, 3, 4, 2, 0, 1)):
        turned[place::10] = data[came::10]
    dashes = b"-" * (len(data) // 10)
    turned[4::10] = turned[7::10] = dashes
    return _with_bytes(text, bytes(turned))


def _with_bytes(text: pa.Array, data: bytes) -> pa.Array:
    """Texts of the same lengths with other bytes."""
    validity, ends, _ = text.buffers()
    if len(text) == 0 or not data:
        return text
    before = memoryview(ends).cast("B").cast("i")[text.offset]
    buffers = [validity, ends, pa.py_buffer(bytes(before) + data)]
    return pa.Array.from_buffers(pa.string(), len(text), buffers, text.null_count, text.offset)
