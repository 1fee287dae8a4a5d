"""Holds a batch against a contract, column by column.

Nothing is built that a good batch does not need: no mask, no row number, no filter. Each check first asks one question
of the whole column; only if the answer is bad does it look for the rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from ingestion.contract.column import Column, whole
from ingestion.contract.declare import Field, Rule
from ingestion.contract.payload import to_json
from ingestion.contract.reading import Notation, bytes_of, cast_each, in_calendar, read, read_whole, where

LONGEST_QUOTE = 80
"""How much of an offending value a reason quotes."""

LONGEST_TEXT = 65_535
"""Bytes in Redshift's longest varchar; what is longer would fail the whole load there."""

LONGEST_JSON = 16_000_000
"""Bytes; Redshift's SUPER holds 16 MB."""


@dataclass(frozen=True)
class Rejection:
    """Why one row was not accepted.

    Attributes:
        row: position of the row in its delivery, counted from 1.
        rule: `<column>:<rule>`, for grouping; the first rule that the row broke.
        reason: a sentence for people; all the rules that the row broke.
        payload: the row as it came, JSON text.
    """

    row: int
    rule: str
    reason: str
    payload: str


@dataclass(frozen=True)
class Checked:
    """A batch after its check: `accepted` has the contract's columns and types, then the unknown columns as text."""

    accepted: pa.Table
    rows: pa.Array
    rejected: list[Rejection]
    new_columns: tuple[str, ...]


@dataclass
class _Faults:
    """The rows that broke a rule: where they are, and what they broke, in the order of the rules."""

    mask: pa.Array | None = None
    reasons: dict[int, list[tuple[str, str]]] = field(default_factory=dict)

    def add(
        self,
        mask: pa.Array,
        rule: str,
        text: str,
        values: tuple[str, pa.Array] | None = None,
        bound: pa.Array | None = None,
    ) -> None:
        """Notes every row of the mask.

        Args:
            mask: true for the rows that broke the rule; null is not true.
            rule: its name.
            text: what is wrong, in words.
            values: a column's name and values, to quote before the words.
            bound: values to quote after them.
        """
        mask = pc.fill_null(mask, False)
        found = pc.indices_nonzero(mask)
        if not len(found):
            return
        self.mask = mask if self.mask is None else pc.or_(self.mask, mask)
        subject = f"{values[0]} " if values else ""
        quoted = _quotes(values[1].take(found)) if values else [""] * len(found)
        after = _quotes(bound.take(found)) if bound is not None else [""] * len(found)
        for index, before, behind in zip(found.to_pylist(), quoted, after, strict=True):
            sentence = f"{subject}{before}{' ' if before else ''}{text}{' ' if behind else ''}{behind}"
            self.reasons.setdefault(index, []).append((rule, sentence))


def check(
    columns: Sequence[Column],
    rules: Sequence[Rule],
    schema: pa.Schema,
    *,
    table: pa.Table,
    rows: pa.Array,
    notation: Notation,
) -> Checked:
    """Splits a batch into rows that keep the contract and rows that do not; see `Contract.check`."""
    faults = _Faults()
    came = set(table.column_names)
    typed: dict[str, pa.Array] = {}
    for column in columns:
        array = _one_chunk(table.column(column.name)) if column.name in came else pa.nulls(len(table), pa.string())
        typed[column.name] = _checked(column, array, notation, faults)
    for column in columns:
        _check_against_others(column, typed, faults)
    for rule in rules:
        kept = _boolean(rule.keeps(typed), rule, len(table))
        if pc.all(kept, min_count=0).as_py() is False:
            faults.add(pc.invert(kept), f"row:{rule.name}", rule.broken)
    new = tuple(name for name in table.column_names if name not in typed)
    for name in new:
        text = _as_text(_one_chunk(table.column(name)))
        typed[name] = _text_checked(Column(name, pa.string(), nullable=True), _sound(name, text, faults), faults)
    if new:
        schema = pa.schema([*schema, *(pa.field(name, pa.string()) for name in new)])
    accepted = pa.Table.from_arrays(list(typed.values()), schema=schema)
    if faults.mask is None:
        return Checked(accepted, rows, [], new)
    keep = pc.invert(faults.mask)
    return Checked(accepted.filter(keep), rows.filter(keep), _rejections(faults, table, rows), new)


