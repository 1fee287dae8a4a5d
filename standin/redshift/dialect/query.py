"""Clauses of SELECT that Postgres lacks: TOP, EXCLUDE, GROUP BY ALL, QUALIFY, MINUS.

Blocks are done as they end: a CTE before the query that uses it, a subquery before the one around it. The edits of one
block stay inside of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from standin.redshift.dialect import aliases, columns, hierarchy, outer_joins, pivot, windows
from standin.redshift.dialect.blocks import SET_OPERATORS, Block, Item, block, items, selects, starts_set
from standin.redshift.dialect.lexer import quote_name, words
from standin.redshift.dialect.sources import sources

if TYPE_CHECKING:
    from collections.abc import Callable

    from standin.redshift.dialect.blocks import Clause
    from standin.redshift.dialect.lexer import Token
    from standin.redshift.dialect.rewrite import Draft

_KEEP = quote_name("qualify?")
AGGREGATES = words(
    """
        any_value approximate avg bit_and bit_or bool_and bool_or count listagg max median min percentile_cont
        percentile_disc stddev stddev_pop stddev_samp sum var_pop var_samp variance hll hll_create_sketch
        hll_combine grouping
    """
)


def rewrite(draft: Draft) -> None:
    """Pass: query clauses, block by block."""
    used = {token.word for token in draft.tokens}
    if "select" not in used:
        return
    if "where" in used and outer_joins.marks(draft):
        used.add("(+)")
    for select in selects(draft):
        _block(draft, select, used)
    rest(draft)


def rest(draft: Draft) -> None:
    """What is done when all blocks are: MINUS, and window functions."""
    used = {token.word for token in draft.tokens}
    if "minus" in used:
        for at, token in enumerate(draft.tokens):
            if token.word == "minus" and starts_set(draft, at):
                draft.replace(at, at + 1, "except")
    if "over" in used:
        windows.rewrite(draft)
    if "where" in used:
        _number_as_condition(draft)


def _number_as_condition(draft: Draft) -> None:
    """`WHERE 1 AND ...`: Redshift takes a number for a condition; sqlalchemy-redshift asks the catalogue that way."""
    for at, token in enumerate(draft.tokens):
        if token.word == "where" and draft.kind_at(at + 1) == "number":
            ends = draft.kind_at(at + 2) == "end" or draft.mark(at + 2) == ")"
            if ends or draft.word(at + 2) in ("and", "or", "group", "order", "limit", "union"):
                draft.replace(at + 1, at + 2, "false" if draft.tokens[at + 1].text == "0" else "true")


def _block(draft: Draft, select: Token, used: set[str]) -> None:
    for word, edit in _EDITS:
        if word is None or word in used:
            # an edit moves the SELECT, and one around it that went wrong in the client's text may have taken it away
            at = next((here for here, token in enumerate(draft.tokens) if token is select), None)
            if at is None:
                return
            edit(draft, at)


def _top(draft: Draft, at: int) -> None:
    """`SELECT TOP 5 …` is `SELECT … LIMIT 5`."""
    found = block(draft, at)
    if found.top < 0:
        return
    number = found.top + 1
    end = draft.close(number) + 1 if draft.mark(number) == "(" else number + 1
    limit = draft.slice(number, end)
    last = draft.word(found.end) not in SET_OPERATORS
    in_set = not last or _follows_set(draft, at)
    stop = found.end
    order = found.clause("order")
    if in_set and last and order is not None:
        stop = order.at
    draft.insert(stop, "limit", limit, *([")"] if in_set else []))
    draft.remove(found.top, end)
    if in_set:
        draft.insert(at, "(")


def _follows_set(draft: Draft, at: int) -> bool:
    before = at - 1
    if draft.word(before) in ("all", "distinct"):
        before -= 1
    return draft.word(before) in SET_OPERATORS


def _exclude(draft: Draft, at: int) -> None:
    """`* EXCLUDE (a, b)`: the star becomes the list of the columns that remain."""
    found = block(draft, at)
    place = next(
        (
            here
            for here in draft.outermost(found.lo, found.hi)
            if (draft.word(here) == "exclude" and draft.mark(here - 1) in ("*", ")")) or _excludes(draft, here)
        ),
        None,
    )
    if place is None:
        return
    lo = place + 1 + (draft.word(place + 1) == "columns")
    excluded = {draft.identifier(here) for here in range(lo, found.hi) if draft.is_name(here)}
    draft.remove(place, found.hi)
    found = block(draft, at)
    seen: set[str] = set()
    for item in reversed(items(draft, found)):
        if not item.star:
            if item.name in excluded:
                seen.add(item.name or "")
                draft.error(f'column "{item.name}" in the EXCLUDE list is not part of a "*"', item.lo)
            continue
        expanded = expand(draft, at, item)
        seen.update(name for _, name in expanded)
        kept = [
            f"{quote_name(owner)}.{quote_name(name)}" if owner else quote_name(name)
            for owner, name in expanded
            if name not in excluded
        ]
        if not kept:
            draft.error("SELECT list is empty after EXCLUDE", item.lo)
        draft.replace(item.lo, item.hi, ", ".join(kept))
    missing = sorted(excluded - seen)
    if missing:
        draft.error(f'column "{missing[0]}" specified in EXCLUDE list does not exist', None, "42703")


def _excludes(draft: Draft, at: int) -> bool:
    return draft.word(at) == "exclude" and draft.mark(at + 1) == "(" and draft.is_name(at - 1)


def expand(draft: Draft, at: int, item: Item) -> list[tuple[str, str]]:
    """The columns that a star of the block of the SELECT here stands for: (name of the source, name of the column)."""
    clause = block(draft, at).clause("from")
    if clause is None:
        draft.error("SELECT * with no tables specified is not valid", item.lo)
    expanded = columns.of_star(draft, at, clause, item)
    if not expanded:
        relations = [".".join(source.parts) for source in sources(draft, clause) if source.parts]
        draft.error(f'relation "{(relations or ["?"])[0]}" does not exist', clause.lo, "42P01")
    return expanded


def _group_by_all(draft: Draft, at: int) -> None:
    """`GROUP BY ALL`: by every expression of the select list that aggregates nothing."""
    found = block(draft, at)
    group = found.clause("group")
    if group is None or group.hi - group.lo != 1 or draft.word(group.lo) != "all":
        return
    keys: list[str] = []
    number = 0
    for item in items(draft, found):
        if item.star:
            expanded = expand(draft, at, item)
            keys.extend(str(number + offset + 1) for offset in range(len(expanded)))
            number += len(expanded)
            continue
        number += 1
        if not _aggregates(draft, item):
            keys.append(str(number))
    if keys:
        draft.replace(group.lo, group.hi, ", ".join(keys))
    else:
        draft.remove(group.at, group.hi)


def _aggregates(draft: Draft, item: Item) -> bool:
    """Whether an expression holds an aggregate or a window function, or is nothing but literals."""
    place = item.lo
    while place < item.end:
        if draft.word(place) == "over":
            return True
        if draft.word(place) in AGGREGATES and (draft.is_call(place) or draft.word(place) == "approximate"):
            return True
        if draft.mark(place) == "(" and draft.word(place + 1) == "select":
            place = draft.close(place)
        place += 1
    return False


def _qualify(draft: Draft, at: int) -> None:
    """`QUALIFY condition`: the condition becomes a column of the block, and a filter around it.

    The block stays what it is, so its condition sees what QUALIFY sees. A star becomes whole rows of its sources, which
    the outer query takes apart again: nobody has to know the columns.
    """
    found = block(draft, at)
    qualify = found.clause("qualify")
    if qualify is None:
        return
    clause = found.clause("from")
    without_alias = clause is not None and clause.hi == qualify.at and _ends_without_alias(draft, clause)
    if qualify.hi == qualify.lo or without_alias:
        # right behind a relation that has no other name, Redshift takes QUALIFY for its name
        draft.syntax_error(qualify.lo)
    inner: list[str | list[Token]] = []
    outer: list[str] = []
    for number, item in enumerate(items(draft, found)):
        if item.star:
            for inside, outside in _rows(draft, at, item, number):
                inner.append(inside)
                outer.append(outside)
            continue
        shown = item.name if item.name is not None else "?column?"
        hidden = quote_name(f"{number}?")
        inner.append([*draft.slice(item.lo, item.end), *_as(hidden)])
        outer.append(f'"qualified?".{hidden} as {quote_name(shown)}')
    listed: list[str | list[Token]] = []
    for part in inner:
        listed += [part, ","]
    condition = draft.slice(qualify.lo, qualify.hi)
    order = found.clause("order") or found.clause("limit") or found.clause("offset")
    middle = draft.slice(found.hi, qualify.at)
    tail = draft.slice(order.at if order else qualify.hi, found.end)
    in_set = draft.word(found.end) in SET_OPERATORS or _follows_set(draft, at)
    extra: list[str | list[Token]] = []
    orders: list[str] = []
    ordering = found.clause("order")
    if ordering is not None and not in_set:
        # what the rows are ordered by may be no column of the result
        for number, (lo, hi) in enumerate(draft.split(ordering.lo, ordering.hi)):
            end, direction = _direction(draft, lo, hi)
            if _is_output(draft, lo, end, found):
                orders.append(draft.text(lo, hi))
            else:
                name = quote_name(f"order {number}?")
                extra += [[*draft.slice(lo, end), *_as(name)], ","]
                orders.append(f'"qualified?".{name} {direction}')
        rest = found.clause("limit") or found.clause("offset")
        tail = draft.slice(rest.at, found.end) if rest else []
    head = draft.slice(at + 1, found.lo)
    select = draft.tokens[at]
    new: list[str | list[Token]] = [", ".join(outer), "from ( select", *listed, *extra, "(", condition]
    new += [f") as {_KEEP}", middle, f') as "qualified?" where "qualified?".{_KEEP}']
    if orders:
        new.append("order by " + ", ".join(orders))
    new.append(tail)
    draft.replace(at, found.end, select, head, *new)


def _into(draft: Draft, at: int) -> None:
    """`SELECT … INTO #name` makes a temporary table."""
    into = block(draft, at).clause("into")
    if into is not None and draft.word(into.lo).startswith("#"):
        draft.insert(into.lo, "temp")


def _ends_without_alias(draft: Draft, clause: Clause) -> bool:
    listed = sources(draft, clause)
    return bool(listed) and listed[-1].alias is None and listed[-1].hi == clause.hi


def _as(name: str) -> list[Token]:
    from standin.redshift.dialect.lexer import Token

    return [Token("word", "as", -1, " ", "as"), Token("quoted", name, -1, " ")]


def _rows(draft: Draft, at: int, item: Item, number: int) -> list[tuple[str, str]]:
    """For a star, what the block selects, and what the query around it makes of that: a whole row per source."""
    found = block(draft, at)
    clause = found.clause("from")
    if clause is None:
        draft.error("SELECT * with no tables specified is not valid", item.lo)
    wanted = draft.name(item.lo)[0] if draft.is_name(item.lo) else None
    listed = sources(draft, clause)
    rows = []
    if not wanted and any(source.using for source in listed):
        for owner, name in expand(draft, at, item):
            hidden = quote_name(f"{number} {name}?")
            column = f"{quote_name(owner)}.{quote_name(name)}" if owner else quote_name(name)
            rows.append((f"{column} as {hidden}", f'"qualified?".{hidden} as {quote_name(name)}'))
        return rows
    for source in listed:
        if source.name is not None and (not wanted or source.name == wanted[-1]):
            hidden = quote_name(f"{number} {source.name}?")
            rows.append((f"{quote_name(source.name)} as {hidden}", f'("qualified?".{hidden}).*'))
    return rows


def _direction(draft: Draft, lo: int, hi: int) -> tuple[int, str]:
    """Where the expression of an ORDER BY item ends, and what follows it."""
    end = hi
    if draft.word(end - 2) == "nulls":
        end -= 2
    if draft.word(end - 1) in ("asc", "desc"):
        end -= 1
    return end, draft.text(end, hi)


def _is_output(draft: Draft, lo: int, hi: int, found: Block) -> bool:
    """Whether an ORDER BY expression is a column of the result: its number or its name."""
    if hi - lo != 1:
        return False
    if draft.kind_at(lo) == "number":
        return True
    return draft.is_name(lo) and any(item.star or item.name == draft.identifier(lo) for item in items(draft, found))


# the word that has to stand in the statement, and what is then done to each block, in this order
_EDITS: tuple[tuple[str | None, Callable[[Draft, int], None]], ...] = (
    ("(+)", outer_joins.rewrite),
    ("pivot", pivot.rewrite),
    ("unpivot", pivot.rewrite),
    ("connect", hierarchy.rewrite),
    ("exclude", _exclude),
    (None, aliases.rewrite),
    ("all", _group_by_all),
    ("qualify", _qualify),
    ("top", _top),
    ("into", _into),
)
