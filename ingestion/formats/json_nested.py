"""Takes nested values out of JSON records, so that what is left is flat."""

from __future__ import annotations

import re
from collections.abc import Sequence

import orjson

from ingestion.formats.json_exact import parse, text_of

_STRING_OR_BRACKET = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\]]', re.DOTALL)


def cut_out(texts: Sequence[bytes], names: Sequence[str]) -> tuple[list[bytes], dict[str, list[str | None]]]:
    """The records with null in the place of these fields' nested values, and the values as JSON texts.

    A value that is not where it is looked for (it is within another value, say) leaves a record that is not flat:
    whoever parses that finds out.

    Args:
        texts: JSON objects; empty lines are passed over.
        names: fields whose values are objects or arrays, or null.

    Raises:
        ValueError: a value is no JSON, or names a field twice.
        TypeError: a value nests too deep to be written.
    """
    flat = [text for text in texts if text and not text.isspace()]
    values: dict[str, list[str | None]] = {}
    for name in names:
        mark = orjson.dumps(name) + b":"
        column = values[name] = []
        for number, text in enumerate(flat):
            head, _, tail = text.partition(mark)
            tail = tail.lstrip(b" ")
            if tail[:1] not in (b"{", b"["):
                column.append(None)
                continue
            value, rest = _split(tail)
            column.append(value)
            flat[number] = b"".join((head, mark, b"null", rest))
    return flat, values


def _split(text: bytes) -> tuple[str, bytes]:
    """The value that a text begins with, and what comes after it."""
    # mostly it is the record's last
    end = len(text.rstrip()) - 1
    try:
        parsed = orjson.loads(text[:end])
    except orjson.JSONDecodeError:
        end = _end(text)
        parsed = orjson.loads(text[:end])
    value = text[:end]
    written = orjson.dumps(parsed)
    if written != value:
        # another notation of the same, or one that does not come out as it went in: numbers, fields that come twice
        return text_of(parse(value)) or "", text[end:]
    return written.decode(), text[end:]


def _end(text: bytes) -> int:
    """Where the object or array that a text begins with ends."""
    depth = 0
    for found in _STRING_OR_BRACKET.finditer(text):
        if found[0] in (b"{", b"["):
            depth += 1
        elif found[0] in (b"}", b"]"):
            depth -= 1
            if depth == 0:
                return found.end()
    raise ValueError("a nested value has no end")
