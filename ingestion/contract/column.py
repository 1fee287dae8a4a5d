"""One column of a contract: what its annotation says, as Arrow and dlt say it."""

from __future__ import annotations

import types
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin

import pyarrow as pa
import pyarrow.compute as pc

from ingestion.contract.declare import (
    PERSONAL,
    AtLeast,
    AtMost,
    Between,
    Bits,
    Field,
    MaxBytes,
    MinBytes,
    NotBlank,
    Numeric,
    Pattern,
    Personal,
    RequiredWhen,
)

if TYPE_CHECKING:
    from dlt.common.data_types import TDataType
    from dlt.common.schema.typing import TColumnSchema

TIMESTAMP = pa.timestamp("us", "UTC")
TIME = pa.time64("us")

ENUMERATION_BYTES = 50
"""Room that the column of an enumeration has at least: another value must not need another column."""

_INTEGERS = {16: pa.int16(), 32: pa.int32(), 64: pa.int64()}
_ARROW_TYPES: dict[object, pa.DataType] = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    date: pa.date32(),
    datetime: TIMESTAMP,
    time: TIME,
    # JSON travels as its text
    dict: pa.string(),
    list: pa.string(),
}
_DLT_TYPES: dict[pa.DataType, TDataType] = {
    pa.int16(): "bigint",
    pa.int32(): "bigint",
    pa.int64(): "bigint",
    pa.float64(): "double",
    pa.bool_(): "bool",
    pa.date32(): "date",
    TIMESTAMP: "timestamp",
    TIME: "time",
}
_FOR_TEXT = (MaxBytes, MinBytes, NotBlank, Pattern)
_FOR_ORDER = (AtLeast, AtMost, Between)


@dataclass(frozen=True)
class Column:
    """One column of a contract.

    Attributes:
        name: in the raw table.
        type: Arrow's; JSON is text.
        nullable: whether it may be null, and may be missing from a delivery.
        max_bytes: longest text, in bytes of UTF-8.
        one_of: the only values allowed, if not empty.
        at_least: smallest value allowed, or the `Field` whose value it is.
        at_most: largest value allowed, or the `Field` whose value it is.
        min_bytes: shortest text, in bytes of UTF-8.
        not_blank: whether text must be more than white space.
        pattern: what the whole text looks like.
        required_when: columns and the values of theirs that make this one required.
        json: `object` or `array` if the text is JSON of that kind.
        personal: one of `PERSONAL` if the value leads to a person.
    """

    name: str
    type: pa.DataType
    nullable: bool
    max_bytes: int | None = None
    one_of: tuple[str, ...] | tuple[int, ...] = ()
    at_least: Any = None
    at_most: Any = None
    min_bytes: int | None = None
    not_blank: bool = False
    pattern: Pattern | None = None
    required_when: tuple[tuple[str, tuple[object, ...]], ...] = ()
    json: Literal["object", "array"] | None = None
    personal: str | None = None

    def dlt_hints(self) -> TColumnSchema:
        """The column as dlt's schema has it, so that the destination's DDL carries length, scale and nullability."""
        hints: TColumnSchema = {"name": self.name, "nullable": self.nullable}
        if self.json:
            hints["data_type"] = "json"
        elif pa.types.is_decimal(self.type):
            hints |= {"data_type": "decimal", "precision": self.type.precision, "scale": self.type.scale}
        elif pa.types.is_string(self.type):
            hints["data_type"] = "text"
            if self.max_bytes:
                hints["precision"] = self.max_bytes
        else:
            hints["data_type"] = _DLT_TYPES[self.type]
            if pa.types.is_integer(self.type) and self.type.bit_width < 64:
                hints["precision"] = self.type.bit_width
        return hints


def column_of(name: str, hint: Any) -> Column:
    """The column that an annotation declares.

    Raises:
        TypeError: it is none of the kinds that the package's docstring lists, or contradicts itself.
    """
    hint, nullable = _without_none(name, hint)
    notes: tuple[Any, ...] = ()
    if get_origin(hint) is Annotated:
        hint, *rest = get_args(hint)
        notes = tuple(rest)
        if get_origin(hint) in (Union, types.UnionType):
            raise TypeError(f"{name}: write Annotated[...] | None, not Annotated[... | None]")
    origin = get_origin(hint)
    if origin is Literal:
        return _enumeration(name, get_args(hint), nullable, notes)
    if origin in (dict, list):
        hint = origin
    by_kind = {type(note): note for note in notes}
    if hint is Decimal and Numeric in by_kind:
        numeric = by_kind[Numeric]
        if not 0 <= numeric.scale <= numeric.precision <= 38:
            raise TypeError(f"{name}: {numeric} is no precision of at most 38 digits with a scale within it")
        arrow_type = pa.decimal128(numeric.precision, numeric.scale)
    elif hint is int and Bits in by_kind:
        arrow_type = _INTEGERS.get(by_kind[Bits].size)
    else:
        arrow_type = _ARROW_TYPES.get(hint)
    if arrow_type is None:
        raise TypeError(
            f"{name}: {hint} is no type that a contract knows; decimals need Numeric(precision, scale), "
            "whole numbers have Bits of 16, 32 or 64"
        )
    _refuse_strange_notes(name, hint, notes)
    low = by_kind[AtLeast].minimum if AtLeast in by_kind else by_kind[Between].minimum if Between in by_kind else None
    high = by_kind[AtMost].maximum if AtMost in by_kind else by_kind[Between].maximum if Between in by_kind else None
    for bound in (low, high):
        _refuse_strange_bound(name, bound, hint)
    return Column(
        name,
        arrow_type,
        nullable,
        max_bytes=by_kind[MaxBytes].limit if MaxBytes in by_kind else None,
        at_least=low,
        at_most=high,
        min_bytes=by_kind[MinBytes].limit if MinBytes in by_kind else None,
        not_blank=NotBlank in by_kind,
        pattern=_compiled(name, by_kind.get(Pattern)),
        required_when=_conditions(notes),
        json={dict: "object", list: "array"}.get(hint),  # type: ignore[arg-type]
        personal=by_kind[Personal].kind if Personal in by_kind else None,
    )


