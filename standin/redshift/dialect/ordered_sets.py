"""LISTAGG, ST_COLLECT and the percentiles: aggregates whose order stands behind them, in WITHIN GROUP.

Postgres orders the values of a plain aggregate inside its parentheses, and those of a window function not at all. So
over a window, `array_agg` gathers the values and a function of the catalogue orders them (`catalog/aggregates.sql`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from standin.redshift.dialect.statement import FEATURE_NOT_SUPPORTED

if TYPE_CHECKING:
    from standin.redshift.dialect.lexer import Token
    from standin.redshift.dialect.rewrite import Draft

_MOST_KEYS = 3
DIFFERENT_ORDERS = "within group ORDER BY clauses for aggregate functions must be the same"


@dataclass(frozen=True)
class _Group:
    """What stands behind the call: the sort keys, the clause as tokens, OVER (…) as tokens, and where it ends."""

    keys: list[tuple[int, int, bool]]
    order: list[Token]
    over: list[Token]
    end: int


def _behind(draft: Draft, close: int) -> _Group:
    keys: list[tuple[int, int, bool]] = []
    order: list[Token] = []
    at = close + 1
    if draft.at(at, "within", "group") and draft.mark(at + 2) == "(":
        end = draft.close(at + 2)
        if not draft.at(at + 3, "order", "by"):
            draft.syntax_error(at + 3)
        order = draft.slice(at + 3, end)
        for lo, hi in draft.split(at + 5, end):
            stop = hi
            if draft.word(stop - 2) == "nulls":
                stop -= 2
            downwards = draft.word(stop - 1) == "desc"
            if draft.word(stop - 1) in ("asc", "desc"):
                stop -= 1
            keys.append((lo, stop, downwards))
        at = end + 1
    over: list[Token] = []
    if draft.word(at) == "over":
        end = draft.close(at + 1) + 1 if draft.mark(at + 1) == "(" else at + 2
        over = draft.slice(at, end)
        at = end
    return _Group(keys, order, over, at)


def one_order(draft: Draft) -> None:
    """Raise Redshift's error if a query block sorts its LISTAGG, PERCENTILE_CONT and MEDIAN in different ways.

    Columns count as the same with and without the name of their table; over a window each may have its own order.
    """
    source = draft.source.lower()
    if source.count("within") + source.count("median") < 2:
        return
    orders: dict[int, tuple[str, ...]] = {}
    block, outer = -1, []
    for at, token in enumerate(draft.tokens):
        if token.text == "(" and token.kind == "punctuation":
            outer.append(block)
        elif token.text == ")" and token.kind == "punctuation":
            block = outer.pop() if outer else -1
        elif token.word == "select":
            block = at
        elif token.word in ("listagg", "percentile_cont", "median") and draft.is_call(at):
            order = _order(draft, at)
            if order and orders.setdefault(block, order) != order:
                draft.error(DIFFERENT_ORDERS, at, FEATURE_NOT_SUPPORTED)


def _order(draft: Draft, at: int) -> tuple[str, ...]:
    """What an aggregate sorts by; nothing for one over a window, or with no order."""
    close = draft.close(at + 1)
    group = _behind(draft, close)
    if group.over:
        return ()
    keys = [(at + 2, close, False)] if draft.word(at) == "median" else group.keys
    return tuple(
        " ".join(
            draft.tokens[place].text.lower()
            for place in range(lo, hi)
            if draft.mark(place) != "." and draft.mark(place + 1) != "."
        )
        + (" desc" if downwards else "")
        for lo, hi, downwards in keys
    )


def listagg(draft: Draft, at: int) -> None:
    """`listagg([distinct] value [, delimiter]) [within group (order by …)] [over (…)]`."""
    close = draft.close(at + 1)
    group = _behind(draft, close)
    if group.end == close + 1:
        return
    arguments = draft.arguments(at + 1)
    if not arguments:
        return
    if not group.over and not _sorts_by_another(draft, arguments[0], group):
        draft.replace(close, group.end, group.order, ")")
        return
    if len(group.keys) > _MOST_KEYS:
        draft.unsupported(f"LISTAGG over a window with more than {_MOST_KEYS} sort keys", at)
    lo, hi = arguments[0]
    distinct = draft.word(lo) == "distinct"
    value = draft.slice(lo + distinct, hi)
    delimiter: list[Token] | str = draft.slice(*arguments[1]) if len(arguments) > 1 else "null"
    keys: list[str | list[Token]] = []
    for first, last, _ in group.keys:
        keys += ["pg_catalog.rs_key(", draft.slice(first, last), "),"]
    turns = ", ".join(str(downwards).lower() for _, _, downwards in group.keys) or "false"
    gathered: list[str | list[Token]] = [
        "array_agg(pg_catalog.jsonb_build_array(",
        *keys,
        "(",
        value,
        ")::text ))",
        group.over,
    ]
    draft.replace(
        at, group.end, "pg_catalog.listagg(", *gathered, ",", delimiter, f", {str(distinct).lower()}, array[{turns}])"
    )


def _sorts_by_another(draft: Draft, argument: tuple[int, int], group: _Group) -> bool:
    """Whether DISTINCT values are sorted by something else than themselves, which Postgres' aggregates cannot do."""
    lo, hi = argument
    if draft.word(lo) != "distinct":
        return False
    value = draft.text(lo + 1, hi).lower()
    return any(draft.text(first, last).lower() != value for first, last, _ in group.keys)


def percentile(draft: Draft, at: int) -> None:
    """`percentile_cont(share) within group (order by value) [over (…)]`; PERCENTILE_DISC alone is Postgres' own."""
    close = draft.close(at + 1)
    group = _behind(draft, close)
    if len(group.keys) != 1 or (draft.word(at) == "percentile_disc" and not group.over):
        return
    lo, hi, downwards = group.keys[0]
    value = draft.slice(lo, hi)
    share = draft.slice(at + 2, close)
    gathered: list[str | list[Token]] = ["array_agg(", value, ")", group.over]
    draft.replace(at, group.end, f"pg_catalog.{draft.word(at)}(", *gathered, ",", share, f", {str(downwards).lower()})")


def collect(draft: Draft, at: int) -> None:
    """`st_collect(geometry) within group (order by …)`."""
    close = draft.close(at + 1)
    group = _behind(draft, close)
    if group.keys and not group.over:
        draft.replace(close, group.end, group.order, ")")
