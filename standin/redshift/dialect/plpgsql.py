"""The body of a procedure: what Redshift's PL/pgSQL lacks, and what an exception does there.

Redshift has no subtransactions. An error rolls the whole transaction back; the handler runs in a new one, which is
committed, and the error goes on to the caller. Source: "Supported PL/pgSQL statements" and "Trapping errors" in the SQL
reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from standin.redshift.dialect.statement import FEATURE_NOT_SUPPORTED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from standin.redshift.dialect.rewrite import Draft

# a statement begins behind these
STARTS = frozenset({";", ">>", "begin", "then", "else", "loop"})
_ABSENT = frozenset({"assert", "foreach", "move"})
_DIRECTIONS = frozenset({"next", "prior", "first", "last", "absolute", "relative", "forward", "backward"})


def check(draft: Draft) -> None:
    """Raise `DialectError` for a statement that only Postgres' PL/pgSQL has."""
    for place in starts(draft):
        word, following = draft.word(place), draft.word(place + 1)
        if word in _ABSENT:
            _refuse(draft, place)
        if word == "return" and following in ("query", "next"):
            _refuse(draft, place + 1)
        if word == "get" and following == "stacked":
            _refuse(draft, place + 1)
        if word == "fetch" and following in _DIRECTIONS and draft.word(place + 2) != "into":
            _refuse(draft, place + 1)
        if word == "raise":
            if following == "debug":
                _refuse(draft, place + 1)
            _without_using(draft, place)
        if word == "exception" and following == "when" and not draft.at(place + 2, "others", "then"):
            draft.error("the only condition of an exception block is OTHERS", None, FEATURE_NOT_SUPPORTED)
    for place in range(len(draft.tokens)):
        if draft.word(place) == "execute":
            _without_using(draft, place)


def end_transactions(draft: Draft) -> None:
    """Let exception handlers end the transaction, and throw the error again."""
    handlers = [place for place in starts(draft) if draft.at(place, "exception", "when", "others", "then")]
    blocks = [(place, _end(draft, place + 4)) for place in handlers]
    for place, end in sorted(blocks, reverse=True):
        # Postgres ends no transaction within a block that has a handler around it
        outermost = not any(_begin(draft, other) < place < other for other, _ in blocks if other != place)
        draft.insert(end, "commit; raise;" if outermost else "raise;")
        if outermost:
            draft.insert(place + 4, "rollback;")


def guarded(draft: Draft) -> list[tuple[int, int]]:
    """From where to where each block reaches that has an exception handler, its handler left out."""
    handlers = [place for place in starts(draft) if draft.at(place, "exception", "when")]
    return [(_begin(draft, place), place) for place in handlers]


def starts(draft: Draft) -> Iterator[int]:
    """Where statements begin, and the words that part blocks."""
    for place in range(len(draft.tokens)):
        before = draft.word(place - 1) or draft.mark(place - 1)
        if before in STARTS and draft.word(place):
            yield place


def _end(draft: Draft, place: int) -> int:
    """The place of the END that closes the block whose handler begins here."""
    depth = 0
    for here in range(place, len(draft.tokens)):
        word = draft.word(here)
        before = draft.word(here - 1) or draft.mark(here - 1)
        if before == "end" and word in ("if", "loop", "case"):
            continue
        if word in ("begin", "loop", "case") or (word == "if" and before in STARTS):
            depth += 1
        elif word == "end":
            if depth == 0:
                return here
            depth -= 1
    return len(draft.tokens) - 1


def _begin(draft: Draft, place: int) -> int:
    """The place of the BEGIN of the block whose EXCEPTION stands here."""
    depth = 0
    for here in range(place - 1, -1, -1):
        word, before = draft.word(here), draft.word(here - 1)
        if word == "end" and draft.word(here + 1) not in ("if", "loop", "case"):
            # of a block, or of a CASE in an expression
            depth += 1
        elif word == "begin" or (word == "case" and before != "end" and _is_expression(draft, here)):
            if depth == 0:
                return here
            depth -= 1
    return -1


def _is_expression(draft: Draft, place: int) -> bool:
    """Whether the CASE here ends in END, and not in END CASE."""
    end = _end(draft, place + 1)
    return draft.word(end + 1) != "case"


def _without_using(draft: Draft, place: int) -> None:
    for here in range(place, len(draft.tokens)):
        if draft.mark(here) == ";" or draft.word(here) == "loop":
            return
        if draft.word(here) == "using":
            _refuse(draft, here)


def _refuse(draft: Draft, place: int) -> None:
    # places count from the beginning of the body, not of the client's text
    draft.error(f'syntax error at or near "{draft.tokens[place].text}"')
