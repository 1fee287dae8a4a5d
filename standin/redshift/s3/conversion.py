"""Whole columns of text become typed Arrow columns; what can't be converted at once goes value by value.

Arrow's casts take a little more than Redshift does in some places and less in others: they are trusted where both
agree, and `values` decides everywhere else.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any, NamedTuple

from standin.redshift.s3 import values

if TYPE_CHECKING:
    import pyarrow as pa

    from standin.redshift.s3.columns import Column
    from standin.redshift.s3.commands import CopyOptions

_OFFSET = re.compile(r"(?:Z|[+-]\d\d(?::?\d\d)?)$")
_PLAIN_DATES = (None, "auto", "YYYY-MM-DD")
_PLAIN_TIMES = (None, "YYYY-MM-DD HH:MI:SS", "YYYY-MM-DD HH24:MI:SS")


class Bad(NamedTuple):
    """A value that its column does not take: the index of its row, and what to tell."""

    row: int
    code: int
    reason: str


def convert_text(fields: pa.Array, column: Column, options: CopyOptions) -> tuple[pa.Array, list[Bad]]:
    """Convert the fields of a flat file.

    Args:
        fields: binary values, NULLs among them for fields that are missing at the end of a line.
        column: where they go.
        options: of the COPY.

    Returns:
        The column, of type `column.arrow()`, NULL where a value is bad; and the bad ones in order.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    null = options.null_as if options.null_as is not None else r"\N"
    try:
        texts = fields.cast(pa.string())
    except pa.ArrowInvalid:
        return _one_by_one(fields.to_pylist(), column, options, "text", null)
    nulls = pc.equal(texts, null)
    if pc.any(nulls).as_py():
        texts = pc.if_else(nulls, pa.scalar(None, pa.string()), texts)
    done = _at_once(texts, column, options)
    if done is not None:
        return done, []
    return _one_by_one(texts.to_pylist(), column, options, "text", None)


def convert_objects(found: list[str | None], column: Column, options: CopyOptions) -> tuple[pa.Array, list[Bad]]:
    """Convert what stood in JSON or Avro under one name; as `convert_text`, of texts and NULLs."""
    import pyarrow as pa

    if options.null_as is not None and not column.is_super:
        found = [None if value == options.null_as else value for value in found]
    try:
        texts = pa.array(found, pa.string())
    except (pa.ArrowInvalid, UnicodeEncodeError):
        # half of a surrogate pair
        return _one_by_one(found, column, options, "object", None)
    if column.type != "bytea" and not (column.is_text and any(value and "\0" in value for value in found)):
        done = _at_once(texts, column, options)
        if done is not None:
            return done, []
    return _one_by_one(found, column, options, "object", None)


def convert_typed(found: pa.Array, column: Column, options: CopyOptions) -> pa.Array | None:
    """Convert what is read as text or as the column's own type; None if anything in it needs a closer look."""
    import pyarrow as pa

    if options.null_as is not None:
        return None
    if pa.types.is_string(found.type):
        return _at_once(found, column, options)
    return None if column.not_null and found.null_count else found


# what a Python value must be to be put into a column as it is
_NATIVE: dict[str, type] = {"int2": int, "int4": int, "int8": int, "float8": float, "bool": bool}


def convert_native(found: list[Any], column: Column, options: CopyOptions) -> pa.Array | None:
    """Convert Python values whose types are the column's own; None if anything in it needs a closer look."""
    import pyarrow as pa

    native = str if column.is_text else _NATIVE.get(column.type)
    if native is None or not {type(value) for value in found} <= {native, type(None)}:
        return None
    try:
        typed = pa.array(found, column.arrow())
    except (pa.ArrowInvalid, OverflowError, UnicodeEncodeError):
        return None
    if native is float and any(value is not None and not math.isfinite(value) for value in found):
        return None
    if native is str and any(value and "\0" in value for value in found):
        return None
    return convert_typed(typed, column, options)


