"""CREATE VIEW, late-binding views, materialized views."""

from __future__ import annotations

from typing import TYPE_CHECKING

from standin.redshift.dialect import attributes as table_attributes
from standin.redshift.dialect import decimals, literals
from standin.redshift.dialect import names as names_pass
from standin.redshift.dialect.attributes import Attributes, columns_in, qualified
from standin.redshift.dialect.lexer import lex, quote_literal
from standin.redshift.dialect.rewrite import fragment
from standin.redshift.dialect.statement import FEATURE_NOT_SUPPORTED, DialectError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from standin.redshift.dialect.rewrite import Draft

_UNBOUND = ("with", "no", "schema", "binding")
# what may follow FROM or JOIN without being a relation's name
_NO_RELATION = frozenset({"select", "lateral", "unnest", "only", "values"})


def create(draft: Draft, at: int) -> None:
    """CREATE [OR REPLACE] VIEW from its name on, which stands at `at`."""
    parts, end = draft.name(at)
    if not parts:
        draft.syntax_error(end)
    names: list[str] = []
    if draft.mark(end) == "(":
        names = columns_in(draft, end)
        end = draft.close(end) + 1
    if draft.word(end) != "as":
        draft.syntax_error(end)
    literals.give_types(draft, end)
    decimals.give_types(draft, end)
    last = len(draft.tokens) - 1
    if draft.at(last - 2, "check", "option"):
        draft.syntax_error(next(place for place in reversed(range(last)) if draft.word(place) == "with"))
    made = Attributes.of(parts, kind="view", definition=draft.source.strip())
    if draft.at(last - 4, *_UNBOUND):
        _late_binding(draft, at, (end + 1, last - 4), names, made)
    else:
        draft.comment = made.comment()


def create_materialized(draft: Draft, at: int) -> None:
    """CREATE MATERIALIZED VIEW from its name on, which stands at `at`."""
    parts, end = draft.name(at)
    if not parts:
        draft.syntax_error(end)
    made = Attributes.of(parts, kind="materialized view", definition=draft.source.strip())
    after = end
    if draft.mark(end) == "(":
        after = draft.close(end) + 1
    begin = after
    after = table_attributes.read(draft, begin, made)
    if draft.word(after) != "as":
        draft.syntax_error(after)
    table_attributes.check(draft, begin, made)
    last = len(draft.tokens) - 1
    if draft.word(last - 1) == "data":
        draft.syntax_error(last - (3 if draft.word(last - 2) == "no" else 2))
    literals.give_types(draft, after)
    decimals.give_types(draft, after)
    draft.remove(begin, after)
    draft.comment = made.comment()


def alter_materialized(draft: Draft) -> None:
    """ALTER MATERIALIZED VIEW: AUTO REFRESH, OWNER TO, RENAME TO."""
    parts, at = draft.name(3)
    if draft.at(at, "auto", "refresh") and draft.word(at + 2) in ("yes", "no"):
        on = "true" if draft.word(at + 2) == "yes" else "false"
        name = quote_literal(qualified(parts))
        draft.finish(f"call pg_catalog.rs_alter_refresh({name}, {on})", "ALTER MATERIALIZED VIEW")
    elif draft.word(at) in ("row", "masking"):
        draft.unsupported("ALTER MATERIALIZED VIEW … ROW LEVEL SECURITY", at)
    elif draft.at(at, "owner", "to") or draft.at(at, "rename"):
        return
    else:
        draft.syntax_error(at)


def refresh(draft: Draft) -> None:
    """REFRESH MATERIALIZED VIEW name [RESTRICT | CASCADE]."""
    if not draft.at(1, "materialized", "view"):
        draft.syntax_error(1)
    parts, at = draft.name(3)
    if not parts:
        draft.syntax_error(at)
    if draft.word(at) in ("restrict", "cascade"):
        draft.remove(at, at + 1)
    if draft.kind_at(at) != "end":
        draft.syntax_error(at)


def _late_binding(draft: Draft, at: int, body: tuple[int, int], names: list[str], made: Attributes) -> None:
    """A view over the text of its query (`catalog/late_binding.sql`)."""
    _require_qualified(draft, *body)
    query = fragment(draft.text(*body), draft.context)
    if names:
        listed = ", ".join(qualified([name]) for name in names)
        query = f"select * from ({query}\n) as rs_query({listed})"  # noqa: S608 - names are quoted
    made.kind, made.query, made.reads = "late binding view", query, sorted(set(_dotted(query)))
    replaced = qualified(draft.name(at)[0])
    # the name may be one that has to be shortened
    names_pass.rewrite(draft)
    name = draft.text(at, draft.name(at)[1])
    statement = f"create view {name} as select from pg_catalog.rs_unbound({quote_literal(query)})"
    if draft.at(1, "or", "replace"):
        statement = quote_literal(f"{statement} /*{made.comment()}*/")
        draft.finish(f"call pg_catalog.rs_replace_view({quote_literal(replaced)}, {statement})", "CREATE VIEW")
    else:
        draft.finish(statement, "CREATE VIEW")
        draft.comment = made.comment()


def _require_qualified(draft: Draft, lo: int, hi: int) -> None:
    """Relations have a schema; the names of WITH have none."""
    named = {
        draft.identifier(place)
        for place in range(lo, hi)
        if draft.is_name(place)
        and (draft.word(place + 1) == "as" or draft.mark(place + 1) == "(")
        and _is_with(draft, place)
    }
    for place in _relations(draft, lo, hi):
        parts, end = draft.name(place)
        if len(parts) == 1 and parts[0] not in named and draft.mark(end) != "(" and parts[0] not in _NO_RELATION:
            message = "All the relation names inside should be qualified when creating VIEW WITH NO SCHEMA BINDING."
            raise DialectError(message, FEATURE_NOT_SUPPORTED, draft.position(place))


def _is_with(draft: Draft, place: int) -> bool:
    before = place - 1
    return draft.word(before) in ("with", "recursive") or (draft.mark(before) == "," and draft.mark(before - 1) == ")")


def _relations(draft: Draft, lo: int, hi: int) -> Iterator[int]:
    """The places where a relation's name stands: behind FROM and JOIN."""
    for place in range(lo, hi):
        if draft.word(place) == "from" and _is_function_from(draft, place):
            continue
        if draft.word(place) in ("from", "join") and draft.is_name(place + 1):
            yield place + 1


def _is_function_from(draft: Draft, place: int) -> bool:
    """`extract(year from x)`, `trim(both from x)`, `x is distinct from y`."""
    if draft.word(place - 1) == "distinct":
        return True
    depth = 0
    for before in range(place - 1, -1, -1):
        mark = draft.mark(before)
        if mark == ")":
            depth += 1
        elif mark == "(":
            if depth == 0:
                return draft.word(before - 1) in ("extract", "trim", "substring", "overlay", "position")
            depth -= 1
        elif depth == 0 and draft.word(before) == "select":
            return False
    return False


def _dotted(query: str) -> Iterator[str]:
    """The last two parts of every dotted name: relations among them, and columns, which do no harm."""
    parts: list[str] = []
    for token in lex(query):
        if token.kind in ("word", "quoted"):
            name = token.word or token.text[1:-1].replace('""', '"')
            parts = [*parts[:-1], name] if parts and parts[-1] == "" else [name]
            if len(parts) > 1:
                yield ".".join(parts[-2:])
        elif token.text == "." and parts:
            parts.append("")
        else:
            parts = []
