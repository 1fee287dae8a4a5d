"""One value at a time: what COPY makes of a field, and with which words it refuses it.

This is the reference; `conversion` does the same for whole columns and comes here for what it can't do at once.
Codes: "Load error reference" of the SQL reference. Reasons: as stl_load_errors shows them.
"""

from __future__ import annotations

import decimal
import re
from typing import TYPE_CHECKING, Any

from standin.redshift.s3 import temporal
from standin.redshift.s3.jsontext import read_value, to_json

if TYPE_CHECKING:
    from standin.redshift.s3.columns import Column
    from standin.redshift.s3.commands import CopyOptions

DELIMITER_MISSING = 1201
EXTRA_COLUMNS = 1202
OUT_OF_RANGE = 1204
BAD_DATE = 1205
BAD_TIMESTAMP = 1206
BAD_DIGIT = 1207
BAD_BOOLEAN = 1210
MISSING_VALUE = 1213
BAD_QUOTE = 1214
BAD_LINE = 1216
BAD_NUL = 1218
BAD_UTF8 = 1220
BAD_ENCODING = 1221
OVERFLOW = 1222
BAD_JSON = 1224

_YES = frozenset(("1", "t", "true", "y", "yes"))
_NO = frozenset(("0", "f", "false", "n", "no"))
_INTEGERS = {"int2": ("Short", 15), "int4": ("Integer", 31), "int8": ("Long", 63)}
_CONTEXT = decimal.Context(prec=120)
_HEXADECIMAL = re.compile(r"(?:[0-9A-Fa-f]{2})+")


class BadValueError(Exception):
    """A value that the column does not take.

    Attributes:
        code: number of the load error.
        reason: its text.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


def convert(value: str | None, column: Column, options: CopyOptions, *, form: str = "text") -> Any:
    """The value that the column gets, as Python has it; text where Postgres must read it itself.

    Args:
        value: the field, NULL already told from it.
        column: where it goes.
        options: of the COPY.
        form: "text" for fields of flat files; "object" for JSON and Avro, whose strings are no hexadecimal VARBYTE.

    Raises:
        BadValueError: the column does not take it.
    """
    if value is not None and column.is_text:
        value = _characters(value, column, options)
    elif value is not None and not column.is_super:
        stripped = value.strip(" \t\r\n")
        value = stripped or None
        if stripped:
            return _converters(column.type, form)(stripped, column, options)
    elif value is not None:
        return _json(value, column, options) if value.strip() else _missing(column)
    return _missing(column) if value is None else value


def _missing(column: Column) -> None:
    if column.not_null:
        raise BadValueError(MISSING_VALUE, "Missing data for not-null field")


def decode(value: bytes, column: Column, options: CopyOptions) -> str:
    """The text of a field; what is no UTF-8 is replaced, byte by byte, or refused.

    Raises:
        BadValueError: with the first bad sequence in hexadecimal.
    """
    try:
        return value.decode()
    except UnicodeDecodeError as error:
        if options.accept_invalid_chars is None or not column.is_text:
            sequence = value[error.start : max(error.end, error.start + 1)]
            raise BadValueError(
                BAD_UTF8,
                "String contains invalid or unsupported UTF8 codepoints. "
                f"Bad UTF8 hex sequence: {sequence.hex(' ')} (error {_utf8_fault(value, error)})",
            ) from None
    pieces, at = [], 0
    while at < len(value):
        try:
            pieces.append(value[at:].decode())
            break
        except UnicodeDecodeError as error:
            pieces.append(value[at : at + error.start].decode())
            pieces.append(options.accept_invalid_chars * (error.end - error.start))
            at += error.end
    return "".join(pieces)


def _utf8_fault(value: bytes, error: UnicodeDecodeError) -> int:
    """The number of the fault in the SQL reference's table of multibyte character load errors."""
    if error.reason == "unexpected end of data":
        return 2
    if error.reason != "invalid start byte":
        return 4
    first = value[error.start]
    return 1 if 0xF5 <= first <= 0xFD else 3


def _characters(value: str, column: Column, options: CopyOptions) -> str | None:
    if (value == "" and options.empty_as_null) or (options.blanks_as_null and not value.strip()):
        return None
    if options.trim_blanks and column.type != "bpchar":
        value = value.rstrip(" \t")
    if "\0" in value:
        raise BadValueError(BAD_NUL, "Field contains a null terminator (NUL, UTF-8 0000)")
    encoded = value.encode("utf-8", "surrogatepass")
    if column.type == "bpchar" and len(encoded) != len(value):
        first = next(letter for letter in value if ord(letter) > 0x7F)
        raise BadValueError(
            BAD_UTF8,
            "Multibyte character not supported for CHAR (Hint: try using VARCHAR). "
            f"Invalid char: {first.encode('utf-8', 'surrogatepass').hex(' ')}",
        )
    length = column.length
    if length is not None and len(encoded) > length:
        if not options.truncate_columns:
            raise BadValueError(OUT_OF_RANGE, "String length exceeds DDL length")
        value = encoded[:length].decode("utf-8", "ignore")
    return value


def _integer(value: str, column: Column, options: CopyOptions) -> int:
    name, bits = _INTEGERS[column.type]
    digits = value[1:] if value[0] in "+-" else value
    if not digits.isdigit() or not digits.isascii():
        at = next(
            (
                i
                for i, letter in enumerate(value)
                if not (letter.isascii() and letter.isdigit()) and (i or letter not in "+-")
            ),
            len(value),
        )
        found = value[at] if at < len(value) else ""
        raise BadValueError(BAD_DIGIT, f"Invalid digit, Value '{found}', Pos {at}, Type: {name}")
    number = int(value) if len(value) < 40 else 1 << 64
    if not -(1 << bits) <= number < 1 << bits:
        raise BadValueError(OVERFLOW, f"Overflow, Column type: {name}")
    return number


