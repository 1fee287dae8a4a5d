"""The structure of queries, as far as rewriting needs it: SELECT blocks and their clauses.

No grammar: keywords that stand in no parentheses divide a block. Places are counted in the draft's tokens and hold
until the next edit.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from standin.redshift.dialect.lexer import words

if TYPE_CHECKING:
    from standin.redshift.dialect.lexer import Token
    from standin.redshift.dialect.rewrite import Draft

SET_OPERATORS = frozenset({"union", "intersect", "except", "minus"})


@dataclass(frozen=True)
class Clause:
    """A clause of a block: the place of its keyword, and its body from `lo` up to `hi`."""

    at: int
    lo: int
    hi: int


@dataclass(frozen=True)
class Item:
    """One expression of a select list.

    Attributes:
        lo: where it begins.
        hi: where it ends, its alias included.
        end: where the expression ends, without AS and the alias.
        alias: the name that it was given; None if it was given none.
        name: the name of its column: the alias, or the column's own name, or None.
        star: it is `*` or `t.*`, perhaps with EXCLUDE.
    """

    lo: int
    hi: int
    end: int
    alias: str | None
    name: str | None
    star: bool


@dataclass
class Block:
    """A SELECT with its clauses.

    Attributes:
        select: the place of SELECT.
        lo: where the select list begins, behind DISTINCT, ALL and TOP.
        hi: where the list ends.
        end: the place after the block: a closing parenthesis, a set operator, the end of the statement.
        clauses: by name: from, where, group, having, qualify, order, limit, offset, into, start, connect.
        distinct: it is a SELECT DISTINCT.
        top: the place of TOP, or -1.
    """

    select: int
    lo: int
    hi: int
    end: int
    clauses: dict[str, Clause] = field(default_factory=dict)
    distinct: bool = False
    top: int = -1

    def clause(self, name: str) -> Clause | None:
        """The clause of this name, if the block has it."""
        return self.clauses.get(name)


def selects(draft: Draft) -> list[Token]:
    """The SELECT tokens of the statement, in the order in which their blocks end: a CTE before its user."""
    found: list[tuple[int, Token]] = []
    ends = _ends(draft)
    for at, token in enumerate(draft.tokens):
        if token.word == "select" and draft.mark(at - 1) != ".":
            found.append((ends[at], token))
    found.sort(key=lambda one: one[0])
    return [token for _, token in found]


def _ends(draft: Draft) -> dict[int, int]:
    """For every SELECT the place of what ends its block: parenthesis or set operator."""
    ends: dict[int, int] = {}
    stack: list[list[int]] = [[]]
    for at, token in enumerate(draft.tokens):
        if token.kind == "punctuation":
            if token.text == "(":
                stack.append([])
            elif token.text == ")" and len(stack) > 1:
                ends.update(dict.fromkeys(stack.pop(), at))
        elif token.word == "select":
            # a SELECT behind another without parentheses: the first one ended somewhere in between
            stack[-1].append(at)
        elif token.word in SET_OPERATORS and starts_set(draft, at):
            ends.update(dict.fromkeys(stack[-1], at))
            stack[-1].clear()
    for left in stack:
        ends.update(dict.fromkeys(left, len(draft.tokens) - 1))
    return ends


def starts_set(draft: Draft, at: int) -> bool:
    """Whether the word here is a set operator rather than a name."""
    following = at + 1
    if draft.word(following) in ("all", "distinct"):
        following += 1
    if draft.mark(at - 1) == ".":
        return False
    return draft.word(following) in ("select", "with", "values") or (
        draft.mark(following) == "(" and draft.word(at) in SET_OPERATORS and opens_query(draft, following)
    )


def opens_query(draft: Draft, at: int) -> bool:
    """Whether the parenthesis here opens a query."""
    while draft.mark(at) == "(":
        at += 1
    return draft.word(at) in ("select", "with", "values")


def block(draft: Draft, at: int) -> Block:
    """The block of the SELECT here."""
    lo = at + 1
    distinct = draft.word(lo) == "distinct"
    top = -1
    if draft.word(lo) in ("distinct", "all"):
        lo += 1
    if draft.word(lo) == "top" and (draft.kind_at(lo + 1) in ("number", "parameter") or draft.mark(lo + 1) == "("):
        top = lo
        lo = draft.close(lo + 1) + 1 if draft.mark(lo + 1) == "(" else lo + 2
        if draft.word(lo) in ("distinct", "all"):
            distinct = distinct or draft.word(lo) == "distinct"
            lo += 1
    found = Block(at, lo, -1, -1, distinct=distinct, top=top)
    marks: list[tuple[str, int, int]] = []
    end = len(draft.tokens) - 1
    depth = 0
    for place in range(at + 1, len(draft.tokens)):
        token = draft.tokens[place]
        if token.kind == "punctuation":
            if token.text in "([{":
                depth += 1
            elif token.text in ")]}":
                depth -= 1
                if depth < 0:
                    end = place
                    break
        elif depth == 0 and token.word in _MARKS:
            if place > at + 1 and _ends_block(draft, place):
                end = place
                break
            begun = _clause(draft, place, {name for name, _, _ in marks})
            if begun:
                marks.append((begun[0], place, begun[1]))
    found.end = end
    found.hi = marks[0][1] if marks else end
    for number, (name, place, lo) in enumerate(marks):
        hi = marks[number + 1][1] if number + 1 < len(marks) else end
        found.clauses.setdefault(name, Clause(place, lo, hi))
    return found


_SINGLE = {
    "from": "from",
    "where": "where",
    "having": "having",
    "qualify": "qualify",
    "limit": "limit",
    "offset": "offset",
    "into": "into",
    "window": "window",
    "fetch": "fetch",
}
_DOUBLE = {("group", "by"): "group", ("order", "by"): "order", ("start", "with"): "start", ("connect", "by"): "connect"}

# the words that may begin a clause or end a block
_MARKS = frozenset(_SINGLE) | {first for first, _ in _DOUBLE} | SET_OPERATORS | {"with", "for"}


def _clause(draft: Draft, at: int, seen: set[str]) -> tuple[str, int] | None:
    """The name of the clause that begins here and the place of its body."""
    word = draft.word(at)
    if draft.mark(at - 1) == "." or (draft.word(at - 1) == "as" and word != "from"):
        return None
    if word in _SINGLE and not _is_name(draft, at, word, seen):
        return (_SINGLE[word], at + 1)
    double = (word, draft.word(at + 1))
    return (_DOUBLE[double], at + 2) if double in _DOUBLE else None


def _is_name(draft: Draft, at: int, word: str, seen: set[str]) -> bool:
    """Whether a word that begins a clause elsewhere does not here."""
    if word == "from":
        # IS [NOT] DISTINCT FROM
        return draft.word(at - 1) == "distinct" and draft.word(at - 2) in ("is", "not")
    if word == "into":
        return "from" in seen
    if word == "window":
        return draft.word(at + 2) != "as"
    return word == "fetch" and draft.word(at + 1) not in ("first", "next")


def _ends_block(draft: Draft, at: int) -> bool:
    word = draft.word(at)
    if draft.mark(at - 1) == ".":
        return False
    if word in SET_OPERATORS:
        return starts_set(draft, at)
    if word == "with":
        # WITH NO SCHEMA BINDING, WITH NO DATA; not TIMESTAMP WITH TIME ZONE, START WITH
        return draft.word(at + 1) in ("no", "data")
    return word == "for" and draft.word(at + 1) in ("update", "share", "no", "key")


def items(draft: Draft, found: Block) -> list[Item]:
    """The expressions of a block's select list."""
    return [_item(draft, lo, hi) for lo, hi in draft.split(found.lo, found.hi)]


