"""Lateral column aliases: a name that the select list gives is known to the rest of the block.

A column of FROM wins over an alias of the same name, as in Redshift; so where a name could be either, the columns of
the sources are looked up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from standin.redshift.dialect import columns
from standin.redshift.dialect.blocks import Block, Item, block, items
from standin.redshift.dialect.sources import sources

if TYPE_CHECKING:
    from collections.abc import Iterator

    from standin.redshift.dialect.rewrite import Draft

# where the expressions of a block stand besides its list; ORDER BY and GROUP BY know output names by themselves
_CLAUSES = ("order", "qualify", "having", "group", "where")


def rewrite(draft: Draft, at: int) -> None:
    """Put expressions in the place of their aliases, for the block of the SELECT here. Raises `ColumnsNeeded`."""
    found = block(draft, at)
    listed = items(draft, found)
    given = {item.alias: item for item in listed if item.alias is not None and not _is_itself(draft, item)}
    if not given or not _used(draft, found, listed, given):
        return
    real = _columns(draft, at, found, given)
    aliases = {alias for alias in given if alias not in real}
    if not aliases:
        return
    for number in range(1, len(listed)):
        found = block(draft, at)
        listed = items(draft, found)
        known = _known(draft, listed[:number], aliases)
        item = listed[number]
        for place in reversed(list(_names(draft, item.lo, item.end))):
            if draft.identifier(place) in known:
                _substitute(draft, place, known[draft.identifier(place)])
    for name in _CLAUSES:
        found = block(draft, at)
        clause = found.clause(name)
        if clause is None:
            continue
        known = _known(draft, items(draft, found), aliases)
        whole = _bare(draft, clause.lo, clause.hi) if name in ("order", "group") else set()
        for place in reversed(list(_names(draft, clause.lo, clause.hi))):
            if draft.identifier(place) in known and place not in whole:
                _substitute(draft, place, known[draft.identifier(place)])


def _known(draft: Draft, listed: list[Item], aliases: set[str]) -> dict[str, Item]:
    known: dict[str, Item] = {}
    for item in listed:
        if item.alias in aliases and item.alias is not None:
            known[item.alias] = item
    return known


def _substitute(draft: Draft, place: int, item: Item) -> None:
    if item.end - item.lo == 1:
        draft.replace(place, place + 1, draft.slice(item.lo, item.end))
    else:
        draft.replace(place, place + 1, "(", draft.slice(item.lo, item.end), ")")


def _used(draft: Draft, found: Block, listed: list[Item], given: dict[str, Item]) -> bool:
    seen: set[str] = set()
    for item in listed:
        if seen and any(draft.identifier(place) in seen for place in _names(draft, item.lo, item.end)):
            return True
        if item.alias in given and item.alias is not None:
            seen.add(item.alias)
    for name in _CLAUSES:
        clause = found.clause(name)
        if clause is None:
            continue
        whole = _bare(draft, clause.lo, clause.hi) if name in ("order", "group") else set()
        if any(draft.identifier(place) in seen and place not in whole for place in _names(draft, clause.lo, clause.hi)):
            return True
    return False


def _columns(draft: Draft, at: int, found: Block, given: dict[str, Item]) -> set[str]:
    """The columns of the block's sources."""
    clause = found.clause("from")
    if clause is None:
        return set()
    return {name for _, known in columns.of_sources(draft, at, sources(draft, clause)) for name in known}


def _is_itself(draft: Draft, item: Item) -> bool:
    """Whether the alias renames nothing: `t.a AS a`."""
    return (
        draft.is_name(item.end - 1)
        and draft.identifier(item.end - 1) == item.alias
        and (item.end - item.lo == 1 or (item.end - item.lo == 3 and draft.mark(item.lo + 1) == "."))
    )


def _names(draft: Draft, lo: int, hi: int) -> Iterator[int]:
    """The places of unqualified names that are no calls, outside of subqueries."""
    place = lo
    while place < hi:
        if draft.mark(place) == "(" and draft.word(place + 1) in ("select", "with"):
            place = draft.close(place)
        elif (
            draft.is_name(place)
            and draft.mark(place - 1) not in (".", "::")
            and draft.mark(place + 1) not in (".", "(")
            and draft.word(place - 1) != "as"
        ):
            yield place
        place += 1


def _bare(draft: Draft, lo: int, hi: int) -> set[int]:
    """The places in ORDER BY and GROUP BY where an output name stands alone."""
    places: set[int] = set()
    for begin, end in draft.split(lo, hi):
        if draft.is_name(begin) and (end - begin == 1 or draft.word(begin + 1) in ("asc", "desc", "nulls")):
            places.add(begin)
    return places
