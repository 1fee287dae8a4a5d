"""`a.x = b.x(+)` in WHERE: an outer join in Oracle's style becomes a LEFT JOIN.

Source: the SQL reference, "Oracle-style outer joins in the WHERE clause".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from standin.redshift.dialect.blocks import Block, block, items
from standin.redshift.dialect.lexer import quote_name
from standin.redshift.dialect.sources import Source, sources

if TYPE_CHECKING:
    from standin.redshift.dialect.rewrite import Draft

_Condition = tuple[int, int, set[str], set[str]]


def marks(draft: Draft) -> bool:
    """Whether `(+)` stands anywhere."""
    return any(_is_mark(draft, at) for at, token in enumerate(draft.tokens) if token.text == "+")


def _is_mark(draft: Draft, plus: int) -> bool:
    return draft.mark(plus) == "+" and draft.mark(plus - 1) == "(" and draft.mark(plus + 1) == ")"


def rewrite(draft: Draft, at: int) -> None:
    """Rewrite the block of the SELECT here if its WHERE marks outer joins."""
    found = block(draft, at)
    where, clause = found.clause("where"), found.clause("from")
    if where is None or clause is None or not any(_is_mark(draft, place) for place in range(where.lo, where.hi)):
        return
    listed = sources(draft, clause)
    if any("join" in source.join for source in listed):
        draft.error("Outer join operator (+) is not allowed with joins in the FROM clause", where.at, "0A000")
    conditions = [_condition(draft, lo, hi, listed) for lo, hi in _conjuncts(draft, where.lo, where.hi)]
    optional = sorted({name for _, _, marked, _ in conditions for name in marked if name})
    if not optional or not {source.name for source in listed}.issuperset(optional):
        draft.syntax_error(where.lo)
    joined: dict[str, list[str]] = {name: [] for name in optional}
    partners: dict[str, set[str]] = {name: set() for name in optional}
    kept: list[str] = []
    for lo, hi, marked, others in conditions:
        if not marked:
            kept.append(draft.text(lo, hi))
            continue
        name = next((each for each in marked if each), optional[0])
        joined[name].append(_unmarked(draft, lo, hi))
        partners[name] |= others - {name, ""}
        if len(partners[name]) > 1:
            draft.error("A table may be outer joined to at most one other table.", lo, "0A000")
    _keep_order(draft, at, listed)
    _write(draft, block(draft, at), joined, partners, kept)


def _write(
    draft: Draft, found: Block, joined: dict[str, list[str]], partners: dict[str, set[str]], kept: list[str]
) -> None:
    where, clause = found.clauses["where"], found.clauses["from"]
    texts = {source.name or "": draft.text(source.lo, source.hi) for source in sources(draft, clause)}
    made = [text for name, text in texts.items() if name not in joined]
    joins, done, left = "", {name for name in texts if name not in joined}, dict(joined)
    while left:
        # a table that is joined to an optional one comes after it
        name = next((each for each in left if partners[each] <= done), next(iter(left)))
        joins += f" left join {texts[name]} on {' and '.join(left.pop(name))}"
        done.add(name)
    if kept:
        draft.replace(where.lo, where.hi, " and ".join(kept))
    else:
        draft.remove(where.at, where.hi)
    draft.replace(clause.lo, clause.hi, " cross join ".join(made) + joins)


def _keep_order(draft: Draft, at: int, listed: list[Source]) -> None:
    """A star keeps the order in which the tables are written."""
    for item in reversed(items(draft, block(draft, at))):
        if item.star and draft.mark(item.lo) == "*":
            stars = ", ".join(f"{quote_name(source.name or '')}.*" for source in listed)
            draft.replace(item.lo, item.hi, stars)


def _conjuncts(draft: Draft, lo: int, hi: int) -> list[tuple[int, int]]:
    """The conditions of WHERE between its ANDs."""
    parts: list[tuple[int, int]] = []
    begin, between, cases = lo, False, 0
    for place in draft.outermost(lo, hi):
        word = draft.word(place)
        cases += (word == "case") - (word == "end")
        if word == "between":
            between = True
        elif word == "and" and cases == 0:
            if between:
                between = False
            else:
                parts.append((begin, place))
                begin = place + 1
    parts.append((begin, hi))
    return parts


def _condition(draft: Draft, lo: int, hi: int, listed: list[Source]) -> _Condition:
    """A condition: where it stands, the tables that it marks ("" for an unqualified column), the tables in it."""
    marked: set[str] = set()
    others: set[str] = set()
    names = {source.name for source in listed}
    for place in range(lo, hi):
        if _is_mark(draft, place):
            if not draft.is_name(place - 2):
                draft.syntax_error(place - 1)
            qualified = draft.mark(place - 3) == "." and draft.is_name(place - 4)
            marked.add(draft.identifier(place - 4) if qualified else "")
        elif draft.is_name(place) and draft.mark(place + 1) == "." and draft.identifier(place) in names:
            others.add(draft.identifier(place))
    if marked and any(draft.word(place) in ("or", "in") for place in range(lo, hi)):
        draft.error("Outer join operator (+) not allowed in operand of OR or IN.", lo, "0A000")
    return lo, hi, marked, others


def _unmarked(draft: Draft, lo: int, hi: int) -> str:
    """A condition without its marks."""
    pieces: list[str] = []
    place = lo
    while place < hi:
        if draft.mark(place) == "(" and _is_mark(draft, place + 1):
            place += 3
            continue
        token = draft.tokens[place]
        pieces.append((token.before if pieces else "") + token.text)
        place += 1
    return "".join(pieces)
