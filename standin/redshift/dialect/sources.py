"""What stands in FROM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from standin.redshift.dialect.blocks import opens_query
from standin.redshift.dialect.lexer import words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from standin.redshift.dialect.blocks import Clause
    from standin.redshift.dialect.rewrite import Draft

# a name in FROM is not one of these
_NO_ALIAS = words(
    """
        as on using join left right full inner outer cross natural where group having qualify order limit offset
        fetch for union intersect except minus pivot unpivot start connect window into with tablesample at when set
        values
    """
)
_JOIN_WORDS = frozenset({"join", "left", "right", "full", "inner", "outer", "cross", "natural"})


@dataclass(frozen=True)
class Source:
    """One item of FROM.

    Attributes:
        lo: where it begins, after the comma or JOIN.
        hi: where it ends, alias included, without ON or USING.
        end: where the relation ends, without AS and the alias.
        parts: the dotted name; empty for a subquery, a function or a parenthesised join.
        alias: the name that it was given; None if it was given none.
        alias_at: the place of that name, or -1.
        columns: the names of `alias (a, b)`.
        position: the name after AT.
        join: the words of the join in front of it ("left join"); "," or "" for a list.
        using: the columns of USING, or the word "natural".
        query: the place of the parenthesis if it is a subquery, else -1.
    """

    lo: int
    hi: int
    end: int
    parts: tuple[str, ...]
    alias: str | None
    alias_at: int
    columns: tuple[str, ...] = ()
    position: str | None = None
    join: str = ""
    using: tuple[str, ...] = ()
    query: int = -1

    @property
    def name(self) -> str | None:
        """The name by which the block's expressions call it."""
        return self.alias or (self.parts[-1] if self.parts else None)


def sources(draft: Draft, clause: Clause) -> list[Source]:
    """The relations of a FROM clause, joined ones included, parenthesised joins opened."""
    return list(_sources(draft, clause.lo, clause.hi))


def _sources(draft: Draft, lo: int, hi: int) -> Iterator[Source]:
    at, join = lo, ""
    while at < hi:
        begin = at
        while draft.word(at) in ("lateral", "only"):
            at += 1
        one, at, inner = _source(draft, begin, at, hi, join)
        if inner is not None:
            yield from _sources(draft, *inner)
        else:
            yield one
        # on to the next one: after a comma or a JOIN outside of parentheses
        depth, words = 0, []
        join = ""
        while at < hi:
            token = draft.tokens[at]
            if token.kind == "punctuation":
                depth += (token.text in "([{") - (token.text in ")]}")
                if token.text == "," and depth == 0:
                    join = ","
                    at += 1
                    break
            elif depth == 0 and token.word in _JOIN_WORDS:
                words.append(token.word)
                if token.word == "join":
                    join = " ".join(words)
                    at += 1
                    break
            at += 1
        if not join:
            return


def _source(
    draft: Draft, begin: int, at: int, hi: int, join: str
) -> tuple[Source, int, tuple[int, int] | None]:  # fmt: skip
    parts: tuple[str, ...] = ()
    query = -1
    # a function is known by its name
    called: str | None = None
    if draft.mark(at) == "(":
        close = draft.close(at)
        if opens_query(draft, at):
            query = at
        elif not _has_alias(draft, close + 1, hi):
            return Source(begin, close + 1, close + 1, (), None, -1, join=join), close + 1, (at + 1, close)
        at = close + 1
    else:
        if draft.word(at) == "unpivot":
            at += 1
        names, after = draft.name(at)
        parts = tuple(names)
        at = max(after, begin + 1)
        if draft.mark(at) == "(":
            called = parts[-1] if parts else None
            parts, at = (), draft.close(at) + 1
        while draft.mark(at) in ("[", ".") and at < hi:
            at = draft.close(at) + 1 if draft.mark(at) == "[" else at + 2
    end = at
    while draft.word(at) in ("pivot", "unpivot") and at < hi:
        at += 1
        if draft.word(at) in ("include", "exclude"):
            at += 2
        at = draft.close(at) + 1
        end = at
    alias, alias_at = called, -1
    if _has_alias(draft, at, hi):
        at += draft.word(at) == "as"
        alias, alias_at = draft.identifier(at), at
        at += 1
    columns: tuple[str, ...] = ()
    if alias is not None and draft.mark(at) == "(":
        columns = tuple(draft.identifier(place) for place in range(at + 1, draft.close(at)) if draft.is_name(place))
        at = draft.close(at) + 1
    position = None
    if draft.word(at) == "at" and draft.is_name(at + 1):
        position = draft.identifier(at + 1)
        at += 2
    source = Source(begin, at, end, parts, alias, alias_at, columns, position, join, _using(draft, at, hi, join), query)
    return source, at, None


def _has_alias(draft: Draft, at: int, hi: int) -> bool:
    if at >= hi:
        return False
    if draft.word(at) == "as":
        return draft.is_name(at + 1)
    return draft.kind_at(at) == "quoted" or (draft.kind_at(at) == "word" and draft.word(at) not in _NO_ALIAS)


def _using(draft: Draft, at: int, hi: int, join: str) -> tuple[str, ...]:
    if "natural" in join:
        return ("natural",)
    if at < hi and draft.word(at) == "using" and draft.mark(at + 1) == "(":
        close = draft.close(at + 1)
        return tuple(draft.identifier(place) for place in range(at + 2, close) if draft.is_name(place))
    return ()
