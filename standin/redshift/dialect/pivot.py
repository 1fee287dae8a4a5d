"""PIVOT and UNPIVOT of a source in FROM become subqueries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from standin.redshift.dialect import columns
from standin.redshift.dialect.blocks import block
from standin.redshift.dialect.lexer import fold, quote_literal, quote_name, string_value
from standin.redshift.dialect.sources import Source, sources

if TYPE_CHECKING:
    from standin.redshift.dialect.rewrite import Draft

_AGGREGATES = frozenset({"count", "sum", "min", "max", "avg"})


def rewrite(draft: Draft, at: int) -> None:
    """Rewrite the pivoted sources of the block of the SELECT here. Raises `ColumnsNeeded`."""
    clause = block(draft, at).clause("from")
    if clause is None:
        return
    for source in reversed(sources(draft, clause)):
        place = _operator(draft, source)
        if place >= 0:
            _rewrite(draft, at, source, place)


def _operator(draft: Draft, source: Source) -> int:
    """The place of PIVOT or UNPIVOT behind a source, or -1."""
    for place in draft.outermost(source.lo, source.end):
        if draft.word(place) in ("pivot", "unpivot") and (
            draft.mark(place + 1) == "(" or draft.word(place + 1) in ("include", "exclude")
        ):
            return place
    return -1


def _rewrite(draft: Draft, at: int, source: Source, place: int) -> None:
    own_alias = None
    end = place
    if source.query < 0:
        _, after = draft.name(source.lo)
        end = after
    else:
        end = draft.close(source.query) + 1
    if end < place:
        own_alias = draft.identifier(place - 1)
    pivoted = Source(source.lo, end, end, source.parts, own_alias, -1, query=source.query)
    known = columns.of_source(draft, at, pivoted)
    body = draft.text(source.lo, end)
    opening = place + 1
    nulls = False
    if draft.word(opening) in ("include", "exclude"):
        nulls = draft.word(opening) == "include"
        opening += 2
    close = draft.close(opening)
    word_for = next((here for here in draft.outermost(opening + 1, close) if draft.word(here) == "for"), None)
    if word_for is None:
        draft.syntax_error(opening + 1)
    if draft.word(place) == "pivot":
        query = _pivot(draft, body, known, (opening, word_for, close))
    else:
        query = _unpivot(draft, body, known, (opening, word_for, close), nulls)
    alias = "" if source.alias is not None else f" as {quote_name(own_alias or source.name or 'pivoted?')}"
    draft.replace(source.lo, source.end, f"({query}){alias}")


def _pivot(draft: Draft, body: str, known: list[str], marks: tuple[int, int, int]) -> str:
    opening, word_for, close = marks
    column = draft.identifier(word_for + 1)
    values = draft.split(word_for + 4, close - 1)
    calls: list[tuple[str, int, int, str | None]] = []
    used: set[str] = {column}
    for lo, hi in draft.split(opening + 1, word_for):
        name = draft.word(lo)
        if name not in _AGGREGATES or draft.mark(lo + 1) != "(":
            draft.unsupported(f"PIVOT with {draft.text(lo, hi)}", lo)
        end = draft.close(lo + 1)
        alias = draft.identifier(hi - 1) if hi > end + 1 else None
        calls.append((name, lo + 2, end, alias))
        used.update(draft.identifier(here) for here in range(lo + 2, end) if draft.is_name(here))
    groups = [name for name in known if name not in used]
    listed = [quote_name(name) for name in groups]
    for lo, hi in values:
        end, alias = hi, None
        if hi - lo >= 2 and draft.is_name(hi - 1) and draft.word(hi - 1) != "null":
            alias = draft.identifier(hi - 1)
            end = hi - 1 - (draft.word(hi - 2) == "as")
        value = draft.text(lo, end)
        condition = f"{quote_name(column)} is null" if value.lower() == "null" else f"{quote_name(column)} = {value}"
        for name, first, last, suffix in calls:
            label = alias or _label(draft, lo, end)
            if suffix:
                label = f"{label}_{suffix}"
            argument = draft.text(first, last)
            distinct = ""
            if draft.word(first) == "distinct":
                distinct, argument = "distinct ", draft.text(first + 1, last)
            argument = "1" if argument == "*" else argument
            listed.append(f"{name}({distinct}case when {condition} then {argument} end) as {quote_name(label)}")
    source = f'{body} as "pivoted?"' if body.startswith("(") else body
    grouped = " group by " + ", ".join(quote_name(name) for name in groups) if groups else ""
    return f"select {', '.join(listed)} from {source}{grouped}"  # noqa: S608 - names are quoted, the rest is the client's


def _label(draft: Draft, lo: int, hi: int) -> str:
    if hi - lo == 1:
        token = draft.tokens[lo]
        if token.kind == "string":
            value = string_value(token)
            return value if draft.context.case_sensitive else fold(value)
        if token.kind in ("number", "word"):
            return token.text.lower()
    return "?column?"


def _unpivot(draft: Draft, body: str, known: list[str], marks: tuple[int, int, int], nulls: bool) -> str:
    opening, word_for, close = marks
    value, name = draft.identifier(opening + 1), draft.identifier(word_for + 1)
    rows: list[str] = []
    used: set[str] = set()
    for lo, hi in draft.split(word_for + 4, close - 1):
        column = draft.identifier(lo)
        label = column
        if hi - lo > 1:
            label = (
                string_value(draft.tokens[hi - 1]) if draft.kind_at(hi - 1) == "string" else draft.identifier(hi - 1)
            )
        used.add(column)
        rows.append(f'({quote_literal(label)}, "unpivoted?".{quote_name(column)})')
    listed = [f'"unpivoted?".{quote_name(other)}' for other in known if other not in used]
    listed += [quote_name(name), quote_name(value)]
    kept = "" if nulls else f" where {quote_name(value)} is not null"
    values = f'(values {", ".join(rows)}) as "values?" ({quote_name(name)}, {quote_name(value)})'
    joined = f'{body} as "unpivoted?" cross join lateral {values}'
    return f"select {', '.join(listed)} from {joined}{kept}"  # noqa: S608 - as above
