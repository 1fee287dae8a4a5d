"""SUPER: paths into values (`orders[0].price`) and FROM items that take them apart (PartiQL).

Which part of a dotted name is a column is told by the sources in scope: behind the name of a source stands a column,
any other first name is a column itself; the rest is a path. Nothing has to be looked up. Navigation itself is lax and
lives in the catalogue: `super_get`, `super_at`, `super_unnest`, `super_unpivot`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from standin.redshift.dialect import super_types
from standin.redshift.dialect.blocks import Block, Clause, block, items
from standin.redshift.dialect.lexer import quote_literal, quote_name, string_value
from standin.redshift.dialect.sources import Source, sources

if TYPE_CHECKING:
    from standin.redshift.dialect.rewrite import Draft


@dataclass
class _Scope:
    """The names that a stretch of the statement can see."""

    lo: int
    hi: int
    found: Block | None
    sources: list[Source]
    unnested: set[str] = field(default_factory=set)

    def names(self) -> set[str]:
        return {source.name for source in self.sources if source.name is not None} - self.unnested


@dataclass(frozen=True)
class _Path:
    """Dotted names and subscripts from `lo` up to `hi`; `names` are the places of the names in front of a subscript."""

    lo: int
    hi: int
    names: tuple[int, ...]


def rewrite(draft: Draft) -> None:
    """Pass: navigation and unnesting."""
    if not any(token.text in (".", "[") or token.word in ("unpivot", "at") for token in draft.tokens):
        return
    scopes = _scopes(draft)
    _mark_unnested(draft, scopes)
    paths = [path for path in _paths(draft) if _is_expression(draft, path, scopes)]
    edits: list[tuple[int, int, str, _Path | Source]] = []
    for path in paths:
        text = _navigated(draft, path, scopes)
        if text is not None:
            edits.append((path.lo, path.hi, text, path))
    for scope in scopes:
        for source in scope.sources:
            text = _unnested(draft, source, scope, scopes)
            if text is not None:
                edits.append((source.lo, source.hi, text, source))
    unnamed = {
        item.lo: item.hi
        for scope in scopes
        if scope.found is not None
        for item in items(draft, scope.found)
        if item.alias is None and not item.star
    }
    for lo, hi, text, origin in sorted(edits, key=lambda edit: edit[0], reverse=True):
        end = unnamed.get(lo, -1) if isinstance(origin, _Path) else -1
        if isinstance(origin, _Path) and (end == hi or _is_cast(draft, hi, end)):
            draft.insert(end, f"as {quote_name(_shown(draft, origin))}")
        draft.replace(lo, hi, text)
    if edits:
        super_types.rewrite(draft)


def _is_cast(draft: Draft, lo: int, hi: int) -> bool:
    """Whether nothing but `::type` stands here."""
    return lo < hi and draft.mark(lo) == "::" and all(draft.kind_at(place) != "operator" for place in range(lo, hi))


def _scopes(draft: Draft) -> list[_Scope]:
    scopes: list[_Scope] = []
    for at, token in enumerate(draft.tokens):
        if token.word == "select" and draft.mark(at - 1) != ".":
            found = block(draft, at)
            clause = found.clause("from")
            scopes.append(_Scope(at, found.end, found, sources(draft, clause) if clause else []))
    if draft.kind in ("update", "delete"):
        scopes.insert(0, _statement(draft))
    return scopes


def _statement(draft: Draft) -> _Scope:
    """The scope of an UPDATE or DELETE."""
    end = len(draft.tokens) - 1
    marks = {draft.word(at): at for at in reversed(list(draft.outermost(0, end))) if draft.word(at)}
    begin = 2 if draft.word(1) == "from" else 1
    stop = min((marks[word] for word in ("set", "using", "where") if word in marks), default=end)
    listed = sources(draft, Clause(0, begin, stop))
    more = marks.get("using") or (marks.get("from", 0) if draft.kind == "update" else 0)
    if more:
        listed += sources(draft, Clause(more, more + 1, marks.get("where", end)))
    return _Scope(0, end, None, listed)


def _mark_unnested(draft: Draft, scopes: list[_Scope]) -> None:
    for scope in scopes:
        for number, source in enumerate(scope.sources):
            if (
                draft.word(source.lo) == "unpivot"
                or source.position is not None
                or _iterates(source, number, scope, scopes)
            ):
                if source.name is not None:
                    scope.unnested.add(source.name)
                if source.position is not None:
                    scope.unnested.add(source.position)


def _iterates(source: Source, number: int, scope: _Scope, scopes: list[_Scope]) -> bool:
    """Whether a FROM item is a path into a source in front of it, or into one of an enclosing block."""
    if not source.parts:
        return False
    first = source.parts[0]
    before = {other.name for other in scope.sources[:number]}
    if len(source.parts) == 1 and source.end - source.lo == 1:
        # one name is an item of an array of arrays only if it is itself one that was taken apart
        return first in before and first in scope.unnested
    if first in before:
        return True
    return any(first in outer.names() | outer.unnested for outer in _around(scope.lo, scopes) if outer is not scope)


def _around(at: int, scopes: list[_Scope]) -> list[_Scope]:
    """The scopes around a place, the innermost first."""
    return sorted((scope for scope in scopes if scope.lo <= at < scope.hi), key=lambda scope: -scope.lo)


def _paths(draft: Draft) -> list[_Path]:
    paths: list[_Path] = []
    at = 0
    while at < len(draft.tokens):
        is_array = draft.word(at) == "array" and draft.mark(at + 1) == "["
        if not draft.is_name(at) or draft.mark(at - 1) in (".", "::") or is_array:
            at += 1
            continue
        names, place, plain = [at], at + 1, True
        while True:
            if draft.mark(place) == "." and draft.is_name(place + 1):
                if plain:
                    names.append(place + 1)
                place += 2
            elif draft.mark(place) == "[":
                plain = False
                place = draft.close(place) + 1
            else:
                break
        is_call = plain and draft.mark(place) == "("
        if place > at + 1 and not is_call and draft.mark(place) != ".":
            paths.append(_Path(at, place, tuple(names)))
        if is_call:
            place += 1
        at = place
    return paths


def _is_expression(draft: Draft, path: _Path, scopes: list[_Scope]) -> bool:
    """Whether a path stands where an expression may, and not where a relation is named."""
    around = _around(path.lo, scopes)
    if not around:
        return False
    inner = around[0]
    if any(source.lo <= path.lo < source.hi and not _inside_query(source, path.lo) for source in inner.sources):
        return False
    if inner.found is not None:
        into = inner.found.clause("into")
        if into is not None and into.lo <= path.lo < into.hi:
            return False
    return True


def _inside_query(source: Source, at: int) -> bool:
    return source.query >= 0 and source.query < at < source.end


def _navigated(draft: Draft, path: _Path, scopes: list[_Scope]) -> str | None:
    """The path as calls; None if it is nothing but a column."""
    around = _around(path.lo, scopes)
    names = [draft.identifier(at) for at in path.names]
    base = _base(names, around)
    subscripted = path.names[-1] + 1 < path.hi
    if len(names) <= base and not subscripted:
        return None
    if base == 1 and len(names) == 2 and not subscripted and not _may_be_path(draft, names[0], around):
        return None
    column = path.names[min(base, len(names)) - 1]
    return _calls(draft, column + 1, path.hi, draft.text(path.lo, column + 1))


def _base(names: list[str], around: list[_Scope]) -> int:
    """How many of the dotted names lead to a column."""
    for scope in around:
        if names[0] in scope.unnested:
            return 1
        if names[0] in scope.names():
            return 2
        for source in scope.sources:
            if len(source.parts) > 1 and tuple(names[: len(source.parts)]) == source.parts:
                return len(source.parts) + 1
    return 1


def _may_be_path(draft: Draft, first: str, around: list[_Scope]) -> bool:
    """Whether `first.name` with an unknown first name can be a path: not the field of a record in a procedure."""
    if any(token.word in ("declare", "begin", "loop") for token in draft.tokens) or draft.kind == "merge":
        return False
    return any(scope.sources for scope in around) and first not in ("new", "old", "excluded")


def _calls(draft: Draft, at: int, hi: int, value: str) -> str:
    while at < hi:
        if draft.mark(at) == ".":
            written = draft.written_name(at + 1)
            # the session decides when the statement runs whether the quotes keep the case of an attribute
            function = "super_get" if written == draft.identifier(at + 1) else "rs_get_quoted"
            value = f"{function}({value}, {quote_literal(written)})"
            at += 2
        else:
            close = draft.close(at)
            if draft.kind_at(at + 1) == "string" and close == at + 2:
                value = f"super_get({value}, {quote_literal(string_value(draft.tokens[at + 1]))})"
            else:
                value = f"super_at({value}, {draft.text(at + 1, close)})"
            at = close + 1
    return value


def _unnested(draft: Draft, source: Source, scope: _Scope, scopes: list[_Scope]) -> str | None:
    """A FROM item that takes a value apart, as a lateral subquery; None for any other."""
    unpivoted = draft.word(source.lo) == "unpivot"
    number = scope.sources.index(source)
    if not unpivoted and not _iterates(source, number, scope, scopes):
        return None
    begin = source.lo + unpivoted
    around = [scope, *(outer for outer in _around(scope.lo, scopes) if outer is not scope)]
    names, place = [begin], begin + 1
    while draft.mark(place) == "." and draft.is_name(place + 1) and place < source.end:
        names.append(place + 1)
        place += 2
    base = min(_base([draft.identifier(at) for at in names], around), len(names))
    column = names[base - 1]
    path = _calls(draft, column + 1, source.end, draft.text(begin, column + 1))
    name = source.alias or draft.identifier(source.end - 1 if draft.is_name(source.end - 1) else names[-1])
    listed = f"value as {quote_name(name)}"
    if source.position is not None:
        listed += f", {'key' if unpivoted else 'index'} as {quote_name(source.position)}"
    function = "super_unpivot" if unpivoted else "super_unnest"
    subquery = f"select {listed} from {function}({path})"  # noqa: S608 - names are quoted
    return f"lateral ({subquery}) as {quote_name(name + '?')}"


def _shown(draft: Draft, path: _Path) -> str:
    """The name of the column that a path makes: its last attribute."""
    for at in range(path.hi - 1, path.lo - 1, -1):
        if draft.is_name(at) and (at == path.lo or draft.mark(at - 1) == "."):
            return draft.identifier(at)
    return "?column?"