def _checked(column: Column, came: pa.Array, notation: Notation, faults: _Faults) -> pa.Array:
    """The column in its declared type; null where a value cannot be."""
    came, typed = _typed(column, came, notation, faults)
    if not column.nullable and came.null_count:
        faults.add(pc.is_null(came), f"{column.name}:required", "is missing", (column.name, pa.nulls(len(came))))
    if pa.types.is_string(column.type) and not column.one_of:
        typed = _text_checked(column, typed, faults)
    if column.one_of:
        known = pc.is_in(typed, value_set=pa.array(column.one_of, column.type), skip_nulls=True)
        # a null is in no set
        if pc.sum(known).as_py() != len(typed) - typed.null_count:
            strange = pc.and_(pc.is_valid(typed), pc.invert(known))
            allowed = ", ".join(map(str, column.one_of))
            faults.add(strange, f"{column.name}:one_of", f"is not one of {allowed}", (column.name, typed))
    _check_bounds(column, typed, faults)
    return typed


def _typed(column: Column, came: pa.Array, notation: Notation, faults: _Faults) -> tuple[pa.Array, pa.Array]:
    """The values as they came, blanks taken out, and in the column's type; notes those that have no such type."""
    if _is_typed(came, column):
        typed = in_calendar(came if came.type == column.type else cast_each(came, column.type))
    else:
        text = _as_text(came, cut=column.json is None)
        is_text = pa.types.is_string(column.type) and not column.json
        whole_column = None if is_text else read_whole(text, column, notation)
        if whole_column is not None:
            return text, whole_column
        came = _sound(column.name, text, faults)
        if notation.blank_is_null:
            came = _without_blanks(came)
        typed = came if is_text else read(came, column, notation)
    if typed.null_count != came.null_count:
        unreadable = pc.and_(pc.is_valid(came), pc.is_null(typed))
        faults.add(unreadable, f"{column.name}:type", f"is not {_type_name(column)}", (column.name, came))
    return came, typed


def _text_checked(column: Column, text: pa.Array, faults: _Faults) -> pa.Array:
    """Notes text that is not of the right length and look; gives it back."""
    name = column.name
    lengths = pc.binary_length(text)
    extremes = pc.min_max(lengths).as_py()
    longest = column.max_bytes or (LONGEST_JSON if column.json else LONGEST_TEXT)
    if extremes["max"] is not None and extremes["max"] > longest:
        faults.add(pc.greater(lengths, longest), f"{name}:length", f"is longer than {longest} bytes", (name, text))
    if column.min_bytes is not None and extremes["min"] is not None and extremes["min"] < column.min_bytes:
        too_short = pc.less(lengths, column.min_bytes)
        faults.add(too_short, f"{name}:length", f"is shorter than {column.min_bytes} bytes", (name, text))
    if column.not_blank and (extremes["min"] == 0 or pc.any(pc.utf8_is_space(text)).as_py()):
        faults.add(_blank(text), f"{name}:blank", "is blank", (name, text))
    if column.pattern:
        matches = pc.match_substring_regex(text, whole(column.pattern.regex))
        if pc.all(matches, min_count=0).as_py() is False:
            says = column.pattern.says or f"of the form {column.pattern.regex}"
            faults.add(pc.invert(matches), f"{name}:pattern", f"is not {says}", (name, text))
    if column.json and b"\\u0000" in bytes_of(text):
        escaped = pc.match_substring_regex(text, r"(?:^|[^\\])(?:\\\\)*\\u0000")
        faults.add(escaped, f"{name}:nul", "contains a NUL byte", (name, text))
    return text


