"""Arithmetic on DECIMAL: a quotient has the scale that Redshift gives it, and is cut off there.

Postgres keeps as many digits as it thinks useful. Sums, differences and products have the same scale in both, so that
only the columns that are made of them have to be told their type.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from standin.redshift.dialect.blocks import items
from standin.redshift.dialect.expressions import Division, Reader
from standin.redshift.dialect.lexer import quote_name
from standin.redshift.dialect.statement import ColumnsNeeded

if TYPE_CHECKING:
    from collections.abc import Iterable

    from standin.redshift.dialect.blocks import Item
    from standin.redshift.dialect.rewrite import Draft

_UNNAMED = quote_name("?column?")
_CHANGES = frozenset({"insert", "update", "delete", "merge"})


def rewrite(draft: Draft) -> None:
    """Pass: divisions of decimals. Raises `ColumnsNeeded`."""
    if not any(token.text == "/" for token in draft.tokens):
        return
    reader = Reader(draft)
    listed = [item for found in reader.blocks() for item in items(draft, found)]
    spans = [(item.lo, item.end) for item in listed]
    spans += [(clause.lo, clause.hi) for found in reader.blocks() for clause in found.clauses.values()]
    if draft.kind in _CHANGES:
        spans.append((1, len(draft.tokens) - 1))
    for span in spans:
        reader.visit(*span)
    _ask(reader)
    divisions = reader.divisions.values()
    edits = [edit for division in divisions for edit in _division(division)]
    edits += [
        (item.end, _NAMES, _length(item), f"as {_UNNAMED}") for item in listed if _needs_name(draft, item, divisions)
    ]
    _insert(draft, edits)


def give_types(draft: Draft, begin: int) -> None:
    """Cast decimals that are computed in the select lists behind `begin` to their types, so that columns have them.

    Raises `ColumnsNeeded`.
    """
    reader = Reader(draft)
    edits: list[_Edit] = []
    for found in reader.blocks():
        for item in items(draft, found) if found.select >= begin else []:
            if item.star or not any(_computes(draft, place) for place in range(item.lo, item.end)):
                continue
            kind = reader.read(item.lo, item.end)
            if kind is not None and kind.family == "numeric":
                name = f" as {_UNNAMED}" if item.name is None else ""
                length = _length(item)
                edits += [(item.lo, _OPENS, -length, "("), (item.end, _CLOSES, length, f")::{kind}{name}")]
    _ask(reader)
    _insert(draft, edits)


# the place; the rank and the length of the expression, which put what goes to the same place in order; the text
_Edit = tuple[int, int, int, str]
_CLOSES, _NAMES, _OPENS, _SIGN = range(4)


def _division(division: Division) -> Iterable[_Edit]:
    """`a / b` as a whole quotient, so that nothing is rounded on the way."""
    scale, length = division.type.scale, division.hi - division.lo
    yield division.lo, _OPENS, -length, "(pg_catalog.div(("
    yield division.at, _SIGN, 0, f") * 1e{scale}, ("
    yield division.hi, _CLOSES, length, f")) * 1e-{scale})::{division.type}"


def _insert(draft: Draft, edits: list[_Edit]) -> None:
    for at, rank, _, text in sorted(edits, key=lambda edit: edit[:3], reverse=True):
        if rank == _SIGN:
            draft.replace(at, at + 1, text)
        else:
            draft.insert(at, text)


def _length(item: Item) -> int:
    return item.hi - item.lo


def _needs_name(draft: Draft, item: Item, divisions: Iterable[Division]) -> bool:
    """Whether the column would be called after the type that its quotient is cast to."""
    lo, hi = item.lo, item.end
    while draft.mark(lo) == "(" and draft.close(lo) == hi - 1:
        lo, hi = lo + 1, hi - 1
    return item.name is None and not item.star and any((each.lo, each.hi) == (lo, hi) for each in divisions)


def _computes(draft: Draft, at: int) -> bool:
    return draft.mark(at) in ("+", "-", "*", "/", "%", "(") or draft.word(at) == "case"


def _ask(reader: Reader) -> None:
    if reader.missing:
        raise ColumnsNeeded(tuple(dict.fromkeys(reader.missing)))
