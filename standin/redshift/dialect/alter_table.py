"""ALTER TABLE: what Redshift's has in common with Postgres', and what only one of them has."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from standin.redshift.dialect import attributes as table_attributes
from standin.redshift.dialect import column_types
from standin.redshift.dialect.attributes import INVALID_DEFINITION, Attributes, qualified
from standin.redshift.dialect.create_table import column, table_constraint
from standin.redshift.dialect.lexer import quote_literal
from standin.redshift.dialect.names import short
from standin.redshift.dialect.statement import FEATURE_NOT_SUPPORTED

if TYPE_CHECKING:
    from standin.redshift.dialect.rewrite import Draft

_TAG = "ALTER TABLE"
_CONSTRAINTS = frozenset({"constraint", "unique", "primary", "foreign", "check"})
_PHYSICAL = frozenset({"distkey", "diststyle", "sortkey", "compound", "interleaved", "encode"})


def rewrite(draft: Draft) -> None:
    """ALTER TABLE name action, and `ALTER TABLE name ALTER COLUMN c ENCODE e, …`."""
    parts, at = draft.name(2)
    if not parts:
        draft.syntax_error(at)
    name = quote_literal(qualified(parts))
    word = draft.word(at)
    if word == "alter" and (draft.word(at + 1) in _PHYSICAL or _is_encode(draft, at)):
        _physical(draft, at, name)
        return
    for place in draft.outermost(at, len(draft.tokens)):
        if draft.mark(place) == ",":
            draft.syntax_error(place)
    if word == "append":
        _append(draft, at, name)
    elif word == "add":
        _add(draft, at, parts, name)
    elif word == "drop":
        _drop(draft, at, name)
    elif word == "alter":
        _retype(draft, at, name)
    elif word == "rename":
        _rename(draft, at, name)
    elif word in ("row", "masking"):
        draft.unsupported("ALTER TABLE … ROW LEVEL SECURITY", at)
    elif word == "set" and draft.word(at + 1) in ("location", "file", "table"):
        draft.unsupported("ALTER TABLE of an external table", at)
    elif not draft.at(at, "owner", "to"):
        draft.syntax_error(at)


def _is_encode(draft: Draft, at: int) -> bool:
    at += 2 if draft.word(at + 1) == "column" else 1
    return draft.is_name(at) and draft.word(at + 1) == "encode"


def _physical(draft: Draft, at: int, name: str) -> None:
    """Distribution, sort keys and encodings live in the catalogue alone."""
    changed = Attributes("")
    for lo, hi in draft.split(at, len(draft.tokens) - 1):
        if draft.word(lo) != "alter":
            draft.syntax_error(lo)
        if _is_encode(draft, lo):
            place = lo + (2 if draft.word(lo + 1) == "column" else 1)
            column_name = draft.identifier(place)
            encoding = column_types.encoding(draft, place + 2, column_name, None)
            changed.columns[column_name] = {"encoding": encoding}
            end = place + 3
        elif draft.word(lo + 1) == "distkey" and draft.is_name(lo + 2):
            changed.diststyle, changed.distkey = "KEY", draft.identifier(lo + 2)
            end = lo + 3
        elif draft.at(lo + 1, "diststyle", "key", "distkey") and draft.is_name(lo + 4):
            changed.diststyle, changed.distkey = "KEY", draft.identifier(lo + 4)
            end = lo + 5
        else:
            end = table_attributes.read(draft, lo + 1, changed)
        if end != hi:
            draft.syntax_error(end)
    table_attributes.check(draft, at, changed)
    said = changed.as_json()
    draft.finish(f"call pg_catalog.rs_alter_physical({name}, {quote_literal(said)})", _TAG)


def _append(draft: Draft, at: int, name: str) -> None:
    """Moves all rows, and commits."""
    if draft.word(at + 1) != "from":
        draft.syntax_error(at + 1)
    parts, end = draft.name(at + 2)
    option = draft.word(end)
    if not parts or (draft.kind_at(end) != "end" and option not in ("ignoreextra", "filltarget")):
        draft.syntax_error(end)
    if draft.kind_at(end) != "end" and draft.kind_at(end + 1) != "end":
        draft.syntax_error(end + 1)
    source = quote_literal(qualified(parts))
    draft.finish(f"call pg_catalog.rs_append_table({name}, {source}, {quote_literal(option)})", "ALTER TABLE APPEND")
    draft.commits = True
    draft.outside_transaction = True


def _add(draft: Draft, at: int, parts: list[str], name: str) -> None:
    end = len(draft.tokens) - 1
    if draft.word(at + 1) in _CONSTRAINTS:
        made = Attributes("")
        made.keys.append(table_constraint(draft, at + 1, end))
        key = json.dumps(json.loads(made.as_json())["keys"][0])
        draft.finish(f"call pg_catalog.rs_alter_add_key({name}, {quote_literal(key)})", _TAG)
        return
    begin = at + 2 if draft.word(at + 1) == "column" else at + 1
    if draft.at(begin, "if", "not", "exists"):
        draft.syntax_error(begin)
    made = Attributes.of(parts)
    tokens = column(draft, begin, end, made)
    if made.keys or made.distkey or made.sortkeys:
        draft.error("a column that is added cannot be a key, a DISTKEY or a SORTKEY", begin, FEATURE_NOT_SUPPORTED)
    words = [token.word for token in tokens]
    described = made.columns[draft.identifier(begin)]
    described.pop("family", None)
    if "seed" in described:
        draft.error("ALTER TABLE ADD COLUMN does not support IDENTITY columns", begin, FEATURE_NOT_SUPPORTED)
    nullable = "not" not in words[2:]
    if not nullable and ("default" not in words or words[words.index("default") + 1] == "null"):
        message = "ALTER TABLE ADD COLUMN defined as NOT NULL must have a non-null default expression"
        draft.error(message, begin, INVALID_DEFINITION)
    made.columns = {column_name: value for column_name, value in made.columns.items() if value}
    draft.replace(begin, end, tokens)
    draft.comment = made.comment()


def _drop(draft: Draft, at: int, name: str) -> None:
    if draft.word(at + 1) == "constraint":
        if not draft.is_name(at + 2):
            draft.syntax_error(at + 2)
        constraint = quote_literal(short(draft.identifier(at + 2)))
        draft.finish(f"call pg_catalog.rs_alter_drop_key({name}, {constraint})", _TAG)
        return
    begin = at + 2 if draft.word(at + 1) == "column" else at + 1
    if draft.at(begin, "if", "exists"):
        draft.syntax_error(begin)


def _retype(draft: Draft, at: int, name: str) -> None:
    """ALTER COLUMN name TYPE varchar(n); Redshift changes nothing else of a column."""
    begin = at + 2 if draft.word(at + 1) == "column" else at + 1
    if not draft.is_name(begin):
        draft.syntax_error(begin)
    column_name = draft.identifier(begin)
    if draft.word(begin + 1) != "type":
        draft.syntax_error(begin + 1)
    kind, end = column_types.read(draft, begin + 2, column_name)
    if draft.kind_at(end) != "end":
        draft.syntax_error(end)
    if kind.family == "varbyte":
        changed = Attributes("", columns={column_name: {"bytes": kind.bytes}})
        draft.finish(f"call pg_catalog.rs_alter_bytes({name}, {quote_literal(changed.as_json())})", _TAG)
        draft.outside_transaction = True
        return
    if kind.family != "varchar":
        message = f'target data type "{draft.text(begin + 2, end)}" is not supported'
        draft.error(message, begin + 2, FEATURE_NOT_SUPPORTED)
    length = kind.sql.partition("(")[2].rstrip(")")
    draft.finish(f"call pg_catalog.rs_alter_length({name}, {quote_literal(short(column_name))}, {length})", _TAG)
    draft.outside_transaction = True


def _rename(draft: Draft, at: int, name: str) -> None:
    """RENAME TO, RENAME [COLUMN] a TO b."""
    if draft.word(at + 1) == "constraint":
        draft.syntax_error(at + 1)
    if draft.word(at + 1) == "to":
        parts, end = draft.name(at + 2)
        if len(parts) != 1 or draft.kind_at(end) != "end":
            draft.syntax_error(at + 2 if not parts else at + 3)