def _sound(name: str, text: pa.Array, faults: _Faults) -> pa.Array:
    """Text without what neither Postgres nor Redshift holds; one such value would fail the whole load.

    A NUL is noted and stays; bytes that are no UTF-8 are noted and become null, for they cannot be quoted or compared.
    """
    data = bytes_of(text)
    if b"\x00" in data:
        faults.add(pc.match_substring(text, "\x00"), f"{name}:nul", "contains a NUL byte", (name, text))
    if data.isascii():
        return text
    try:
        text.validate(full=True)
    except pa.ArrowInvalid:
        binary = text.cast(pa.binary())
        unsound = pa.array([value is not None and not _is_utf8(value) for value in binary.to_pylist()])
        quoted = pa.array([None if value is None else value.decode(errors="replace") for value in binary.to_pylist()])
        faults.add(unsound, f"{name}:encoding", "is not in UTF-8", (name, quoted))
        return where(pc.invert(unsound), quoted)
    return text


def _check_bounds(column: Column, typed: pa.Array, faults: _Faults) -> None:
    low = None if isinstance(column.at_least, Field) else column.at_least
    high = None if isinstance(column.at_most, Field) else column.at_most
    if low is None and high is None:
        return
    extremes = pc.min_max(typed).as_py()
    if extremes["min"] is None:
        return
    is_time = isinstance(low if low is not None else high, date | datetime)
    if low is not None and extremes["min"] < low:
        words = f"is {'before' if is_time else 'less than'} {low}"
        faults.add(pc.less(typed, pa.scalar(low)), f"{column.name}:range", words, (column.name, typed))
    if high is not None and extremes["max"] > high:
        words = f"is {'after' if is_time else 'more than'} {high}"
        faults.add(pc.greater(typed, pa.scalar(high)), f"{column.name}:range", words, (column.name, typed))


def _check_against_others(column: Column, typed: Mapping[str, pa.Array], faults: _Faults) -> None:
    mine = typed[column.name]
    is_time = pa.types.is_temporal(column.type)
    for bound, breaks, words in (
        (column.at_least, pc.less, "before" if is_time else "less than"),
        (column.at_most, pc.greater, "after" if is_time else "more than"),
    ):
        if isinstance(bound, Field):
            broken = breaks(mine, typed[bound.name])
            if pc.any(broken).as_py():
                said = (f"is {words} {bound.name}", (column.name, mine), typed[bound.name])
                faults.add(broken, f"{column.name}:order", *said)
    if column.required_when and mine.null_count:
        for name, values in column.required_when:
            asked = pc.is_in(typed[name], value_set=pa.array(values, typed[name].type), skip_nulls=True)
            missing = pc.and_(pc.is_null(mine), asked)
            if pc.any(missing).as_py():
                words = f"is missing, and required when {name} is"
                nothing = (column.name, pa.nulls(len(mine)))
                faults.add(missing, f"{column.name}:required", words, nothing, typed[name])


def _boolean(kept: Any, rule: Rule, length: int) -> pa.Array:
    kept = _one_chunk(kept) if isinstance(kept, pa.ChunkedArray) else kept
    if not isinstance(kept, pa.Array) or not pa.types.is_boolean(kept.type) or len(kept) != length:
        raise TypeError(f"the rule {rule.name!r} must give a boolean array of one value for each row")
    return kept


def _is_typed(came: pa.Array, column: Column) -> bool:
    """Whether values are taken as they are typed; everything else is read from its text, with the same strictness."""
    declared, given = column.type, came.type
    if column.json or pa.types.is_string(declared):
        return False
    if pa.types.is_timestamp(declared):
        # a time without a zone would silently become UTC
        return bool(pa.types.is_timestamp(given) and given.tz is not None)
    if pa.types.is_floating(declared):
        return bool(pa.types.is_floating(given) or pa.types.is_integer(given))
    # Arrow casts a whole number to a decimal only if every number of its size would fit
    for is_kind in (pa.types.is_integer, pa.types.is_decimal, pa.types.is_time):
        if is_kind(declared):
            return bool(is_kind(given))
    return bool(given == declared)


def _without_blanks(text: pa.Array) -> pa.Array:
    if pc.min(pc.binary_length(text)).as_py() == 0 or pc.any(pc.utf8_is_space(text)).as_py():
        return where(pc.invert(_blank(text)), text)
    return text


def _blank(text: pa.Array) -> pa.Array:
    return pc.or_(pc.equal(pc.binary_length(text), 0), pc.utf8_is_space(text))


