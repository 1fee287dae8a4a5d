"""The types of columns: what Redshift takes in a table's definition, and what Postgres is told instead.

Source: the SQL reference, "Data types" and "Unsupported PostgreSQL data types". `typenames` does the types of casts,
where a length that is not written is not assumed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from standin.redshift.dialect.statement import FEATURE_NOT_SUPPORTED, SYNTAX_ERROR

if TYPE_CHECKING:
    from standin.redshift.dialect.rewrite import Draft

MOST_VARCHAR = 65_535
MOST_CHAR = 4_096
MOST_VARBYTE = 16_777_216
MOST_DIGITS = 38
INVALID_PARAMETER = "22023"

# without a length
_SIMPLE = {
    "smallint": "smallint",
    "int2": "smallint",
    "integer": "integer",
    "int": "integer",
    "int4": "integer",
    "bigint": "bigint",
    "int8": "bigint",
    "real": "real",
    "float4": "real",
    "float8": "double precision",
    "boolean": "boolean",
    "bool": "boolean",
    "date": "date",
    "timestamptz": "timestamptz",
    "timetz": "timetz",
    "datetime": "timestamp",
    "intervaly2m": "interval year to month",
    "intervald2s": "interval day to second",
    "super": "super",
    "geometry": "geometry",
    "geography": "geography",
    "hllsketch": "hllsketch",
    "text": "varchar(256)",
    "bpchar": "char(256)",
}
_LENGTHS = {
    "varchar": ("varchar", 256, MOST_VARCHAR),
    "nvarchar": ("varchar", 256, MOST_VARCHAR),
    "char": ("char", 1, MOST_CHAR),
    "character": ("char", 1, MOST_CHAR),
    "nchar": ("char", 1, MOST_CHAR),
}
_BYTES = frozenset({"varbyte", "varbinary", "binary"})
_DEFAULT_VARBYTE = 64_000
_NUMERIC = frozenset({"numeric", "decimal", "dec"})
_REFUSED = frozenset(
    [
        "bigserial",
        "serial",
        "smallserial",
        "serial2",
        "serial4",
        "serial8",
        "money",
        "uuid",
        "xml",
        "inet",
        "cidr",
        "macaddr",
        "macaddr8",
        "oid",
        "xid",
        "cid",
        "tid",
        "regproc",
        "regprocedure",
        "regoper",
        "regoperator",
        "regclass",
        "regtype",
        "regrole",
        "regnamespace",
        "regconfig",
        "regdictionary",
        "regcollation",
        "anyelement",
        "anyarray",
        "anynonarray",
        "anyenum",
        "anyrange",
        "anycompatible",
        "cstring",
        "internal",
        "language_handler",
        "fdw_handler",
        "tsm_handler",
        "record",
        "trigger",
        "event_trigger",
        "pg_ddl_command",
        "void",
        "unknown",
        "int4range",
        "int8range",
        "numrange",
        "tsrange",
        "tstzrange",
        "daterange",
        "int4multirange",
        "int8multirange",
        "nummultirange",
        "tsvector",
        "tsquery",
        "txid_snapshot",
        "json",
        "jsonb",
        "bit",
        "box",
        "circle",
        "line",
        "lseg",
        "path",
        "point",
        "polygon",
        "pg_lsn",
        "bytea",
        "hstore",
        "opaque",
        "name",
        "index_am_handler",
        "table_am_handler",
        "pg_snapshot",
        "refcursor",
    ]
)


@dataclass(frozen=True)
class ColumnType:
    """A column's type.

    Attributes:
        sql: what Postgres is told.
        family: the name without length, as Postgres spells it ("varchar", "numeric", "super").
        bytes: the length of a VARBYTE column, which Postgres cannot hold.
    """

    sql: str
    family: str
    bytes: int | None = None


def read(draft: Draft, at: int, column: str) -> tuple[ColumnType, int]:
    """The type that begins here and the place after it; `column` is "table.column", for the error.

    Raises `DialectError` for what Redshift does not take.
    """
    word = draft.word(at)
    found, end = _read(draft, at, word)
    if draft.mark(end) == "[" or draft.word(end) == "array":
        written = draft.text(at, draft.close(end) + 1 if draft.mark(end) == "[" else end + 1)
        _refuse(draft, at, column, written)
    if found is None:
        _refuse(draft, at, column, draft.text(at, end))
    return found, end


def _read(draft: Draft, at: int, word: str) -> tuple[ColumnType | None, int]:  # noqa: PLR0911 - a case each
    end = at + 1
    if not word and draft.kind_at(at) == "quoted":
        # "char" is a special character type of one byte, and any other name is a type of the user's
        return (None if draft.identifier(at) in _REFUSED or draft.identifier(at) == "char" else _named(draft, at)), end
    if word in _REFUSED:
        return None, draft.close(end) + 1 if draft.mark(end) == "(" else end
    if word in _LENGTHS or word == "national":
        return _characters(draft, at)
    if word in _BYTES:
        return _binary(draft, at, end)
    if word in _NUMERIC:
        return _numeric(draft, end)
    if word == "float":
        return _float(draft, end)
    if word == "double" and draft.word(end) == "precision":
        return ColumnType("double precision", "double precision"), end + 1
    if word in ("time", "timestamp"):
        return _time(draft, at, word)
    if word == "interval":
        return _interval(draft, at)
    if word in _SIMPLE:
        sql = _SIMPLE[word]
        family = "interval" if sql.startswith("interval") else sql.split("(")[0]
        return ColumnType(sql, family), end
    if not word:
        draft.syntax_error(at)
    return _named(draft, at), draft.name(at)[1]


def _named(draft: Draft, at: int) -> ColumnType:
    """A type that we do not know: Postgres says that it does not exist."""
    parts, end = draft.name(at)
    return ColumnType(draft.text(at, end), parts[-1])


def _characters(draft: Draft, at: int) -> tuple[ColumnType, int]:
    if draft.word(at) == "national":
        at += 1
    word = draft.word(at)
    end = at + 1
    if draft.word(end) == "varying" and word in ("character", "char", "nchar"):
        word = "varchar"
        end += 1
    if word not in _LENGTHS:
        draft.syntax_error(at)
    name, length, most = _LENGTHS[word]
    if draft.mark(end) == "(":
        close = draft.close(end)
        length = most if draft.word(end + 1) == "max" and close == end + 2 else _number(draft, end + 1, close)
        end = close + 1
    if length < 1:
        draft.error(f"length for type {name} must be at least 1", at, INVALID_PARAMETER)
    if length > most:
        draft.error(f"length for type {name} cannot exceed {most}", at, INVALID_PARAMETER)
    return ColumnType(f"{name}({length})", name), end


def _binary(draft: Draft, at: int, end: int) -> tuple[ColumnType, int]:
    if draft.word(end) == "varying":
        end += 1
    elif draft.word(at) == "binary":
        return ColumnType("binary", "binary"), end
    length = _DEFAULT_VARBYTE
    if draft.mark(end) == "(":
        close = draft.close(end)
        length = MOST_VARBYTE if draft.word(end + 1) == "max" else _number(draft, end + 1, close)
        if not 0 < length <= MOST_VARBYTE:
            draft.error(f"length for type varbyte must be between 1 and {MOST_VARBYTE}", at, INVALID_PARAMETER)
        end = close + 1
    return ColumnType("varbyte", "varbyte", length), end


def _numeric(draft: Draft, end: int) -> tuple[ColumnType, int]:
    digits, scale = 18, 0
    if draft.mark(end) == "(":
        close = draft.close(end)
        parts = draft.split(end + 1, close)
        if len(parts) > 2:
            draft.error("invalid NUMERIC type modifier", end, INVALID_PARAMETER)
        digits = _number(draft, *parts[0])
        scale = _number(draft, *parts[1]) if len(parts) == 2 else 0
        if not 1 <= digits <= MOST_DIGITS:
            draft.error(
                f"NUMERIC precision {digits} must be between 1 and {MOST_DIGITS}", parts[0][0], INVALID_PARAMETER
            )
        if not 0 <= scale <= digits:
            draft.error(
                f"NUMERIC scale {scale} must be between 0 and precision {digits}", parts[-1][0], INVALID_PARAMETER
            )
        end = close + 1
    return ColumnType(f"numeric({digits},{scale})", "numeric"), end


def _float(draft: Draft, end: int) -> tuple[ColumnType, int]:
    if draft.mark(end) == "(":
        close = draft.close(end)
        bits = _number(draft, end + 1, close)
        if not 1 <= bits <= 53:
            draft.error("precision for type float must be between 1 and 53 bits", end + 1, INVALID_PARAMETER)
        name = "real" if bits <= 24 else "double precision"
        return ColumnType(name, name), close + 1
    return ColumnType("double precision", "double precision"), end


def _time(draft: Draft, at: int, word: str) -> tuple[ColumnType, int]:
    end = draft.close(at + 1) + 1 if draft.mark(at + 1) == "(" else at + 1
    zoned = False
    if draft.word(end) in ("with", "without") and draft.at(end + 1, "time", "zone"):
        zoned = draft.word(end) == "with"
        end += 3
    name = word + ("tz" if zoned else "")
    return ColumnType(name, name), end


def _interval(draft: Draft, at: int) -> tuple[ColumnType | None, int]:
    end = at + 1
    fields = ("year", "month", "day", "hour", "minute", "second")
    if draft.word(end) not in fields:
        return None, end
    while draft.word(end) in (*fields, "to") or draft.mark(end) == "(":
        end = draft.close(end) + 1 if draft.mark(end) == "(" else end + 1
    return ColumnType(draft.text(at, end), "interval"), end


def _number(draft: Draft, lo: int, hi: int) -> int:
    negative = draft.mark(lo) == "-"
    if hi - lo != 1 + negative or not draft.tokens[hi - 1].text.isdecimal():
        draft.syntax_error(lo)
    number = int(draft.tokens[hi - 1].text)
    return -number if negative else number


def _refuse(draft: Draft, at: int, column: str, written: str) -> NoReturn:
    draft.error(f'Column "{column}" has unsupported type "{written.lower()}".', at, FEATURE_NOT_SUPPORTED)


# encodings: SQL reference, "Compression encodings", the table of supported data types

_INTEGERS = frozenset({"smallint", "integer", "bigint"})
_TIMES = frozenset({"date", "timestamp", "timestamptz", "time", "timetz"})
_ANY = frozenset(
    _INTEGERS
    | _TIMES
    | {"numeric", "real", "double precision", "boolean", "char", "varchar", "super", "varbyte", "interval"}
)
_SPATIAL = {"geometry", "geography"}
_ENCODINGS = {
    "auto": _ANY | _SPATIAL | {"hllsketch"},
    "raw": _ANY | _SPATIAL | {"hllsketch"},
    "az64": _INTEGERS | _TIMES | {"numeric", "interval"},
    "bytedict": _INTEGERS
    | {"numeric", "real", "double precision", "char", "varchar", "date", "timestamp", "timestamptz"},
    "delta": _INTEGERS | {"numeric", "date", "timestamp"},
    "delta32k": frozenset({"integer", "bigint", "numeric", "date", "timestamp"}),
    "lzo": _INTEGERS | _TIMES | {"numeric", "char", "varchar", "super", "varbyte", "interval"},
    "mostly8": _INTEGERS | {"numeric"},
    "mostly16": frozenset({"integer", "bigint", "numeric"}),
    "mostly32": frozenset({"bigint", "numeric"}),
    "runlength": _ANY - {"super", "varbyte"},
    "text255": frozenset({"varchar"}),
    "text32k": frozenset({"varchar"}),
    "zstd": _ANY,
}
_ALIASES = {"none": "raw"}


def encoding(draft: Draft, at: int, column: str, family: str | None) -> str:
    """The encoding named here; raises `DialectError` if it is none, or none for this family of types."""
    name = draft.word(at) or (draft.identifier(at) if draft.is_name(at) else "")
    name = _ALIASES.get(name, name)
    known = _ENCODINGS.get(name)
    if known is None:
        draft.syntax_error(at)
    if family is not None and family not in known:
        draft.error(f'invalid encoding type specified for column "{column}"', at, SYNTAX_ERROR)
    return name
