"""SUPER among values of other types: what stands beside a path in COALESCE, GREATEST, DECODE or CASE becomes SUPER.

Redshift does that by itself. Postgres finds no common type for values of different categories, so they are cast here.
A column of type SUPER that is not navigated looks like any other; it is left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from standin.redshift.dialect.rewrite import Draft

_MEETINGS = frozenset({"coalesce", "nvl", "isnull", "greatest", "least"})
_NAVIGATED = frozenset({"super_get", "rs_get_quoted"})


def rewrite(draft: Draft) -> None:
    """Cast what meets a path; the paths have become calls (`super`)."""
    for at in reversed(range(len(draft.tokens))):
        if draft.word(at) in _MEETINGS and draft.mark(at + 1) == "(":
            values = draft.arguments(at + 1)
        elif draft.word(at) == "nvl2" and draft.mark(at + 1) == "(":
            values = draft.arguments(at + 1)[1:]
        elif draft.word(at) == "decode" and draft.mark(at + 1) == "(":
            pairs = draft.arguments(at + 1)
            values = pairs[2::2] + (pairs[-1:] if len(pairs) % 2 == 0 else [])
        elif draft.word(at) == "case":
            values = _results(draft, at)
        else:
            continue
        if any(_is_super(draft, lo, hi) for lo, hi in values):
            for lo, hi in reversed(values):
                if not _is_super(draft, lo, hi):
                    _cast(draft, lo, hi)


def _cast(draft: Draft, lo: int, hi: int) -> None:
    if hi == lo + 1 and draft.word(lo) == "null":
        return
    if hi == lo + 1 and draft.kind_at(lo) == "string":
        # as it stands, Postgres would read it as JSON
        draft.insert(hi, "::varchar::super")
    elif not (draft.mark(hi - 2) == "::" and draft.word(hi - 1) == "super"):
        draft.insert(hi, ")::super")
        draft.insert(lo, "(")


def _is_super(draft: Draft, lo: int, hi: int) -> bool:
    """Whether nothing but a path stands here, or a COALESCE of such."""
    word = draft.word(lo)
    if draft.mark(lo + 1) != "(" or draft.close(lo + 1) != hi - 1:
        return False
    first = draft.arguments(lo + 1)[0]
    if word == "super_at" or word in _MEETINGS:
        return _is_super(draft, *first)
    return word in _NAVIGATED


def _results(draft: Draft, at: int) -> list[tuple[int, int]]:
    """What a CASE may give: behind THEN and ELSE."""
    found: list[tuple[int, int]] = []
    begin, depth = -1, 0
    for place in draft.outermost(at + 1, len(draft.tokens) - 1):
        word = draft.word(place)
        if word == "case":
            depth += 1
        elif word == "end" and depth:
            depth -= 1
        elif not depth and word in ("when", "then", "else", "end"):
            if begin >= 0:
                found.append((begin, place))
            begin = place + 1 if word in ("then", "else") else -1
            if word == "end":
                return found
    return []
