"""What a good row is, declared once as a Python class and checked on whole Arrow columns.

A contract is written the way the data reads::

    class Payment(Row):
        '''Money received for a bill.'''

        payment_id: Annotated[str, MaxBytes(20)]
        payment_date: date
        amount: Annotated[Decimal, Numeric(18, 4)]
        method: Literal["e_invoice", "card"]
        reference: Annotated[str, MaxBytes(50)] | None

`X | None` may be null, and may be missing from a delivery altogether; everything else is required. `Literal` is an
enumeration. Text lengths are bytes of UTF-8, because that is what Redshift's `varchar(n)` counts.
"""

from __future__ import annotations

import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import orjson
import pyarrow as pa
import pyarrow.compute as pc

if TYPE_CHECKING:
    from dlt.common.data_types import TDataType
    from dlt.common.schema.typing import TColumnSchema

MAX_PAYLOAD_BYTES = 65_000
"""What a quarantined row may carry: Redshift's longest varchar is 65,535 bytes."""

LONGEST_QUOTE = 80
"""How much of an offending value a reason quotes."""


class Row:
    """Base of every declared row; its annotations are the contract, its docstring the table's description."""


@dataclass(frozen=True)
class MaxBytes:
    """Longest text, in bytes of UTF-8."""

    limit: int


@dataclass(frozen=True)
class Numeric:
    """Decimal digits in all, and after the point."""

    precision: int
    scale: int


@dataclass(frozen=True)
class AtLeast:
    """Smallest allowed number."""

    minimum: int


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


@dataclass(frozen=True)
class Column:
    """One column of a contract."""

    name: str
    type: pa.DataType
    nullable: bool
    max_bytes: int | None = None
    one_of: tuple[str, ...] = ()
    at_least: int | None = None

    def dlt_hints(self) -> TColumnSchema:
        """The column as dlt's schema has it, so that the destination's DDL carries length, scale and nullability."""
        hints: TColumnSchema = {"name": self.name, "nullable": self.nullable}
        if pa.types.is_decimal(self.type):
            hints |= {"data_type": "decimal", "precision": self.type.precision, "scale": self.type.scale}
        elif pa.types.is_string(self.type):
            hints["data_type"] = "text"
            if self.max_bytes:
                hints["precision"] = self.max_bytes
        else:
            hints["data_type"] = _DLT_TYPES[self.type]
        return hints


_TIMESTAMP = pa.timestamp("us", "UTC")
_DLT_TYPES: dict[pa.DataType, TDataType] = {
    pa.int64(): "bigint",
    pa.float64(): "double",
    pa.bool_(): "bool",
    pa.date32(): "date",
    _TIMESTAMP: "timestamp",
}
_ARROW_TYPES = {
    str: pa.string(),
    int: pa.int64(),
    float: pa.float64(),
    bool: pa.bool_(),
    date: pa.date32(),
    datetime: _TIMESTAMP,
}


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
    """The rows that broke a rule, in order of the rules."""

    reasons: dict[int, list[tuple[str, str]]] = field(default_factory=dict)

    def add(self, mask: pa.Array, column: Column, rule: str, text: str, values: pa.Array | None = None) -> None:
        for index in pc.indices_nonzero(pc.fill_null(mask, False)).to_pylist():
            quoted = f" {_quote(values[index].as_py())}" if values is not None else ""
            self.reasons.setdefault(index, []).append((f"{column.name}:{rule}", f"{column.name}{quoted} {text}"))


@dataclass(frozen=True)
class Contract:
    """The columns of one raw table, in order."""

    columns: tuple[Column, ...]

    @classmethod
    def of(cls, row: type[Row]) -> Contract:
        """The contract that a `Row` class declares.

        Raises:
            TypeError: an annotation is none of the kinds that this module's docstring lists.
        """
        hints = get_type_hints(row, include_extras=True)
        return cls(tuple(_column(name, hint) for name, hint in hints.items()))

    def including(self, row: type[Row]) -> Contract:
        """This contract with another row's columns after its own."""
        return Contract((*self.columns, *Contract.of(row).columns))

    def schema(self) -> pa.Schema:
        """Arrow schema of accepted rows."""
        return pa.schema([pa.field(c.name, c.type, nullable=c.nullable) for c in self.columns])

    def dlt_columns(self) -> list[TColumnSchema]:
        """Column hints for dlt."""
        return [column.dlt_hints() for column in self.columns]

    def check(self, table: pa.Table, rows: pa.Array, notation: Notation = ISO) -> Checked:
        """Splits a batch into rows that keep the contract and rows that do not.

        Args:
            table: the batch; columns are text, or already of the contract's type.
            rows: int64, the position of each row in its delivery, counted from 1.
            notation: how text columns write numbers and dates.
        """
        faults = _Faults()
        arrays: list[pa.Array] = []
        for column in self.columns:
            if column.name in table.column_names:
                came = _one_chunk(table.column(column.name))
            else:
                came = pa.nulls(len(table), pa.string())
            arrays.append(_checked_column(column, came, notation, faults))
        names = [column.name for column in self.columns]
        new = tuple(name for name in table.column_names if name not in set(names))
        for name in new:
            text = _as_text(_one_chunk(table.column(name)))
            _refuse_nul(Column(name, pa.string(), nullable=True), text, faults)
            arrays.append(text)
        bad = pa.array(sorted(faults.reasons), pa.int64())
        keep = pc.invert(pc.is_in(pa.array(range(len(table)), pa.int64()), value_set=bad))
        accepted = pa.table(dict(zip([*names, *new], arrays, strict=True))).filter(keep)
        fields = [*self.schema(), *(pa.field(name, pa.string()) for name in new)]
        return Checked(
            accepted=accepted.cast(pa.schema(fields)),
            rows=rows.filter(keep),
            rejected=_rejections(faults, table, rows, bad),
            new_columns=new,
        )


