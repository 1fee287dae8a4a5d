"""Calls that make SUPER values: ARRAY(…), OBJECT(…), OBJECT_TRANSFORM(…), and string literals that are not JSON."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from standin.redshift.dialect import columns
from standin.redshift.dialect.lexer import quote_name, string_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from standin.redshift.dialect.lexer import Token
    from standin.redshift.dialect.rewrite import Draft

Parts = list["str | list[Token]"]


def _elements(draft: Draft, arguments: list[tuple[int, int]], names: bool) -> Parts:
    """The arguments, each wrapped as JSON; with `names`, every other one is an attribute's name."""
    parts: Parts = []
    for number, (lo, hi) in enumerate(arguments):
        if number:
            parts.append(",")
        value = draft.slice(lo, hi)
        if names and number % 2 == 0:
            parts += ["(", value, ")::text"]
        else:
            parts += ["pg_catalog.rs_member(" if names else "pg_catalog.rs_element(", value, ")"]
    return parts


def array(draft: Draft, at: int) -> None:
    """`array(1, 'a', s)`."""
    if draft.word(at + 2) == "select":
        # an array of the leader node's, in a query of the catalogue; anywhere else it has been refused
        return
    elements = _elements(draft, draft.arguments(at + 1), names=False)
    draft.replace(at, draft.close(at + 1) + 1, 'pg_catalog."array"(pg_catalog.json_build_array(', *elements, "))")


def object_call(draft: Draft, at: int) -> None:
    """`object('name', value, …)`."""
    arguments = draft.arguments(at + 1)
    if len(arguments) % 2:
        draft.error("OBJECT needs a value for every name", at)
    elements = _elements(draft, arguments, names=True)
    draft.replace(at, draft.close(at + 1) + 1, "pg_catalog.object(pg_catalog.json_build_object(", *elements, "))")


def object_transform(draft: Draft, at: int) -> None:
    """`object_transform(value keep 'path', … set 'path', value, …)`."""
    close = draft.close(at + 1)
    marks = {
        draft.word(place): place for place in draft.outermost(at + 2, close) if draft.word(place) in ("keep", "set")
    }
    keep, put = marks.get("keep", close), marks.get("set", close)
    kept = draft.split(keep + 1, put if put > keep else close) if keep < close else []
    pairs = draft.split(put + 1, close) if put < close else []
    if len(pairs) % 2:
        draft.error("OBJECT_TRANSFORM needs a value for every path behind SET", put)
    parts: Parts = ["pg_catalog.object_transform(", draft.slice(at + 2, min(keep, put)), ", array["]
    parts += _listed([draft.slice(lo, hi) for lo, hi in kept])
    parts.append("]::text[], array[")
    parts += _listed([draft.slice(lo, hi) for lo, hi in pairs[::2]])
    parts.append("]::text[], array[")
    for number, (lo, hi) in enumerate(pairs[1::2]):
        parts += ["," if number else "", "pg_catalog.rs_element(", draft.slice(lo, hi), ")"]
    parts.append("]::json[])")
    draft.replace(at, close + 1, *parts)


def _listed(items: list[list[Token]]) -> Parts:
    parts: Parts = []
    for number, item in enumerate(items):
        parts += ["," if number else "", item]
    return parts


def element_literals(draft: Draft) -> None:
    """String literals that meet SUPER are strings, though they may look like JSON: only JSON_PARSE reads JSON.

    `'{"a": 1}'::super` is told by the cast. Among the values of an INSERT, every literal that opens like an object, an
    array or a string of JSON is marked as VARCHAR, which is right for VARCHAR columns too. One that reads like a number
    or a boolean may be meant for a column of any type, so the columns are looked up. Raises `ColumnsNeeded`.
    """
    tokens = draft.tokens
    if "super" in draft.source.lower():
        casts = [
            at
            for at, token in enumerate(tokens)
            if token.word == "super"
            and (tokens[at - 1].text == "::" or tokens[at - 1].word == "as")
            and tokens[at - 2].kind == "string"
        ]
        for at in reversed(casts):
            draft.insert(at - 1, "::varchar")
    if draft.kind == "insert":
        for at, kind in reversed(_strings(draft)):
            draft.insert(at + 1, kind)


# what stands around a value that is nothing but a literal
_AROUND = frozenset({"(", ",", ")"})
_SCALAR = re.compile(r"\s*(?:-?\d+(?:\.\d+)?(?:e[-+]?\d+)?|true|false|null)\s*", re.IGNORECASE)


def _strings(draft: Draft) -> list[tuple[int, str]]:
    """The literals in VALUES that a SUPER column would read as JSON, and are strings: places, and the casts to add."""
    found: list[tuple[int, str]] = []
    scalars: list[tuple[int, int]] = []
    for at, number in _inserted(draft):
        text = draft.tokens[at].text
        if text[1:2] in ("{", "[", '"', " ", "\n") and string_value(draft.tokens[at]).lstrip()[:1] in ("{", "[", '"'):
            found.append((at, "::varchar"))
        elif _SCALAR.fullmatch(text[1:-1]):
            scalars.append((at, number))
    if scalars:
        types = _target_types(draft)
        found += [(at, "::varchar::super") for at, number in scalars if types[number : number + 1] == ["super"]]
    return sorted(found)


def _target_types(draft: Draft) -> list[str]:
    """The types of the columns that an INSERT fills, in the order of its values."""
    parts, after = draft.name(2)
    known = columns.asked(draft, ".".join(quote_name(part) for part in parts))
    if draft.mark(after) != "(":
        return [kind for _, kind in known]
    types = dict(known)
    return [types.get(draft.identifier(lo), "") for lo, _ in draft.arguments(after)]


def _inserted(draft: Draft) -> Iterator[tuple[int, int]]:
    """The literals that stand alone in a row of VALUES: place, and number of the value in its row."""
    rows: list[bool] = []
    number = 0
    tokens = draft.tokens
    for at, token in enumerate(tokens):
        if token.kind == "punctuation":
            if token.text in "([{":
                before = tokens[at - 1]
                rows.append(before.word == "values" or (before.text == "," and not rows))
                number = 0 if len(rows) == 1 else number
            elif token.text in ")]}" and rows:
                rows.pop()
            elif token.text == "," and len(rows) == 1:
                number += 1
        elif token.kind == "string" and rows and rows[-1] and {tokens[at - 1].text, tokens[at + 1].text} <= _AROUND:
            yield at, number
