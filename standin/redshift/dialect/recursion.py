"""WITH RECURSIVE: Redshift takes less of it than Postgres.

A recursive query names its columns, joins two parts by UNION ALL, sorts and limits nothing inside, and stands at the
head of the statement. Source: "WITH clause" in the SQL reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from standin.redshift.dialect.blocks import SET_OPERATORS, block, starts_set
from standin.redshift.dialect.sources import sources
from standin.redshift.dialect.statement import FEATURE_NOT_SUPPORTED

if TYPE_CHECKING:
    from standin.redshift.dialect.rewrite import Draft


def check(draft: Draft, at: int) -> None:
    """Raise `DialectError` for what Redshift refuses in the WITH RECURSIVE whose second word stands here."""
    place = at + 1
    while draft.is_name(place):
        name, named = draft.identifier(place), draft.mark(place + 1) == "("
        opening = (draft.close(place + 1) + 1 if named else place + 1) + 1
        if draft.mark(opening) != "(":
            # Postgres says what is wrong
            return
        close = draft.close(opening)
        members = _members(draft, opening, close, name)
        if members:
            _recursive(draft, place, (opening, close), members, named=named)
            if _is_nested(draft, at - 1):
                draft.error("recursive CTE in subquery are not supported", at, FEATURE_NOT_SUPPORTED)
        if draft.mark(close + 1) != ",":
            return
        place = close + 2


def _members(draft: Draft, lo: int, hi: int, name: str) -> list[int]:
    """The SELECTs between the parentheses that read the query itself."""
    found = []
    for at in range(lo, hi):
        if draft.word(at) == "select" and draft.mark(at - 1) != ".":
            clause = block(draft, at).clause("from")
            if clause is not None and any(source.parts == (name,) for source in sources(draft, clause)):
                found.append(at)
    return found


def _recursive(draft: Draft, at: int, body: tuple[int, int], members: list[int], *, named: bool) -> None:
    def refuse(why: str, place: int) -> None:
        text = f'recursive common table expression "{draft.identifier(at)}" {why}'
        draft.error(text, place, FEATURE_NOT_SUPPORTED)

    if not named:
        refuse("must have a list of column names", at)
    lo, hi = body
    for place in draft.outermost(lo + 1, hi):
        if draft.word(place) in SET_OPERATORS and starts_set(draft, place) and not draft.at(place, "union", "all"):
            refuse("must be a UNION ALL", place)
    for member in members:
        found = block(draft, member)
        clause = found.clause("order") or found.clause("limit") or found.clause("offset")
        if clause is not None:
            refuse("cannot have ORDER BY or LIMIT in its recursive part", clause.at)


def _is_nested(draft: Draft, at: int) -> bool:
    """Whether the WITH here belongs to a subquery: to more than the query of the statement, perhaps in parentheses."""
    head = at
    while draft.mark(head - 1) == "(":
        head -= 1
    before = draft.tokens[head - 1] if head else None
    if before is None or before.start < 0 or (draft.kind == "create" and before.word == "as"):
        at = head
    return any(
        draft.mark(place) == "(" and draft.tokens[place].start >= 0 and draft.close(place) > at for place in range(at)
    )
