"""Window functions: Redshift's rules on frames, IGNORE NULLS, RATIO_TO_REPORT.

Sources: the SQL reference, "Window function syntax summary", and each function's page. Redshift wants a frame wherever
an aggregate, FIRST_VALUE, LAST_VALUE or NTH_VALUE is ordered; a frame is counted in rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from standin.redshift.dialect.blocks import is_item

if TYPE_CHECKING:
    from standin.redshift.dialect.lexer import Token
    from standin.redshift.dialect.rewrite import Draft

    Part = str | Token | list[Token]

_VALUES = frozenset({"first_value", "last_value", "nth_value"})
_NEIGHBOURS = frozenset({"lag", "lead"})
_FRAMED = _VALUES | frozenset(
    {"avg", "bool_and", "bool_or", "count", "max", "min", "stddev", "stddev_pop", "stddev_samp", "sum", "var_pop"}
    | {"var_samp", "variance", "any_value"}
)


@dataclass(frozen=True)
class _Window:
    """`name(arguments) [IGNORE NULLS] OVER (…)`, as places in the draft.

    `partition`, `order` and `frame` are stretches inside OVER.
    """

    name: str
    at: int
    arguments: list[tuple[int, int]]
    ignore: bool
    end: int
    partition: tuple[int, int] | None
    order: tuple[int, int] | None
    frame: tuple[int, int] | None


def rewrite(draft: Draft) -> None:
    """Every call with OVER, from right to left."""
    for at in reversed(range(len(draft.tokens))):
        if at < len(draft.tokens) and draft.word(at) == "over" and draft.mark(at + 1) == "(":
            window = _window(draft, at)
            if window is not None:
                _rewrite(draft, window)


def _window(draft: Draft, over: int) -> _Window | None:
    place = over - 1
    ignore = False
    if draft.word(place) == "nulls" and draft.word(place - 1) in ("ignore", "respect"):
        ignore = draft.word(place - 1) == "ignore"
        place -= 2
    if draft.mark(place) != ")":
        return None
    opening = draft.open(place)
    if draft.at(opening - 2, "within", "group"):
        return None
    if opening < 1 or not draft.word(opening - 1):
        return None
    arguments = draft.split(opening + 1, place)
    if arguments:
        # FIRST_VALUE(x IGNORE NULLS): the words belong to no argument
        lo, hi = arguments[-1]
        if draft.word(hi - 1) == "nulls" and draft.word(hi - 2) in ("ignore", "respect"):
            ignore = ignore or draft.word(hi - 2) == "ignore"
            arguments[-1] = (lo, hi - 2)
    end = draft.close(over + 1)
    partition, order, frame = _clauses(draft, over + 2, end)
    return _Window(draft.word(opening - 1), opening - 1, arguments, ignore, end + 1, partition, order, frame)


def _clauses(
    draft: Draft, lo: int, hi: int
) -> tuple[tuple[int, int] | None, tuple[int, int] | None, tuple[int, int] | None]:
    marks: list[tuple[str, int]] = []
    for place in draft.outermost(lo, hi):
        word = draft.word(place)
        if (word in ("partition", "order") and draft.word(place + 1) == "by") or word in ("rows", "range", "groups"):
            marks.append((word, place))
    found: dict[str, tuple[int, int]] = {}
    for number, (word, place) in enumerate(marks):
        stop = marks[number + 1][1] if number + 1 < len(marks) else hi
        key = "frame" if word in ("rows", "range", "groups") else word
        found[key] = (place, stop)
    return found.get("partition"), found.get("order"), found.get("frame")


def _rewrite(draft: Draft, window: _Window) -> None:
    name = window.name
    if not window.arguments and name in _VALUES | _NEIGHBOURS | {"ratio_to_report"}:
        draft.error(f"function {name}() does not exist", window.at, "42883")
    if window.frame is not None and draft.tokens[window.at].start >= 0:
        mode = draft.word(window.frame[0])
        if mode != "rows":
            draft.error(f"Window frame {mode.upper()} is not supported; use ROWS", window.frame[0], "0A000")
    if name in _FRAMED and window.order is not None and window.frame is None and draft.tokens[window.at].start >= 0:
        draft.error("Aggregate window functions with an ORDER BY clause require a frame clause", window.at)
    if name in _NEIGHBOURS and len(window.arguments) > 2:
        draft.error(f"Default parameter not be supported for window function {name}", window.arguments[2][0], "0A000")
    if name == "ratio_to_report":
        _ratio(draft, window)
    elif window.ignore and name in _VALUES | _NEIGHBOURS:
        _ignoring(draft, window)
    elif name in _VALUES | _NEIGHBOURS:
        _without_nulls_words(draft, window)


def _over(draft: Draft, window: _Window, order: list[Token] | None, frame: str | list[Token] | None) -> list[Part]:
    parts: list[Part] = ["over ("]
    if window.partition is not None:
        parts.append(draft.slice(*window.partition))
    if order is not None:
        parts.append(order)
    if frame is not None:
        parts.append(frame)
    parts.append(")")
    return parts


def _put(draft: Draft, window: _Window, parts: list[Part]) -> None:
    shown = [f"as {window.name}"] if is_item(draft, window.at, window.end) else []
    draft.replace(window.at, window.end, *parts, *shown)


def _order(draft: Draft, window: _Window) -> list[Token] | None:
    return draft.slice(*window.order) if window.order is not None else None


def _without_nulls_words(draft: Draft, window: _Window) -> None:
    """RESPECT NULLS is what Postgres does anyway."""
    for place in reversed(range(window.at, window.end)):
        if draft.at(place, "respect", "nulls"):
            draft.remove(place, place + 2)
            return


def _ratio(draft: Draft, window: _Window) -> None:
    argument = draft.slice(*window.arguments[0])
    again = draft.slice(*window.arguments[0])
    over = _over(draft, window, None, None)
    _put(draft, window, ["((", argument, ")::float8 / nullif(sum(", again, ")", *over, ", 0))"])


def _ignoring(draft: Draft, window: _Window) -> None:
    """The values that are known, in the frame that the function looks at."""
    value = draft.slice(*window.arguments[0])
    order = _order(draft, window)
    number = draft.slice(*window.arguments[1]) if len(window.arguments) > 1 else "1"
    frame: str | list[Token] | None = draft.slice(*window.frame) if window.frame is not None else None
    if window.name in ("first_value", "last_value"):
        _put(draft, window, [f"rs_{window.name[:-6]}_known(", value, ")", *_over(draft, window, order, frame)])
        return
    if window.name == "lag":
        frame = "rows between unbounded preceding and 1 preceding"
    elif window.name == "lead":
        frame = "rows between 1 following and unbounded following"
    condition: list[Part] = ["filter (where", draft.slice(*window.arguments[0]), "is not null)"]
    known: list[Part] = ["array_agg(", value, ")", *condition, *_over(draft, window, order, frame)]
    if window.name == "lag":
        _put(draft, window, ["rs_nth_back(", *known, ", (", number, ")::bigint)"])
    else:
        _put(draft, window, ["(", *known, ")[(", number, ")::int]"])