def _item(draft: Draft, lo: int, hi: int) -> Item:
    alias, end = None, hi
    if hi - lo >= 3 and draft.word(hi - 2) == "as" and draft.kind_at(hi - 1) in ("word", "quoted"):
        alias, end = draft.identifier(hi - 1), hi - 2
    elif hi - lo >= 2 and draft.kind_at(hi - 1) in ("word", "quoted") and _ends_operand(draft, hi - 2):
        word = draft.word(hi - 1)
        if word not in _TRAILING:
            alias, end = draft.identifier(hi - 1), hi - 1
    star = any(draft.mark(place) == "*" and _is_star(draft, place, lo) for place in (lo, lo + 2, lo + 4) if place < hi)
    name = alias
    if name is None and not star:
        name = _own_name(draft, lo, hi)
    return Item(lo, hi, end, alias, name, star)


# what may end an expression without being an alias
_TRAILING = frozenset({"end", "null", "true", "false", "unknown", "day", "month", "year", "hour", "minute", "second"})
_OPERATOR_WORDS = words(
    """
        and or not like ilike in is between similar to case when then else distinct all select escape over as isnull
        notnull any some from collate interval at time zone
    """
)


def _ends_operand(draft: Draft, at: int) -> bool:
    token = draft.tokens[at]
    if token.kind in ("string", "number", "quoted", "parameter", "dollar"):
        return True
    if token.kind == "word":
        return token.word not in _OPERATOR_WORDS
    return token.text in (")", "]")


def is_item(draft: Draft, lo: int, hi: int) -> bool:
    """Whether this stretch is a whole expression of a select list, without an alias."""
    after = draft.tokens[hi]
    if after.text not in (",", ")") and after.word not in _AFTER_ITEM and after.kind != "end":
        return False
    depth = 0
    for place in range(lo - 1, -1, -1):
        token = draft.tokens[place]
        if token.kind == "punctuation":
            depth += (token.text in ")]}") - (token.text in "([{")
            if depth < 0:
                return False
        if depth == 0 and place == lo - 1 and token.text != "," and token.word not in ("select", "distinct", "all"):
            return False
        if depth == 0 and token.word == "select":
            return True
        if depth == 0 and token.word in _NOT_IN_LIST:
            return False
    return False


_AFTER_ITEM = frozenset({"from", "where", "group", "order", "limit", "into", "union", "except", "intersect", "minus"})
_NOT_IN_LIST = frozenset({"from", "where", "by", "having", "qualify", "values", "set", "using", "on", "limit"})


def _is_star(draft: Draft, at: int, lo: int) -> bool:
    return all(draft.is_name(place) and draft.mark(place + 1) == "." for place in range(lo, at, 2))


def _own_name(draft: Draft, lo: int, hi: int) -> str | None:
    """The name that an expression without alias gets: its column's, its function's, its type's."""
    if draft.is_name(hi - 1) and all(
        draft.mark(place) == "." if (hi - 1 - place) % 2 else draft.is_name(place) for place in range(lo, hi)
    ):
        return draft.identifier(hi - 1)
    parts, after = draft.name(lo)
    if draft.word(lo) == "case" and draft.word(hi - 1) == "end":
        return "case"
    if not parts:
        return None
    if draft.mark(after) == "::":
        return parts[-1]
    if draft.mark(after) == "(":
        after = draft.close(after) + 1
        while after < hi and (draft.word(after) in _AFTER_CALL or draft.mark(after) == "("):
            after = draft.close(after) + 1 if draft.mark(after) == "(" else after + 1
        return parts[-1] if after == hi else None
    return None


# what belongs to a call behind its parentheses
_AFTER_CALL = frozenset({"over", "within", "group", "ignore", "respect", "nulls"})
