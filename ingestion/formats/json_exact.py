"""One JSON record at a time: strict, and with every number as it is written."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import orjson

LONGEST_INTEGER = 18
MOST_ZEROS = 100
"""Exponents up to here are written out; `1e400000000` would fill the memory with zeros."""


class Number(float):
    """A number that a float, or 64 bits, may not hold.

    Attributes:
        text: what the record says.
    """

    text: str

    def __new__(cls, text: str) -> Number:
        """The number that a text of JSON says."""
        number = super().__new__(cls, text)
        number.text = text
        return number


def parse(line: bytes) -> Any:
    """The value of a JSON text.

    Raises:
        ValueError: it is not JSON, names a field twice, or nests deeper than a program should follow.
    """
    # strict about NaN, surrogates, UTF-8 and depth; the standard library's parser keeps the numbers and the twins
    orjson.loads(line)
    try:
        return json.loads(line, parse_float=Number, parse_int=_integer, object_pairs_hook=_fields)
    except RecursionError:
        raise ValueError("it is nested too deep") from None


def text_of(value: object) -> str | None:
    """A value as the text of a column: strings as they are, numbers as they were written, the rest as JSON.

    Raises:
        TypeError: it is nested too deep to be written.
    """
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, Number):
        return _plain(value.text)
    return orjson.dumps(value, default=_written).decode()


def _integer(text: str) -> int | Number:
    return int(text) if len(text) <= LONGEST_INTEGER else Number(text)


def _fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"it names the field {next(name for name in names if names.count(name) > 1)!r} twice")
    return fields


def _written(value: object) -> orjson.Fragment:
    if isinstance(value, Number):
        return orjson.Fragment(value.text)
    raise TypeError(f"{type(value).__name__} is no type of JSON")


def exponent_of(number: str) -> int:
    """What stands after the `e` of a number; a large one if that has more digits than anybody writes."""
    exponent = number.lower().partition("e")[2]
    return int(exponent or 0) if len(exponent) < 10 else 10**9


def _plain(text: str) -> str:
    has_exponent = "e" in text or "E" in text
    return f"{Decimal(text):f}" if has_exponent and abs(exponent_of(text)) <= MOST_ZEROS else text