def _column(name: str, hint: Any) -> Column:
    nullable = False
    if get_origin(hint) in (Union, types.UnionType):
        options = [option for option in get_args(hint) if option is not type(None)]
        nullable = len(options) < len(get_args(hint))
        if len(options) != 1:
            raise TypeError(f"{name}: a column has one type, or one type and None, not {hint}")
        hint = options[0]
    notes: tuple[Any, ...] = ()
    if get_origin(hint) is Annotated:
        hint, *rest = get_args(hint)
        notes = tuple(rest)
    if get_origin(hint) is Literal:
        values = tuple(str(value) for value in get_args(hint))
        longest = max(len(value.encode()) for value in values)
        return Column(name, pa.string(), nullable, max_bytes=longest, one_of=values)
    numeric = next((note for note in notes if isinstance(note, Numeric)), None)
    if hint is Decimal and numeric:
        arrow_type = pa.decimal128(numeric.precision, numeric.scale)
    elif hint in _ARROW_TYPES:
        arrow_type = _ARROW_TYPES[hint]
    else:
        raise TypeError(f"{name}: {hint} is no type that a contract knows; decimals need Numeric(precision, scale)")
    return Column(
        name,
        arrow_type,
        nullable,
        max_bytes=next((note.limit for note in notes if isinstance(note, MaxBytes)), None),
        at_least=next((note.minimum for note in notes if isinstance(note, AtLeast)), None),
    )


def _checked_column(column: Column, came: pa.Array, notation: Notation, faults: _Faults) -> pa.Array:
    if not _is_typed(came, column):
        came = _as_text(came)
        if notation.blank_is_null:
            came = pc.if_else(pc.equal(pc.utf8_trim_whitespace(came), ""), None, came)
    if came.type == column.type:
        typed = came
    else:
        typed = _parse(came, column.type, notation) if pa.types.is_string(came.type) else _cast_each(came, column.type)
        unreadable = pc.and_(pc.is_valid(came), pc.is_null(typed))
        faults.add(unreadable, column, "type", f"is not {_type_name(column.type)}", came)
    if not column.nullable:
        faults.add(pc.is_null(came), column, "required", "is missing")
    if pa.types.is_string(column.type):
        _refuse_nul(column, typed, faults)
    if column.one_of:
        strange = pc.invert(pc.is_in(typed, value_set=pa.array(column.one_of)))
        allowed = f"is not one of {', '.join(column.one_of)}"
        faults.add(pc.and_(pc.is_valid(typed), strange), column, "one_of", allowed, typed)
    elif column.max_bytes is not None:
        too_long = pc.greater(pc.binary_length(typed), column.max_bytes)
        faults.add(too_long, column, "length", f"is longer than {column.max_bytes} bytes", typed)
    if column.at_least is not None:
        faults.add(pc.less(typed, column.at_least), column, "range", f"is less than {column.at_least}", typed)
    return typed


def _refuse_nul(column: Column, text: pa.Array, faults: _Faults) -> None:
    """Neither Postgres nor Redshift holds a NUL in text; one would fail the whole load."""
    faults.add(pc.match_substring(text, "\x00"), column, "nul", "contains a NUL byte")


def _is_typed(came: pa.Array, column: Column) -> bool:
    """Whether values are taken as they are typed; everything else is read from its text, with the same strictness."""
    declared = column.type
    if pa.types.is_timestamp(declared):
        # a time without a zone would silently become UTC
        return bool(pa.types.is_timestamp(came.type) and came.type.tz is not None)
    if pa.types.is_floating(declared):
        return bool(pa.types.is_floating(came.type) or pa.types.is_integer(came.type))
    if pa.types.is_decimal(declared):
        return bool(pa.types.is_decimal(came.type) or pa.types.is_integer(came.type))
    if pa.types.is_integer(declared):
        return bool(pa.types.is_integer(came.type))
    return bool(came.type == declared)


