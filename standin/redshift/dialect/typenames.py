"""Type names: Redshift's, as Postgres takes them.

The catalogue has `super`, `varbyte`, `geometry` and `geography` as types of its own; what remains is spelling, and
lengths that Redshift assumes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from standin.redshift.dialect.rewrite import Draft

_MAX_VARCHAR = 65535
_VARCHAR = frozenset({"varchar", "nvarchar"})
_VARBYTE = frozenset({"varbyte", "varbinary"})
_NUMERIC = frozenset({"numeric", "decimal", "dec"})
# other names of types, as Redshift's own catalogue and drivers spell them
SYNONYMS = {
    "bpchar": "char(256)",
    "datetime": "timestamp",
    "intervaly2m": "interval year to month",
    "intervald2s": "interval day to second",
}


def rewrite(draft: Draft) -> None:
    """Pass: Redshift's type names in casts, and `varchar(max)` and `nvarchar(n)` wherever they stand."""
    tokens = draft.tokens
    for at in reversed(range(len(tokens))):
        word = tokens[at].word
        if not word:
            if tokens[at].text == "::":
                type_name(draft, at + 1)
        elif word == "as" and _in_cast(draft, at):
            type_name(draft, at + 1)
        elif word in _VARCHAR and draft.mark(at + 1) == "(":
            type_name(draft, at)
        elif word == "varying" and draft.word(at - 1) in ("character", "char", "binary"):
            type_name(draft, at - 1)


def type_name(draft: Draft, at: int) -> int:
    """Rewrite the type that stands here, in a cast or a column's definition; returns the place after it."""
    word = draft.word(at)
    end = at + 1
    varying = draft.word(at + 1) == "varying"
    if word in _VARCHAR or (word in ("character", "char") and varying):
        end += varying
        return _sized(draft, at, end, "varchar")
    if word == "nchar":
        return _sized(draft, at, end, "char")
    if word in _VARBYTE or (word == "binary" and varying):
        end += varying
        if draft.mark(end) == "(":
            end = draft.close(end) + 1
        return draft.replace(at, end, "varbyte") if draft.text(at, end).lower() != "varbyte" else end
    if word in _NUMERIC:
        return end + 3 if draft.mark(end) == "(" else draft.replace(at, end, "numeric(18,0)")
    if word in SYNONYMS:
        return draft.replace(at, end, SYNONYMS[word])
    return end


def _sized(draft: Draft, at: int, end: int, name: str) -> int:
    if draft.mark(end) != "(":
        return draft.replace(at, end, name) if draft.text(at, end).lower() != name else end
    close = draft.close(end)
    if draft.word(end + 1) == "max":
        draft.replace(end + 1, end + 2, str(_MAX_VARCHAR))
    if draft.text(at, end).lower() == name:
        return close + 1
    return draft.replace(at, end, name) + close - end + 1


def _in_cast(draft: Draft, at: int) -> bool:
    """Whether the AS here is that of `CAST(value AS type)`."""
    depth = 0
    for place in range(at - 1, -1, -1):
        token = draft.tokens[place]
        if token.kind == "punctuation":
            if token.text == ")":
                depth += 1
            elif token.text == "(":
                depth -= 1
                if depth < 0:
                    return draft.word(place - 1) in ("cast", "try_cast")
            elif token.text == "," and depth == 0:
                return False
        elif depth == 0 and token.word in ("select", "from"):
            return False
    return False
