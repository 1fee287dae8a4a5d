"""What Postgres takes and Redshift refuses, refused here with Redshift's words.

Only what the client wrote is looked at, never what a rewrite put in, and never strings, comments or quoted names. The
table is in `refusals`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from standin.redshift.dialect import recursion
from standin.redshift.dialect.blocks import block, opens_query
from standin.redshift.dialect.lexer import words
from standin.redshift.dialect.refusals import (
    FUNCTIONS,
    LEADER_ONLY,
    NO_FUNCTION,
    NO_OBJECT,
    NOT_SUPPORTED,
    ON_TABLES,
    OPERATORS,
    RESERVED,
    RULES,
    STATEMENTS,
    TYPES,
    Rule,
)
from standin.redshift.dialect.sources import sources
from standin.redshift.dialect.statement import DialectError

if TYPE_CHECKING:
    from standin.redshift.dialect.rewrite import Draft

# a name in front of a parenthesis that is no call
_NOT_CALLED_AFTER = frozenset(
    {
        "into",
        "table",
        "exists",
        "function",
        "procedure",
        "view",
        "index",
        "references",
        "update",
        "as",
        "with",
        "recursive",
    }
    | {"call", "type", "user", "schema", "key", "on"}
)


def statement(draft: Draft) -> None:
    """Handler of statements that Redshift does not have."""
    text = STATEMENTS[draft.kind]
    if text:
        draft.error(text, 0, NOT_SUPPORTED)
    draft.syntax_error(0)


def rewrite(draft: Draft) -> None:
    """Pass: constructs that Redshift refuses. Raises `DialectError` for the first one."""
    for at, token in enumerate(draft.tokens):
        if token.start < 0:
            continue
        if token.word:
            _word(draft, at, token.word)
        elif token.kind == "operator":
            if token.text in OPERATORS:
                draft.error(f"operator does not exist: {token.text}", at, NO_FUNCTION)
        elif token.text == "::":
            _cast(draft, at + 1)
        elif token.kind == "dollar" and draft.kind not in ("create", "do", "comment"):
            draft.syntax_error(at)


def _word(draft: Draft, at: int, word: str) -> None:
    for rule, parts in _BY_WORD.get(word, ()):
        if all(_is(draft, at + number, part) for number, part in enumerate(parts)) and (
            rule.when is None or rule.when(draft, at)
        ):
            if rule.catalogue and _reads_catalogue(draft):
                continue
            _refuse(draft, rule, at)
    if word == "select" and draft.mark(at + 1) == "(":
        _row(draft, at + 1)
    if draft.mark(at + 1) == "(" and draft.mark(at - 1) != "." and draft.word(at - 1) not in _NOT_CALLED_AFTER:
        if word in FUNCTIONS:
            hint = FUNCTIONS[word] or "No function matches the given name and argument types."
            raise DialectError(f"function {word}() does not exist", NO_FUNCTION, draft.position(at), hint)
        if word in LEADER_ONLY and _touches_tables(draft):
            draft.error(ON_TABLES, at, NOT_SUPPORTED, _LEADER_HINT.get(word))
        if word in _QUANTIFIERS and draft.kind_at(at + 2) == "string" and _touches_tables(draft):
            draft.error(ON_TABLES, at, NOT_SUPPORTED, "Use IN.")
    elif word in RESERVED and _is_column(draft, at):
        draft.syntax_error(at)
    elif word in TYPES and draft.kind_at(at + 1) == "string" and draft.mark(at - 1) != ".":
        _cast(draft, at)
    elif word == "as" and draft.word(at + 1) in TYPES and _is_cast(draft, at):
        _cast(draft, at + 1)
    elif word == "recursive" and draft.word(at - 1) == "with":
        recursion.check(draft, at)


# in front of an array that is written as a string
_QUANTIFIERS = frozenset({"any", "all", "some"})


def _row(draft: Draft, at: int) -> None:
    """`(a, b)` is no column."""
    close = draft.close(at)
    ends = draft.mark(close + 1) == "," or draft.word(close + 1) in ("from", "as") or draft.kind_at(close + 1) == "end"
    if ends and not opens_query(draft, at) and len(draft.arguments(at)) > 1:
        draft.error("ROW expression, implicit or explicit, is not supported in target list", at, NOT_SUPPORTED)


_BEFORE_COLUMN = frozenset(
    {"select", "distinct", "all", "by", "where", "and", "or", "on", "set", "not", "when", "having"}
)
_AFTER_COLUMN = frozenset({"from", "as", "is", "in", "like", "ilike", "between", "and", "or", "then", "asc", "desc"})
_SIGNS = frozenset({"=", "<>", "!=", "<", ">", "<=", ">=", "+", "-", "*", "/", "||", "%"})

_COLUMN_TYPES = words(
    """
    bigint bool boolean bpchar char character date dec decimal double float float4 float8 int int2 int4 int8 integer
    interval nchar numeric nvarchar real smallint super text time timestamp timestamptz timetz varbinary varbyte varchar
    """
)


def _is_column(draft: Draft, at: int) -> bool:
    """Whether a word stands where only the name of a column can: in an expression or in a table's definition."""
    if draft.kind not in ("select", "with", "insert", "update", "delete", "create", "merge"):
        return False
    before, after = draft.mark(at - 1), draft.mark(at + 1)
    if draft.word(at - 1) not in _BEFORE_COLUMN and before not in ("(", ",") and before not in _SIGNS:
        return False
    if draft.kind == "create" and draft.word(1) in ("table", "temp", "temporary", "local") and before in ("(", ","):
        return draft.word(at + 1) in _COLUMN_TYPES
    ends = draft.word(at + 1) in _AFTER_COLUMN or draft.kind_at(at + 1) == "end"
    return draft.kind != "create" and (ends or after in (",", ")", "::") or after in _SIGNS)


