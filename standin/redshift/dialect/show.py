"""SHOW of objects: each becomes a SELECT from the catalogue (`catalog/show.sql`).

Names, patterns and types may be parameters: so redshift_connector asks for metadata.

Source: the SQL reference, SHOW COLUMNS, SHOW CONSTRAINTS, SHOW DATABASES, SHOW FUNCTIONS, SHOW GRANTS, SHOW PARAMETERS,
SHOW PROCEDURE(S), SHOW SCHEMAS, SHOW TABLE(S), SHOW VIEW.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from standin.redshift.dialect import routines, session
from standin.redshift.dialect.attributes import qualified
from standin.redshift.dialect.lexer import quote_literal, string_value
from standin.redshift.dialect.statement import FEATURE_NOT_SUPPORTED

if TYPE_CHECKING:
    from standin.redshift.dialect.rewrite import Draft

_TAG = "SHOW"
_ABSENT = {
    "external": "external tables",
    "model": "machine learning models",
    "datashares": "datashares",
    "policies": "policies",
}
# SHOW … ON these kinds of objects
_OBJECTS = frozenset({"database", "schema", "table", "function", "procedure"})


@dataclass(frozen=True)
class _Named:
    """A dotted name: its parts as SQL, the place after it, and what must be true of its database."""

    parts: list[str]
    end: int
    condition: str = ""

    @property
    def schema(self) -> str:
        return self.parts[-2] if len(self.parts) > 1 else "null"

    @property
    def name(self) -> str:
        return self.parts[-1]


def rewrite(draft: Draft) -> None:
    """Handler of SHOW; what it leaves unfinished is a parameter (`session.show`)."""
    word, following = draft.word(1), draft.word(2)
    if word in _ABSENT and (following or word == "datashares"):
        draft.unsupported(f"SHOW {word.upper()} ({_ABSENT[word]})", 1)
    if word == "databases":
        _finish(draft, 2, _select("rs_show_databases()"), "database_name")
    elif word == "schemas":
        database = _database(draft, _expect(draft, 2, "from", "database"))
        query = _select("rs_show_schemas()")
        _finish(draft, database.end, query, "schema_name", database.condition)
    elif word == "tables":
        _show_tables(draft)
    elif word == "columns":
        table = _name(draft, _expect(draft, 2, "from", "table"), 3)
        query = _select(f"rs_show_columns({table.schema}, {table.name})")
        _finish(draft, table.end, query, "column_name", table.condition)
    elif word in ("table", "view", "procedure") and draft.is_name(2):
        _show_definition(draft, word)
    elif word == "constraints":
        _show_constraints(draft)
    elif word in ("functions", "procedures"):
        schema = _name(draft, _expect(draft, 2, "from", "schema"), 2)
        name, kind = f"{word[:-1]}_name", word[0]
        columns = f"database_name, schema_name, routine_name as {name}, number_of_arguments, argument_list, return_type"
        query = _select(f"rs_show_routines({schema.name}, '{kind}')", f"{columns}, remarks")
        _finish(draft, schema.end, query, name, schema.condition)
    elif word == "parameters":
        _show_parameters(draft)
    elif word == "grants" or (word == "column" and following == "grants"):
        _show_grants(draft)
    else:
        session.show(draft)


def _show_tables(draft: Draft) -> None:
    at = _expect(draft, 2, "from")
    if draft.word(at) == "database":
        draft.unsupported("SHOW TABLES FROM DATABASE", at)
    schema = _name(draft, _expect(draft, at, "schema"), 2)
    query = _select(f"rs_show_tables({schema.name})")
    _finish(draft, schema.end, query, "table_name", schema.condition)


def _show_definition(draft: Draft, kind: str) -> None:
    if kind == "procedure":
        name, types, at = routines.procedure(draft, 2)
        call = f"pg_catalog.rs_show_procedure({quote_literal(name)}, {types})"
        label = "Show Stored Procedure Definition"
    else:
        parts, at = draft.name(2)
        call = f"pg_catalog.rs_show_{kind}({quote_literal(qualified(parts))})"
        label = "Show Table DDL statement" if kind == "table" else "Show View DDL statement"
    if draft.kind_at(at) != "end":
        draft.syntax_error(at)
    draft.finish(f'select {call} as "{label}"', _TAG)


def _show_constraints(draft: Draft) -> None:
    kind, at, more = draft.word(2), 4, ""
    if kind not in ("primary", "foreign") or draft.word(3) != "keys":
        draft.syntax_error(2)
    if kind == "foreign":
        more = ", false"
        if draft.word(at) == "exported":
            at, more = at + 1, ", true"
    table = _name(draft, _expect(draft, at, "from", "table"), 3)
    query = _select(f"rs_show_{kind}_keys({table.schema}, {table.name}{more})")
    _finish(draft, table.end, query, "column_name" if kind == "primary" else "fk_column_name", table.condition)


def _show_parameters(draft: Draft) -> None:
    at = _expect(draft, 2, "of")
    kind = draft.word(at)
    if kind not in ("function", "procedure"):
        draft.syntax_error(at)
    routine = _name(draft, at + 1, 3)
    if len(routine.parts) < 2 or draft.mark(routine.end) != "(":
        draft.syntax_error(routine.end)
    close = draft.close(routine.end)
    if draft.kind_at(routine.end + 1) == "parameter":
        types = (
            "concat_ws(', ', "
            + ", ".join(f"{draft.text(lo, hi)}::text" for lo, hi in draft.arguments(routine.end))
            + ")"
        )
    else:
        types = quote_literal(draft.text(routine.end + 1, close))
    columns = (
        f"database_name, schema_name, routine_name as {kind}_name, parameter_name, ordinal_position, parameter_type, "
        "data_type, character_maximum_length, numeric_precision, numeric_scale"
    )
    query = _select(f"rs_show_parameters({routine.schema}, {routine.name}, {types}, '{kind[0]}')", columns)
    _finish(draft, close + 1, query, "parameter_name", routine.condition)


def _show_grants(draft: Draft) -> None:
    columns = draft.word(1) == "column"
    at = 3 if columns else 2
    if draft.word(at) == "for":
        at += 1
        at += 1 if draft.word(at) in ("role", "group", "user") and _is_part(draft, at + 1) else 0
        identity = _name(draft, at, 1)
        query = _select(f"rs_show_grants_for({identity.name})")
        _finish(draft, identity.end, query, "object_name")
        return
    at = _expect(draft, at, "on")
    kind = draft.word(at) if draft.word(at) in _OBJECTS and _is_part(draft, at + 1) else ""
    at += 1 if kind else 0
    target = _database(draft, at) if kind == "database" else _name(draft, at, 2 if kind == "schema" else 3)
    end = draft.close(target.end) + 1 if draft.mark(target.end) == "(" else target.end
    if columns:
        query = _select(f"rs_show_column_grants({target.schema}, {target.name})")
    else:
        what = quote_literal((kind or "table").upper())
        query = _select(f"rs_show_grants_on({target.schema}, {target.name}, {what})")
    _finish(draft, end, query, "column_name" if columns else "object_name", target.condition)


def _select(call: str, columns: str = "*") -> str:
    """A query whose columns can be named in a condition."""
    if columns == "*":
        return f"select * from pg_catalog.{call}"  # noqa: S608 - arguments are literals and parameters
    return f"select * from (select {columns} from pg_catalog.{call}) as shown"  # noqa: S608


def _finish(draft: Draft, at: int, query: str, filtered: str, condition: str = "") -> None:
    """Take in `[LIKE 'pattern'] [LIMIT n]`, which ends all of them."""
    conditions = [condition] if condition else []
    if draft.word(at) == "like":
        if draft.kind_at(at + 1) == "parameter":
            conditions.append(f"{filtered} like {draft.tokens[at + 1].text}::text")
        elif draft.kind_at(at + 1) == "string":
            conditions.append(f"{filtered} like {quote_literal(string_value(draft.tokens[at + 1]))}")
        else:
            draft.syntax_error(at + 1)
        at += 2
    if conditions:
        query += " where " + " and ".join(conditions)
    if draft.word(at) == "limit":
        if draft.kind_at(at + 1) != "number":
            draft.syntax_error(at + 1)
        query += f" limit {draft.tokens[at + 1].text}"
        at += 2
    if draft.kind_at(at) != "end":
        draft.syntax_error(at)
    draft.finish(query, _TAG)


def _expect(draft: Draft, at: int, *words: str) -> int:
    for word in words:
        if draft.word(at) != word:
            draft.syntax_error(at)
        at += 1
    return at


def _is_part(draft: Draft, at: int) -> bool:
    return draft.is_name(at) or draft.kind_at(at) == "parameter"


def _name(draft: Draft, at: int, most: int) -> _Named:
    """A name of at most so many parts; the first of so many is the database."""
    parts: list[str] = []
    begin = at
    while _is_part(draft, at):
        is_parameter = draft.kind_at(at) == "parameter"
        parts.append(f"{draft.tokens[at].text}::text" if is_parameter else quote_literal(draft.identifier(at)))
        at += 1
        if draft.mark(at) != "." or not _is_part(draft, at + 1):
            break
        at += 1
    if not 1 <= len(parts) <= most:
        draft.syntax_error(begin)
    if len(parts) == most and most > 1:
        return _Named(parts[1:], at, _own_database(draft, begin, parts[0]))
    return _Named(parts, at)


def _database(draft: Draft, at: int) -> _Named:
    named = _name(draft, at, 1)
    return _Named(named.parts, named.end, _own_database(draft, at, named.name))


def _own_database(draft: Draft, at: int, database: str) -> str:
    """The condition that the database is the one connected to; nothing left to check for a name that is written."""
    if draft.kind_at(at) == "parameter":
        return f"pg_catalog.rs_require_database({database})"
    if draft.identifier(at).lower() != draft.context.database.lower():
        message = (
            f'database "{draft.identifier(at)}" is not the one connected to: the stand-in shows one database at a time'
        )
        draft.error(message, at, FEATURE_NOT_SUPPORTED)
    return ""