def _at_once(texts: pa.Array, column: Column, options: CopyOptions) -> pa.Array | None:
    """The converted column; None if anything in it needs a closer look."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if column.is_text:
        return _characters(texts, column, options)
    if column.is_super or column.is_spatial or column.type in ("bytea", "timetz"):
        return None
    try:
        done = _cast(texts, column, options)
    except pa.ArrowInvalid:
        trimmed = pc.ascii_trim_whitespace(texts)
        trimmed = pc.if_else(pc.equal(trimmed, ""), pa.scalar(None, pa.string()), trimmed)
        try:
            done = _cast(trimmed, column, options)
        except pa.ArrowInvalid:
            return None
    if done is None or (column.not_null and done.null_count):
        return None
    return done


def _cast(texts: pa.Array, column: Column, options: CopyOptions) -> pa.Array | None:  # noqa: PLR0911 - a case a line
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = column.type
    target = column.arrow()
    if kind in ("int2", "int4", "int8"):
        # Arrow reads 0x1F, Redshift does not
        return None if _any_holds(texts, "x", "X") else texts.cast(target)
    if kind == "numeric":
        # Arrow overflows in silence where there is an exponent
        exact = column.precision[0] and not _any_holds(texts, "e", "E")
        return _decimals(texts, column, options) if exact else None
    if kind in ("float4", "float8"):
        numbers = texts.cast(target)
        return None if pc.any(pc.is_inf(numbers)).as_py() else numbers
    if kind == "bool":
        lower = pc.utf8_lower(texts)
        yes, no = (pc.is_in(lower, pa.array(sorted(words))) for words in (values._YES, values._NO))
        if not pc.all(pc.or_(pc.or_(yes, no), pc.is_null(texts))).as_py():
            return None
        return pc.if_else(pc.is_null(texts), pa.scalar(None, pa.bool_()), yes)
    if kind == "date":
        return texts.cast(target) if options.date_format in _PLAIN_DATES else None
    if kind == "time":
        return pc.binary_join_element_wise("1970-01-01 ", texts, "").cast(pa.timestamp("us")).cast(target)
    if kind in ("timestamp", "timestamptz"):
        if options.time_format not in (*_PLAIN_TIMES, "auto"):
            return None
        if options.time_format != "auto" and _any_holds(texts, "T"):
            return None
        if kind == "timestamp":
            return texts.cast(target)
        if _first_holds(texts, _OFFSET):
            return texts.cast(target)
        return texts.cast(pa.timestamp("us")).view(target)
    return texts


def _decimals(texts: pa.Array, column: Column, options: CopyOptions) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    target = column.arrow()
    try:
        return texts.cast(target)
    except pa.ArrowInvalid:
        if options.round_decimals:
            raise
        # COPY cuts what is beyond the scale
        scale = column.precision[1]
        pattern = rf"^([+-]?[0-9]*\.[0-9]{{{scale}}})[0-9]+$" if scale else r"^([+-]?[0-9]+)\.[0-9]*$"
        return pc.replace_substring_regex(texts, pattern, r"\1").cast(target)


def _characters(texts: pa.Array, column: Column, options: CopyOptions) -> pa.Array | None:
    import pyarrow as pa
    import pyarrow.compute as pc

    none = pa.scalar(None, pa.string())
    if options.blanks_as_null:
        texts = pc.if_else(pc.equal(pc.utf8_trim_whitespace(texts), ""), none, texts)
    elif options.empty_as_null:
        texts = pc.if_else(pc.equal(texts, ""), none, texts)
    if options.trim_blanks and column.type != "bpchar":
        texts = pc.ascii_rtrim(texts, " \t")
    if column.not_null and texts.null_count:
        return None
    if column.length is not None:
        lengths = pc.binary_length(texts)
        longest = pc.max(lengths).as_py()
        if longest is not None and longest > column.length:
            return None
        if column.type == "bpchar" and not pc.all(pc.equal(lengths, pc.utf8_length(texts))).as_py():
            return None
    return texts


def _one_by_one(
    found: list[Any], column: Column, options: CopyOptions, form: str, null: str | None
) -> tuple[pa.Array, list[Bad]]:
    import pyarrow as pa

    converted: list[Any] = []
    bad: list[Bad] = []
    for row, each in enumerate(found):
        try:
            value = _decoded(each, column, options)
            converted.append(values.convert(None if value == null else value, column, options, form=form))
        except values.BadValueError as error:
            bad.append(Bad(row, error.code, error.reason))
            converted.append(None)
    return pa.array(converted, column.arrow()), bad


def _decoded(value: bytes | str | None, column: Column, options: CopyOptions) -> str | None:
    """The text of a field; bytes that a JSON reader could not decode stand in it as halves of surrogate pairs."""
    if isinstance(value, str) and column.type != "bytea" and not _is_encodable(value):
        try:
            value = value.encode("utf-8", "surrogateescape")
        except UnicodeEncodeError:
            reason = "String contains invalid or unsupported UTF8 codepoints. Half of a surrogate pair"
            raise values.BadValueError(values.BAD_UTF8, reason) from None
    return values.decode(value, column, options) if isinstance(value, bytes) else value


def _is_encodable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _first_holds(texts: pa.Array, pattern: re.Pattern[str]) -> bool:
    """Whether the first value that is there holds the pattern; the others are likely to look alike."""
    return any(pattern.search(value) for value in texts.drop_null().slice(0, 1).to_pylist())


def _any_holds(texts: pa.Array, *pieces: str) -> bool:
    import pyarrow.compute as pc

    return any(pc.any(pc.match_substring(texts, piece)).as_py() for piece in pieces)
