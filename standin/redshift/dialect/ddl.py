"""CREATE, ALTER, DROP, REFRESH and COMMENT: finds out what is meant, and leaves it to the module that knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from standin.redshift.dialect import alter_table, create_table, principals, routines, schemas, views

if TYPE_CHECKING:
    from standin.redshift.dialect.rewrite import Draft

# refused by name: what they need is outside of a database on a laptop
_ABSENT = {
    "datashare": "datashares",
    "model": "machine learning models",
    "library": "Python libraries",
    "masking": "dynamic data masking",
    "rls": "row-level security",
    "identity": "identity providers",
    "integration": "zero-ETL integrations",
    "connection": "connections",
    "template": "templates",
}
# Postgres has them, Redshift does not
_FOREIGN = frozenset(
    [
        "access",
        "aggregate",
        "cast",
        "collation",
        "conversion",
        "domain",
        "event",
        "extension",
        "foreign",
        "index",
        "operator",
        "policy",
        "publication",
        "rule",
        "sequence",
        "server",
        "statistics",
        "subscription",
        "tablespace",
        "text",
        "transform",
        "trigger",
        "type",
        "unlogged",
        "recursive",
    ]
)


def rewrite(draft: Draft) -> None:
    """Handler of CREATE, ALTER, DROP, REFRESH and COMMENT; the passes run afterwards unless it finished the draft."""
    {"create": _create, "alter": _alter, "drop": _drop, "refresh": views.refresh, "comment": _comment}[draft.kind](
        draft
    )


def _create(draft: Draft) -> None:
    replace = draft.at(1, "or", "replace")
    at = 3 if replace else 1
    word = draft.word(at)
    _refuse(draft, at)
    temporary = word in ("local", "temp", "temporary")
    while draft.word(at) in ("local", "temp", "temporary"):
        at += 1
    word = draft.word(at)
    if temporary and word != "table":
        draft.syntax_error(at)
    if draft.word(1) == "local":
        draft.remove(1, 2)
        at -= 1
    if replace and word not in ("view", "function", "procedure", "external"):
        draft.syntax_error(at)
    if word == "table":
        create_table.rewrite(draft, at + 1)
    elif word == "view":
        views.create(draft, at + 1)
    elif draft.at(at, "materialized", "view"):
        views.create_materialized(draft, at + 2)
    elif word in ("schema", "database"):
        schemas.create(draft, at)
    elif word in ("user", "group", "role"):
        principals.create(draft)
    elif word == "function":
        routines.create_function(draft, at + 1)
    elif word == "procedure":
        routines.create_procedure(draft, at + 1)
    else:
        draft.syntax_error(at)


def _alter(draft: Draft) -> None:
    _refuse(draft, 1)
    word = draft.word(1)
    if word == "table":
        alter_table.rewrite(draft)
    elif word == "view":
        _alter_view(draft)
    elif draft.at(1, "materialized", "view"):
        views.alter_materialized(draft)
    elif word in ("schema", "database"):
        schemas.alter(draft)
    elif word in ("user", "group", "role"):
        principals.alter(draft)
    elif word in ("function", "procedure"):
        routines.alter(draft)
    elif draft.at(1, "default", "privileges"):
        from standin.redshift.dialect import grants

        grants.default_privileges(draft)
    elif word == "system":
        draft.unsupported("ALTER SYSTEM", 1)
    else:
        draft.syntax_error(1)


def _alter_view(draft: Draft) -> None:
    """Views are renamed and given away through ALTER TABLE; this statement is for external views."""
    draft.unsupported("ALTER VIEW of an external view", 1, hint="Use ALTER TABLE … RENAME TO, or OWNER TO.")


def _drop(draft: Draft) -> None:
    _refuse(draft, 1)
    word = draft.word(1)
    if word in ("table", "view"):
        return
    if draft.at(1, "materialized", "view"):
        return
    if word in ("schema", "database"):
        schemas.drop(draft)
    elif word in ("user", "group", "role"):
        principals.drop(draft)
    elif word in ("function", "procedure"):
        routines.drop(draft)
    else:
        draft.syntax_error(1)


def _comment(draft: Draft) -> None:
    """COMMENT ON; a materialized view is a view there."""
    if draft.at(1, "on", "constraint"):
        draft.unsupported("COMMENT ON CONSTRAINT", 2)
    if draft.at(1, "on", "view"):
        from standin.redshift.dialect.attributes import qualified
        from standin.redshift.dialect.lexer import quote_literal, string_value

        parts, at = draft.name(3)
        if not parts or draft.word(at) != "is":
            draft.syntax_error(at)
        value = "null" if draft.word(at + 1) == "null" else quote_literal(string_value(draft.tokens[at + 1]))
        draft.finish(f"call pg_catalog.rs_comment_on_view({quote_literal(qualified(parts))}, {value})", "COMMENT")
    elif draft.word(2) not in ("table", "column", "database", "schema", "function", "procedure"):
        draft.syntax_error(2)


def _refuse(draft: Draft, at: int) -> None:
    word = draft.word(at)
    if word == "external":
        what = draft.word(at + 1).upper() or "TABLE"
        draft.unsupported(f"{draft.kind.upper()} EXTERNAL {what}", at)
    if word in _ABSENT:
        draft.unsupported(f"{draft.kind.upper()} {word.upper()} ({_ABSENT[word]})", at)
    if word in _FOREIGN or draft.at(at, "unique", "index"):
        draft.syntax_error(at)