def _number(value: str, column: Column, options: CopyOptions) -> decimal.Decimal | str:
    try:
        number = _CONTEXT.create_decimal(value.replace("_", "x"))
    except decimal.InvalidOperation:
        number = decimal.Decimal("nan")
    if not number.is_finite():
        at = next((i for i, letter in enumerate(value) if letter not in "0123456789.+-"), 0)
        raise BadValueError(BAD_DIGIT, f"Invalid digit, Value '{value[at]}', Pos {at}, Type: Decimal")
    precision, scale = column.precision
    if not precision:
        return value
    rounding = decimal.ROUND_HALF_UP if options.round_decimals else decimal.ROUND_DOWN
    try:
        number = number.quantize(decimal.Decimal(1).scaleb(-scale), rounding=rounding, context=_CONTEXT)
    except decimal.InvalidOperation:
        number = decimal.Decimal(10).scaleb(200)
    if number and number.adjusted() >= precision - scale:
        raise BadValueError(OUT_OF_RANGE, f"Overflow for NUMERIC({precision},{scale})")
    return number


def _float(value: str, column: Column, options: CopyOptions) -> float:
    name = "Float" if column.type == "float4" else "Double"
    try:
        number = float(value.replace("_", "x"))
    except ValueError:
        at = next((i for i, letter in enumerate(value) if letter not in "0123456789.+-eE"), 0)
        raise BadValueError(BAD_DIGIT, f"Invalid digit, Value '{value[at]}', Pos {at}, Type: {name}") from None
    largest = 3.4028235677973366e38 if column.type == "float4" else float("inf")
    if abs(number) >= largest and "inf" not in value.lower():
        raise BadValueError(OUT_OF_RANGE, f"Overflow, Column type: {name}")
    return number


def _boolean(value: str, column: Column, options: CopyOptions) -> bool:
    lower = value.lower()
    if lower in _YES:
        return True
    if lower in _NO:
        return False
    raise BadValueError(BAD_BOOLEAN, "Unknown boolean format")


def _date(value: str, column: Column, options: CopyOptions) -> Any:
    try:
        return temporal.parse_date(value, options.date_format)
    except (ValueError, OverflowError):
        if options.accept_any_date:
            return _missing(column)
        if options.date_format is None and len(value) < 10:
            raise BadValueError(BAD_DATE, "Invalid Date Format - length must be 10 or more") from None
        raise BadValueError(BAD_DATE, f"Invalid date format or value [{options.date_format or 'YYYY-MM-DD'}]") from None


def _timestamp(value: str, column: Column, options: CopyOptions) -> Any:
    try:
        moment = temporal.parse_moment(value, options.time_format)
        return moment.utc() if column.type == "timestamptz" else moment.local
    except (ValueError, OverflowError):
        if options.accept_any_date:
            return _missing(column)
        default = "YYYY-MM-DD HH24:MI:SS" + ("OF" if column.type == "timestamptz" else "")
        raise BadValueError(
            BAD_TIMESTAMP, f"Invalid timestamp format or value [{options.time_format or default}]"
        ) from None


def _time(value: str, column: Column, options: CopyOptions) -> Any:
    try:
        moment = temporal.parse_time(value)
    except ValueError:
        raise BadValueError(BAD_TIMESTAMP, "Invalid time format or value [HH24:MI:SS]") from None
    if column.type == "time":
        return moment.local.time()
    sign, minutes = ("-" if (moment.offset or 0) < 0 else "+"), abs(moment.offset or 0)
    return f"{moment.local.time().isoformat()}{sign}{minutes // 60:02}:{minutes % 60:02}"


def _hexadecimal(value: str, column: Column, options: CopyOptions) -> bytes:
    try:
        return bytes.fromhex(value)
    except ValueError:
        raise BadValueError(BAD_LINE, "Invalid hexadecimal digit in VARBYTE value") from None


def _shape(value: str, column: Column, options: CopyOptions) -> str:
    # EWKB in hexadecimal; of EWKT, Postgres tells what is wrong
    if value.startswith("0") and not _HEXADECIMAL.fullmatch(value):
        raise BadValueError(BAD_LINE, "Compass I/O exception: Invalid hexadecimal character(s) found")
    return value


def _bytes(value: str, column: Column, options: CopyOptions) -> bytes:
    return value.encode("utf-8", "surrogateescape")


def _json(value: str, column: Column, options: CopyOptions) -> str:
    try:
        return to_json(read_value(value))
    except (ValueError, RecursionError):
        raise BadValueError(BAD_JSON, "Invalid JSON value for SUPER column") from None


def _text(value: str, column: Column, options: CopyOptions) -> str:
    return value


_CONVERTERS = {
    "int2": _integer, "int4": _integer, "int8": _integer, "numeric": _number, "float4": _float, "float8": _float,
    "bool": _boolean, "date": _date, "timestamp": _timestamp, "timestamptz": _timestamp, "time": _time,
    "timetz": _time, "geometry": _shape, "geography": _shape,
}  # fmt: skip


def _converters(kind: str, form: str) -> Any:
    if kind == "bytea":
        return _hexadecimal if form == "text" else _bytes
    return _CONVERTERS.get(kind, _text)
