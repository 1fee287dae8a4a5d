"""Literals in what CREATE TABLE AS and CREATE VIEW select: 'abc' is VARCHAR(3) and 1.23 is NUMERIC(3,2) there.

Postgres has text and numeric without a length. A query that makes nothing is left alone: the length of a literal is
seen in the columns that are made of it, and nowhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from standin.redshift.dialect.blocks import block, items
from standin.redshift.dialect.lexer import string_value

if TYPE_CHECKING:
    from standin.redshift.dialect.lexer import Token
    from standin.redshift.dialect.rewrite import Draft

_MOST_BYTES = 65_535
_MOST_DIGITS = 38


def give_types(draft: Draft, begin: int) -> None:
    """Cast the literals that are named columns of a SELECT behind `begin`; edits nothing in front of it."""
    places = set()
    for at in range(begin, len(draft.tokens)):
        if draft.word(at) == "select":
            places |= {item.lo for item in items(draft, block(draft, at)) if item.alias and item.end == item.lo + 1}
    for at in sorted(places, reverse=True):
        if kind := _type(draft.tokens[at]):
            draft.insert(at + 1, f"::{kind}")


def _type(token: Token) -> str | None:
    if token.kind == "string" and token.text[0] not in "bBxX":
        return f"varchar({min(max(1, len(string_value(token).encode())), _MOST_BYTES)})"
    if token.kind == "number" and "." in token.text and "e" not in token.text.lower():
        whole, _, fraction = token.text.partition(".")
        digits = len(whole.lstrip("0")) + len(fraction)
        return f"numeric({max(1, digits)},{len(fraction)})" if digits <= _MOST_DIGITS else None
    return None