def compared_faults(columns: Sequence[Column]) -> list[str]:
    """What is wrong with the references of columns to one another; empty if nothing is."""
    by_name = {column.name: column for column in columns}
    faults = []
    for column in columns:
        for bound in (column.at_least, column.at_most):
            if not isinstance(bound, Field):
                continue
            other = by_name.get(bound.name)
            if other is None:
                faults.append(f"{column.name} is compared with {bound.name}, which is not declared")
            elif other.type != column.type and not (_is_number(other) and _is_number(column)):
                faults.append(f"{column.name} is compared with {bound.name}, which is of another type")
        for name, _ in column.required_when:
            if name not in by_name:
                faults.append(f"{column.name} is required by {name}, which is not declared")
        if column.required_when and not column.nullable:
            faults.append(f"{column.name} is required always; RequiredWhen is for columns that may be null")
    return faults


def _is_number(column: Column) -> bool:
    return bool(
        pa.types.is_integer(column.type) or pa.types.is_decimal(column.type) or pa.types.is_floating(column.type)
    )


def _without_none(name: str, hint: Any) -> tuple[Any, bool]:
    if get_origin(hint) not in (Union, types.UnionType):
        return hint, False
    options = [option for option in get_args(hint) if option is not type(None)]
    if len(options) != 1:
        raise TypeError(f"{name}: a column has one type, or one type and None, not {hint}")
    return options[0], len(options) < len(get_args(hint))


def _enumeration(name: str, values: tuple[Any, ...], nullable: bool, notes: tuple[Any, ...]) -> Column:
    if strange := [note for note in notes if not isinstance(note, RequiredWhen)]:
        raise TypeError(f"{name}: {strange[0]} says nothing that Literal does not")
    required_when = _conditions(notes)
    if all(isinstance(value, int) and not isinstance(value, bool) for value in values):
        return Column(name, pa.int64(), nullable, one_of=values, required_when=required_when)
    texts = tuple(str(value) for value in values)
    longest = max(ENUMERATION_BYTES, *(len(value.encode()) for value in texts))
    return Column(name, pa.string(), nullable, max_bytes=longest, one_of=texts, required_when=required_when)


def _conditions(notes: tuple[Any, ...]) -> tuple[tuple[str, tuple[object, ...]], ...]:
    return tuple(condition for note in notes if isinstance(note, RequiredWhen) for condition in note.conditions)


def _refuse_strange_notes(name: str, hint: Any, notes: tuple[Any, ...]) -> None:
    for note in notes:
        fits = (
            isinstance(note, RequiredWhen)
            or (isinstance(note, Personal) and note.kind in PERSONAL and hint in (str, dict, list))
            or (isinstance(note, _FOR_TEXT) and hint is str)
            or (isinstance(note, _FOR_ORDER) and hint not in (str, bool, dict, list))
            or (isinstance(note, Numeric) and hint is Decimal)
            or (isinstance(note, Bits) and hint is int)
        )
        if not fits:
            raise TypeError(f"{name}: {note!r} says nothing about a {getattr(hint, '__name__', hint)}")


def _refuse_strange_bound(name: str, bound: Any, hint: Any) -> None:
    if bound is None or isinstance(bound, Field):
        return
    accepted = (int, float, Decimal) if hint in (int, float, Decimal) else hint
    # a datetime is a date to Python
    if not isinstance(bound, accepted) or isinstance(bound, bool) or (hint is date and isinstance(bound, datetime)):
        raise TypeError(f"{name}: {bound!r} is no bound for a {hint.__name__}")
    if isinstance(bound, datetime) and bound.tzinfo is None:
        raise TypeError(f"{name}: the bound {bound} has no time zone")


def _compiled(name: str, pattern: Pattern | None) -> Pattern | None:
    if pattern:
        try:
            pc.match_substring_regex(pa.array([""]), whole(pattern.regex))
        except pa.ArrowInvalid as error:
            raise TypeError(f"{name}: {pattern.regex!r} is no pattern of RE2: {error}") from error
    return pattern


def whole(regex: str) -> str:
    """The pattern that matches whole texts only."""
    return rf"\A(?:{regex})\z"
