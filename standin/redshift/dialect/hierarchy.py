"""CONNECT BY: a hierarchical query reads from a recursive one.

The recursive query begins with the rows of START WITH, or with all, and joins the source to what it has; WHERE filters
what comes out. Source: the SQL reference, "CONNECT BY clause".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from standin.redshift.dialect.blocks import block, items
from standin.redshift.dialect.lexer import quote_name
from standin.redshift.dialect.sources import sources

if TYPE_CHECKING:
    from standin.redshift.dialect.rewrite import Draft, Token

_ALL = '"hierarchy?"'
_PRIOR = '"prior?"'


def rewrite(draft: Draft, at: int) -> None:
    """Rewrite the block of the SELECT here if it has CONNECT BY. Raises `ColumnsNeeded` for a star."""
    if block(draft, at).clause("connect") is None:
        return
    _name_columns(draft, at)
    found = block(draft, at)
    connect, start, clause = found.clauses["connect"], found.clause("start"), found.clause("from")
    if clause is None or clause.at > min(connect.at, start.at if start is not None else connect.at):
        draft.syntax_error(connect.at)
    listed = sources(draft, clause)
    if len(listed) != 1 or listed[0].name is None:
        draft.unsupported("CONNECT BY over a join", connect.at, "Put the join into a common table expression.")
    source = listed[0]
    alias = quote_name(source.name or "")
    relation = draft.text(source.lo, source.end)
    begin: list[str | Token | list[Token]] = ["where", draft.slice(start.lo, start.hi)] if start is not None else []
    first_rows = f"select 1 as level, {alias}.* from {relation} as {alias}"  # noqa: S608 - the client's own table
    next_rows = f"select {_PRIOR}.level + 1, {alias}.* from {_ALL} as {_PRIOR} join {relation} as {alias} on"  # noqa: S608
    new: list[str | Token | list[Token]] = [f"(with recursive {_ALL} as ( {first_rows}", *begin]
    new += [f"union all {next_rows}", *_condition(draft, connect.lo, connect.hi, alias)]
    new.append(f") select * from {_ALL}) as {alias}")  # noqa: S608
    first = min(connect.at, start.at if start is not None else connect.at)
    last = max(connect.hi, start.hi if start is not None else connect.hi)
    draft.remove(first, last)
    draft.replace(source.lo, source.hi, *new)


def _name_columns(draft: Draft, at: int) -> None:
    """A star does not stand for LEVEL."""
    from standin.redshift.dialect.query import expand

    for item in reversed(items(draft, block(draft, at))):
        if item.star:
            listed = [f"{quote_name(owner)}.{quote_name(name)}" for owner, name in expand(draft, at, item)]
            draft.replace(item.lo, item.hi, ", ".join(listed))


def _condition(draft: Draft, lo: int, hi: int, alias: str) -> list[str | Token | list[Token]]:
    """The condition of CONNECT BY on a row that is known, PRIOR, and the one that follows it."""
    parts: list[str | Token | list[Token]] = []
    place = lo
    while place < hi:
        word = draft.word(place)
        if word == "prior":
            _, after = draft.name(place + 1)
            parts.append(f"{_PRIOR}.{draft.text(after - 1, after)}")
            place = after
        elif word == "level":
            parts.append(f"({_PRIOR}.level + 1)")
            place += 1
        elif draft.is_name(place) and word not in _WORDS and draft.mark(place + 1) not in ("(", "."):
            qualified = draft.mark(place - 1) == "."
            parts.append(draft.slice(place, place + 1) if qualified else f"{alias}.{draft.text(place, place + 1)}")
            place += 1
        else:
            parts.append(draft.slice(place, place + 1))
            place += 1
    return parts


_WORDS = frozenset(
    {"and", "or", "not", "is", "null", "in", "like", "between", "true", "false", "case", "when", "then", "else", "end"}
    | {"nocycle"}
)
