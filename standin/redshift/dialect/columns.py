"""The columns of what stands in FROM: read off the query as far as it says them, asked of the backend for tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from standin.redshift.dialect.blocks import block, items
from standin.redshift.dialect.lexer import quote_name
from standin.redshift.dialect.sources import Source, sources
from standin.redshift.dialect.statement import ColumnsNeeded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from standin.redshift.dialect.blocks import Clause, Item
    from standin.redshift.dialect.rewrite import Draft
    from standin.redshift.dialect.statement import Columns


def of_source(draft: Draft, select: int, source: Source) -> list[str]:
    """The names of a source's columns in order; empty if it does not exist. Raises `ColumnsNeeded`."""
    if source.query >= 0:
        found = _of_query(draft, source.query)
    elif len(source.parts) == 1 and (definition := cte_at(draft, select, source.parts[0])) >= 0:
        found = _of_cte(draft, definition)
    elif source.parts:
        found = _asked(draft, ".".join(quote_name(part) for part in source.parts))
    else:
        # a function's columns are those that its alias names
        found = []
    return [*source.columns, *found[len(source.columns) :]]


def of_sources(draft: Draft, select: int, listed: Sequence[Source]) -> list[tuple[Source, list[str]]]:
    """`of_source` for all of them; raises one `ColumnsNeeded` for everything that has to be asked."""
    missing: list[str] = []
    found: list[tuple[Source, list[str]]] = []
    for source in listed:
        try:
            found.append((source, of_source(draft, select, source)))
        except ColumnsNeeded as needed:
            missing += needed.relations
    if missing:
        raise ColumnsNeeded(tuple(dict.fromkeys(missing)))
    return found


def of_star(draft: Draft, select: int, clause: Clause, item: Item) -> list[tuple[str, str]]:
    """The columns that `*` or `t.*` stands for: (name of the source, "" if it is of several; name of the column)."""
    wanted = draft.name(item.lo)[0] if draft.is_name(item.lo) else None
    expanded: list[tuple[str, str]] = []
    joined: set[str] = set()
    listed = [source for source in sources(draft, clause) if not wanted or source.name == wanted[-1]]
    for source, known in of_sources(draft, select, listed):
        using = joined.intersection(known) if source.using == ("natural",) else set(source.using)
        joined.update(known)
        for name in known:
            if name in using and not wanted:
                # USING and NATURAL merge the columns of both sides into one
                expanded = [("" if other == name else owner, other) for owner, other in expanded]
            else:
                expanded.append((source.name or "", name))
    return expanded


def _of_query(draft: Draft, at: int) -> list[str]:
    """The names that a query in parentheses gives its columns."""
    while draft.mark(at) == "(":
        at += 1
    if draft.word(at) == "with":
        at = next((here for here in draft.outermost(at, len(draft.tokens)) if draft.word(here) == "select"), at)
    found = block(draft, at)
    clause = found.clause("from")
    said: list[str] = []
    for item in items(draft, found):
        if not item.star:
            said.append(item.name if item.name is not None else "?column?")
        elif clause is not None:
            said.extend(name for _, name in of_star(draft, at, clause, item))
    return said


def _of_cte(draft: Draft, definition: int) -> list[str]:
    place = definition + 1
    if draft.mark(place) == "(":
        return [draft.identifier(at) for at in range(place + 1, draft.close(place)) if draft.is_name(at)]
    return _of_query(draft, place + 1)


def cte_at(draft: Draft, select: int, name: str) -> int:
    """The place of the name in the nearest definition `name AS (` in front of a SELECT; -1 if there is none."""
    for at in range(select - 1, -1, -1):
        if not draft.is_name(at) or draft.identifier(at) != name:
            continue
        if draft.word(at - 1) not in ("with", "recursive") and draft.mark(at - 1) != ",":
            continue
        place = at + 1
        if draft.mark(place) == "(":
            place = draft.close(place) + 1
        if draft.word(place) == "as" and draft.mark(place + 1) == "(":
            # a CTE does not see itself
            return at if draft.close(place + 1) < select else -1
    return -1


def asked(draft: Draft, relation: str) -> Columns:
    """The (column, type) pairs of a relation by its quoted name; none if it does not exist. Raises `ColumnsNeeded`."""
    known = draft.context.columns.get(relation)
    if known is None:
        raise ColumnsNeeded((relation,))
    return known


def _asked(draft: Draft, relation: str) -> list[str]:
    return [name for name, _ in asked(draft, relation)]
