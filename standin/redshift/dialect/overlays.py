"""Catalogue relations that Redshift shows otherwise than Postgres.

The views that look like Redshift's are in `catalog/overlays.sql`; they take the relation's place after FROM and JOIN,
under its name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from standin.redshift.dialect.rewrite import Draft

_CATALOG = frozenset(
    [
        "pg_class",
        "pg_attribute",
        "pg_attrdef",
        "pg_views",
        "pg_tables",
        "pg_namespace",
        "pg_proc",
        "pg_constraint",
        "pg_user",
        "pg_group",
    ]
)
_INFORMATION_SCHEMA = frozenset(
    {
        "tables",
        "views",
        "columns",
        "table_constraints",
        "key_column_usage",
        "referential_constraints",
        "constraint_column_usage",
        "constraint_table_usage",
    }
)
# what may follow a relation in FROM without being its alias
_NO_ALIAS = frozenset(
    [
        "on",
        "using",
        "join",
        "left",
        "right",
        "full",
        "inner",
        "outer",
        "cross",
        "natural",
        "where",
        "group",
        "having",
        "qualify",
        "order",
        "limit",
        "offset",
        "fetch",
        "for",
        "union",
        "intersect",
        "except",
        "minus",
        "pivot",
        "unpivot",
        "window",
        "into",
        "tablesample",
    ]
)
_AFTER_CONDITION = frozenset({"and", "or", "group", "order", "limit", "union"})


def rewrite(draft: Draft) -> None:
    """Pass: catalogue relations after FROM and JOIN become the views that look like Redshift's."""
    for at in reversed(range(len(draft.tokens))):
        word = draft.word(at) or _quoted(draft, at)
        if word == "where" and draft.kind_at(at + 1) == "number" and _ends(draft, at + 2):
            # a number is a condition; sqlalchemy-redshift asks the catalogue so
            draft.insert(at + 2, "::boolean")
        elif draft.mark(at + 1) == "." and draft.mark(at - 1) == ".":
            # a column of theirs: the view goes by the relation's name, without the schema
            known = {"pg_catalog": _CATALOG, "information_schema": _INFORMATION_SCHEMA}
            if word in known.get(_schema(draft, at), ()):
                draft.remove(at - 2, at)
        elif word in _CATALOG and _is_catalog(draft, at):
            begin = at - 2 if draft.mark(at - 1) == "." else at
            _replace(draft, begin, at, word, f"pg_catalog.rs_{word}")
        elif word in _INFORMATION_SCHEMA and _schema(draft, at) == "information_schema":
            begin = at - 4 if draft.mark(at - 3) == "." else at - 2
            _replace(draft, begin, at, word, f"pg_catalog.rs_is_{word}")


def _ends(draft: Draft, at: int) -> bool:
    return draft.kind_at(at) == "end" or draft.mark(at) == ")" or draft.word(at) in _AFTER_CONDITION


def _replace(draft: Draft, begin: int, at: int, name: str, view: str) -> None:
    if draft.word(begin - 1) not in ("from", "join") and draft.mark(begin - 1) not in (",", "("):
        return
    # in a list of columns or in a call, it is a column
    if draft.mark(begin - 1) in (",", "(") and not _in_from(draft, begin - 1):
        return
    has_alias = draft.word(at + 1) == "as" or (draft.is_name(at + 1) and draft.word(at + 1) not in _NO_ALIAS)
    draft.replace(begin, at + 1, view if has_alias else f'{view} as "{name}"')


def _in_from(draft: Draft, at: int) -> bool:
    """Whether the comma or parenthesis here stands in a FROM clause."""
    depth = 0
    for place in range(at, -1, -1):
        mark = draft.mark(place)
        if mark == ")":
            depth += 1
        elif mark == "(":
            if (
                depth == 0
                and draft.word(place - 1) not in ("from", "join")
                and draft.mark(place - 1) != "("
                and place != at
            ):
                return False
            depth = max(0, depth - 1)
        elif depth == 0:
            word = draft.word(place)
            if word in ("from", "join"):
                return True
            if word in ("select", "where", "by", "having", "set", "values"):
                return False
    return False


def _is_catalog(draft: Draft, at: int) -> bool:
    """Whether the name stands alone or behind `pg_catalog.`."""
    return draft.mark(at - 1) != "." or (_schema(draft, at) == "pg_catalog" and draft.mark(at - 3) != ".")


def _schema(draft: Draft, at: int) -> str:
    """The name in front of the dot in front of the name here; "" if there is none."""
    if draft.mark(at - 1) != ".":
        return ""
    return draft.word(at - 2) or _quoted(draft, at - 2)


def _quoted(draft: Draft, at: int) -> str:
    return draft.identifier(at) if draft.kind_at(at) == "quoted" else ""