def _as_text(array: pa.Array, *, cut: bool = True) -> pa.Array:
    """Any values as text; nested ones as JSON, cut to what a varchar holds if asked for."""
    if pa.types.is_string(array.type):
        return array
    if pa.types.is_nested(array.type):
        text_of = to_json if cut else _whole_json
        return pa.array([None if value is None else text_of(value) for value in array.to_pylist()], pa.string())
    if (
        pa.types.is_binary(array.type)
        or pa.types.is_large_binary(array.type)
        or pa.types.is_fixed_size_binary(array.type)
    ):
        # bytes that are no UTF-8 are found later, row by row
        return pc.cast(array.cast(pa.binary()), options=pc.CastOptions(pa.string(), allow_invalid_utf8=True))
    if pa.types.is_decimal(array.type):
        # the scale is the column's, not the value's: JSON's 12.5 beside 0.0001 is 12.5 and not 12.5000, nor ever 1E-7
        plain = pa.array([None if value is None else f"{value:f}" for value in array.to_pylist()], pa.string())
        return pc.replace_substring_regex(plain, r"^([^.]*)\.?0*$|(\.[0-9]*?)0+$", r"\1\2")
    try:
        return array.cast(pa.string())
    except (pa.ArrowNotImplementedError, pa.ArrowInvalid):
        return pa.array([None if value is None else str(value) for value in array.to_pylist()], pa.string())


def _whole_json(value: object) -> str:
    import orjson

    return orjson.dumps(value, default=str).decode()


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    if column.num_chunks == 1:
        return column.chunk(0)
    combined = column.combine_chunks()
    return combined if isinstance(combined, pa.Array) else pa.concat_arrays(combined.chunks)


def _is_utf8(value: bytes) -> bool:
    try:
        value.decode()
    except UnicodeDecodeError:
        return False
    return True


_TYPE_NAMES = {
    pa.float64(): "a number",
    pa.bool_(): "true or false",
    pa.date32(): "a date",
    pa.string(): "text",
}
_INTEGER_NAMES = {
    16: "a whole number of at most 16 bits",
    32: "a whole number of at most 32 bits",
    64: "a whole number",
}


def _type_name(column: Column) -> str:
    target = column.type
    if column.json:
        return f"a JSON {column.json}"
    if pa.types.is_decimal(target):
        digits = f"{target.precision - target.scale} digits before and {target.scale} after the point"
        return f"a decimal number of at most {digits}"
    if pa.types.is_integer(target):
        return _INTEGER_NAMES[target.bit_width]
    if pa.types.is_timestamp(target):
        return "a time with a zone"
    if pa.types.is_time(target):
        return "a time of day"
    return _TYPE_NAMES[target]


def _quotes(values: pa.Array) -> list[str]:
    return ["" if value is None else _quote(value) for value in _plain(values)]


def _quote(value: object) -> str:
    text = str(value)
    return repr(text if len(text) <= LONGEST_QUOTE else text[:LONGEST_QUOTE] + "…")


def _rejections(faults: _Faults, table: pa.Table, rows: pa.Array) -> list[Rejection]:
    bad = pc.indices_nonzero(faults.mask)
    payloads = _records(table.take(bad))
    rejections = []
    for index, row, payload in zip(bad.to_pylist(), rows.take(bad).to_pylist(), payloads, strict=True):
        broken = faults.reasons[index]
        reason = "; ".join(text for _, text in broken)
        rejections.append(Rejection(row, broken[0][0], reason, to_json(payload)))
    return rejections


def _records(table: pa.Table) -> Sequence[Mapping[str, Any]]:
    columns = [_plain(_one_chunk(column)) for column in table.columns]
    return [dict(zip(table.column_names, values, strict=True)) for values in zip(*columns, strict=True)]


def _plain(values: pa.Array) -> list[Any]:
    """Python's values; text for those that Python has none for: a year 0, a nanosecond, bytes that are no UTF-8."""
    try:
        return list(values.to_pylist())
    except (ValueError, OverflowError):
        if pa.types.is_string(values.type):
            binary = values.cast(pa.binary()).to_pylist()
            return [None if value is None else value.decode(errors="replace") for value in binary]
        return list(_as_text(values).to_pylist())