_LEADER_HINT = {
    "age": "Use DATEDIFF.",
    "now": "Use GETDATE() or SYSDATE.",
    "generate_series": "Use a WITH RECURSIVE query or a table of numbers.",
}


def _is(draft: Draft, at: int, part: str) -> bool:
    return draft.mark(at) == part if part in ("(", "[") else draft.word(at) == part


def _refuse(draft: Draft, rule: Rule, at: int) -> None:
    if isinstance(rule.error, int):
        found = draft.tokens[at + rule.error]
        message = f'syntax error at or near "{found.text}"'
        raise DialectError(message, rule.sqlstate, draft.position(at + rule.error), rule.hint)
    draft.error(rule.error, at, rule.sqlstate, rule.hint)


def _cast(draft: Draft, at: int) -> None:
    if draft.word(at) in TYPES:
        hint = "Use SUPER." if "json" in draft.word(at) else None
        draft.error(f'type "{draft.word(at)}" does not exist', at, NO_OBJECT, hint)
    end = draft.close(at + 1) + 1 if draft.mark(at + 1) == "(" else at + 1
    if draft.mark(end) == "[" and (draft.mark(end + 1) == "]" or draft.kind_at(end + 1) == "number"):
        draft.syntax_error(end)


def _is_cast(draft: Draft, at: int) -> bool:
    depth = 0
    for place in range(at - 1, -1, -1):
        mark = draft.mark(place)
        if mark == ")":
            depth += 1
        elif mark == "(":
            depth -= 1
            if depth < 0:
                return draft.word(place - 1) in ("cast", "try_cast")
    return False


def _touches_tables(draft: Draft) -> bool:
    """Whether the compute nodes would run the statement: it writes, or reads a table that is no catalogue."""
    if draft.kind not in ("select", "with", "explain"):
        return draft.kind in ("insert", "update", "delete", "merge") or (
            draft.kind == "create" and draft.word(1) in ("table", "temp", "temporary", "local")
        )
    return not all(_is_catalogue(parts) for parts in _relations(draft))


def _reads_catalogue(draft: Draft) -> bool:
    """Whether the leader node alone would run the statement, on its catalogue."""
    return draft.kind in ("select", "with") and bool(_relations(draft)) and not _touches_tables(draft)


def _relations(draft: Draft) -> list[tuple[str, ...]]:
    """The relations that the statement's queries read, without its own common table expressions."""
    tokens = range(len(draft.tokens))
    named = {draft.identifier(at) for at in tokens if draft.is_name(at) and draft.word(at + 1) == "as"}
    found = []
    for at in tokens:
        if draft.word(at) == "select" and draft.mark(at - 1) != ".":
            clause = block(draft, at).clause("from")
            listed = sources(draft, clause) if clause else []
            found += [source.parts for source in listed if source.parts and source.parts[-1] not in named]
    return found


def _is_catalogue(parts: tuple[str, ...]) -> bool:
    if len(parts) > 1:
        return parts[-2] in ("pg_catalog", "information_schema")
    return parts[0].startswith(("pg_", "svv_", "stv_", "svl_", "stl_", "sys_", "svcs_"))


_BY_WORD: dict[str, list[tuple[Rule, list[str]]]] = {}
for _rule in RULES:
    _words = _rule.words.split()
    _BY_WORD.setdefault(_words[0], []).append((_rule, _words))
