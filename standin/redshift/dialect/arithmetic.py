"""Numbers as Redshift types them: what operators, functions and conditional expressions make of DECIMAL.

Pure rules; `expressions` reads what they are applied to. None is a type that is not known for certain.

Sources: "Computations with numeric values" and the functions' own pages in the SQL reference.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from standin.redshift.dialect.lexer import words

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MOST_DIGITS = 38
# so many fit into 64 bits
_SMALL_DIGITS = 19
_LEAST_SCALE = 4


@dataclass(frozen=True)
class Type:
    """A type: "int2", "int4", "int8", "numeric", "float", "null", or "other"; `digits` and `scale` of a numeric."""

    family: str
    digits: int = 0
    scale: int = 0

    def __str__(self) -> str:
        """As SQL writes it."""
        return f"numeric({self.digits},{self.scale})" if self.family == "numeric" else self.family


NULL, FLOAT, OTHER = Type("null"), Type("float"), Type("other")
_WHOLE = {"int2": 5, "int4": 10, "int8": 19}
INT4, INT8 = Type("int4"), Type("int8")


# what operators make of two decimals

_NAMES = {
    **dict.fromkeys(("smallint", "int2"), Type("int2")),
    **dict.fromkeys(("integer", "int", "int4"), INT4),
    **dict.fromkeys(("bigint", "int8"), INT8),
    **dict.fromkeys(("real", "float4", "float8", "float", "double precision", "double"), FLOAT),
}
_DECIMAL = re.compile(r"(?:numeric|decimal|dec)(?:\((\d+)(?:,\s*(\d+))?\))?")


def named(name: str) -> Type:
    """The type of a name in SQL: `numeric(18,4)`, `integer`; OTHER for one without arithmetic."""
    found = _DECIMAL.fullmatch(name)
    if found is None:
        return _NAMES.get(name, OTHER)
    return Type("numeric", int(found[1] or 18), int(found[2] or 0))


def decimal(kind: Type | None) -> Type | None:
    """A number as the decimal that it counts as next to a decimal; None for what is none."""
    if kind is not None and kind.family in _WHOLE:
        return Type("numeric", _WHOLE[kind.family], 0)
    return kind if kind is not None and kind.family == "numeric" else None


def combined(sign: str, left: Type | None, right: Type | None) -> Type | None:
    """What an arithmetic operator makes of two types; None if that is not known."""
    if left is None or right is None or "other" in (left.family, right.family) or NULL in (left, right):
        return None
    if sign == "^" or FLOAT in (left, right):
        return FLOAT
    a, b = decimal(left), decimal(right)
    if a is None or b is None:
        return None
    if "numeric" not in (left.family, right.family):
        return max(left, right, key=lambda kind: _WHOLE[kind.family])
    return _quotient(a, b) if sign == "/" else _sum_or_product(sign, a, b)


def _sum_or_product(sign: str, a: Type, b: Type) -> Type:
    if sign == "*":
        return Type("numeric", min(a.digits + b.digits + 1, MOST_DIGITS), min(a.scale + b.scale, MOST_DIGITS))
    scale = max(a.scale, b.scale)
    whole = max(a.digits - a.scale, b.digits - b.scale)
    return Type("numeric", min(whole + scale + (sign != "%"), MOST_DIGITS), scale)


def _quotient(a: Type, b: Type) -> Type:
    scale = max(_LEAST_SCALE, a.scale + b.digits - b.scale + 1)
    digits = a.digits - a.scale + b.scale + scale
    if digits > MOST_DIGITS:
        scale = max(MOST_DIGITS + scale - digits, min(_LEAST_SCALE, scale))
        digits = MOST_DIGITS
    return Type("numeric", digits, scale)


def common(kinds: Iterable[Type | None]) -> Type | None:
    """The type of COALESCE, CASE and UNION over these; None if that is not known."""
    known: list[Type] = []
    for kind in kinds:
        if kind is None:
            return None
        if kind != NULL:
            known.append(kind)
    families = {kind.family for kind in known}
    if not known or "other" in families:
        return OTHER if known and families == {"other"} else None
    if "float" in families:
        return FLOAT
    if "numeric" not in families:
        return max(known, key=lambda kind: _WHOLE[kind.family])
    decimals = [kind for kind in map(decimal, known) if kind is not None]
    scale = max(kind.scale for kind in decimals)
    most = max(_SMALL_DIGITS, *(kind.digits for kind in decimals))
    return Type("numeric", min(max(kind.digits - kind.scale for kind in decimals) + scale, most), scale)


# what functions make of their arguments

_OF_FIRST = words("abs min max any_value lag lead first_value last_value nth_value nullif mod")
_OF_ALL = words("coalesce nvl isnull greatest least")
OF_ARGUMENTS = _OF_FIRST | _OF_ALL | words("nvl2 decode sum avg ceil ceiling floor round trunc")
CONSTANT = {
    **dict.fromkeys(
        words(
            """
                sqrt ln log exp power pow dexp dlog1 dlog10 cbrt sin cos tan cot asin acos atan atan2 degrees radians pi
                random stddev stddev_samp stddev_pop variance var_samp var_pop ratio_to_report cume_dist percent_rank
                months_between
            """
        ),
        FLOAT,
    ),
    **dict.fromkeys(words("count row_number rank dense_rank ntile datediff date_diff"), INT8),
    **dict.fromkeys(
        words(
            """
                len length char_length character_length textlen octet_length strpos charindex position ascii
                date_part_year
            """
        ),
        INT4,
    ),
}


def called(name: str, arguments: Sequence[Type | None]) -> Type | None:
    """What a function of `OF_ARGUMENTS` makes of its arguments."""
    if name in _OF_ALL:
        return common(arguments)
    if name == "nvl2":
        return common(arguments[1:])
    if name == "decode":
        rest = arguments[1:]
        return common([*rest[1::2], *(rest[-1:] if len(rest) % 2 else [])])
    return _of_first(name, arguments)


def _of_first(name: str, arguments: Sequence[Type | None]) -> Type | None:
    first = arguments[0] if arguments else None
    if first is None or first in (NULL, OTHER):
        return None
    if name in _OF_FIRST:
        return first
    if name == "sum":
        return _summed(first)
    if name == "avg":
        return _averaged(first)
    # CEIL, FLOOR, and ROUND and TRUNC to whole numbers
    return Type("numeric", first.digits, 0) if first.family == "numeric" else first


def _summed(kind: Type) -> Type:
    if kind.family in ("int2", "int4"):
        return INT8
    return kind if kind == FLOAT else Type("numeric", MOST_DIGITS, kind.scale)


def _averaged(kind: Type) -> Type:
    if kind.family == "numeric":
        return Type("numeric", _SMALL_DIGITS if kind.digits <= _SMALL_DIGITS else MOST_DIGITS, kind.scale)
    return {"float": FLOAT, "int8": Type("numeric", MOST_DIGITS, 0)}.get(kind.family, INT8)


def literal(text: str) -> Type | None:
    """The type of a number as it is written."""
    if "e" in text.lower():
        return None
    whole, point, fraction = text.partition(".")
    if not point:
        number = int(whole)
        if number < 1 << 31:
            return INT4
        return INT8 if number < 1 << 63 else Type("numeric", min(len(whole), MOST_DIGITS), 0)
    digits = len(whole.lstrip("0")) + len(fraction)
    return Type("numeric", max(1, digits), len(fraction)) if digits <= MOST_DIGITS else None
