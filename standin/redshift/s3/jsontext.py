"""JSON in which numbers keep every digit: DECIMAL and SUPER columns do, floating-point numbers do not."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any


class Number(str):
    """A number as it was written."""

    __slots__ = ()


def _no_constant(name: str) -> Any:
    raise json.JSONDecodeError(f"{name} is no JSON", name, 0)


DECODER = json.JSONDecoder(parse_float=Number, parse_int=Number, parse_constant=_no_constant, strict=False)


def read_value(text: str) -> Any:
    """The one value that a text holds; raises ValueError or RecursionError."""
    return DECODER.decode(text)


def to_json(value: Any) -> str:
    """A value as compact JSON; numbers of `read_value` as they were written."""
    if value is None:
        return "null"
    if isinstance(value, Number | Decimal) or type(value) is int:
        return str(value)
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_quoted(str(key))}:{to_json(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(to_json(each) for each in value) + "]"
    return json.dumps(value, default=_as_text)


def _as_text(value: Any) -> str:
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