_INTEGER = r"^[+-]?[0-9]{1,18}$"
_DOUBLE = r"^[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?$"
_ISO_DATE = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
# a time without a zone is refused: guessing one would shift it silently
_ISO_TIMESTAMP = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:?[0-9]{2})$"


def _parse(text: pa.Array, target: pa.DataType, notation: Notation) -> pa.Array:
    """Text as values of `target`; null where it cannot be read without loss."""
    if pa.types.is_boolean(target):
        lower = pc.utf8_lower(text)
        return pc.if_else(pc.equal(lower, "true"), True, pc.if_else(pc.equal(lower, "false"), False, None))
    if pa.types.is_decimal(target):
        if notation.decimal_mark != ".":
            # a point is no decimal mark here, and must not be taken for one
            text = _only(text, rf"^[^.]*$")  # noqa: F541
            text = pc.replace_substring(text, notation.decimal_mark, ".", max_replacements=1)
        whole = target.precision - target.scale
        return _cast_each(_only(text, rf"^[+-]?[0-9]{{1,{whole}}}(\.[0-9]{{1,{target.scale}}})?$"), target)
    if pa.types.is_date(target):
        if notation.day_first:
            text = _only(text, r"^[0-9]{2}\.[0-9]{2}\.[0-9]{4}$")
            text = pc.replace_substring_regex(text, r"^(\d{2})\.(\d{2})\.(\d{4})$", r"\3-\2-\1")
        return _cast_each(_only(text, _ISO_DATE), target)
    if pa.types.is_timestamp(target):
        return _cast_each(_only(text, _ISO_TIMESTAMP), target)
    return _cast_each(_only(text, _INTEGER if pa.types.is_integer(target) else _DOUBLE), target)


def _only(text: pa.Array, pattern: str) -> pa.Array:
    return pc.if_else(pc.match_substring_regex(text, pattern), text, pa.scalar(None, pa.string()))


def _cast_each(values: pa.Array, target: pa.DataType) -> pa.Array:
    """Casts values to `target`, null where one does not cast without loss.

    Arrow casts a column whole or not at all. Halving the column around a failure finds the few bad values (30 February)
    in a few casts each, and costs nothing when there are none.
    """
    try:
        return values.cast(target)
    except pa.ArrowInvalid:
        if len(values) == 1:
            return pa.nulls(1, target)
        middle = len(values) // 2
        halves = [_cast_each(values.slice(0, middle), target), _cast_each(values.slice(middle), target)]
        return pa.concat_arrays(halves)


def _as_text(array: pa.Array) -> pa.Array:
    if pa.types.is_string(array.type):
        return array
    if pa.types.is_nested(array.type):
        return pa.array([None if v is None else to_json(v) for v in array.to_pylist()], pa.string())
    return array.cast(pa.string())


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    combined = column.combine_chunks()
    return combined if isinstance(combined, pa.Array) else pa.concat_arrays(combined.chunks)


_TYPE_NAMES = {
    pa.int64(): "a whole number",
    pa.float64(): "a number",
    pa.bool_(): "true or false",
    pa.date32(): "a date",
    pa.string(): "text",
}


def _type_name(target: pa.DataType) -> str:
    if pa.types.is_decimal(target):
        digits = f"{target.precision - target.scale} digits before and {target.scale} after the point"
        return f"a decimal number of at most {digits}"
    if pa.types.is_timestamp(target):
        return "a time with a zone"
    return _TYPE_NAMES[target]


def _quote(value: object) -> str:
    text = str(value)
    return repr(text if len(text) <= LONGEST_QUOTE else text[:LONGEST_QUOTE] + "…")


def _rejections(faults: _Faults, table: pa.Table, rows: pa.Array, bad: pa.Array) -> list[Rejection]:
    payloads: Sequence[Mapping[str, Any]] = table.take(bad).to_pylist()
    rejections = []
    for index, payload in zip(bad.to_pylist(), payloads, strict=True):
        broken = faults.reasons[index]
        reason = "; ".join(text for _, text in broken)
        rejections.append(Rejection(rows[index].as_py(), broken[0][0], reason, to_json(payload)))
    return rejections


def to_json(value: object) -> str:
    """JSON text that every destination can hold, as `storable` makes it."""
    return storable(orjson.dumps(value, default=str).decode().replace("\\u0000", "\\ufffd"))


def storable(text: str) -> str:
    """Text that every destination can hold: NULs replaced, cut to `MAX_PAYLOAD_BYTES` of UTF-8."""
    encoded = text.replace("\x00", "\ufffd").encode(errors="replace")
    return encoded[:MAX_PAYLOAD_BYTES].decode(errors="ignore")
