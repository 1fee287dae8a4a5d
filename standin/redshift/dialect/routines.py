"""CREATE, ALTER and DROP of functions in SQL and procedures in PL/pgSQL."""

from __future__ import annotations

import re

from standin.redshift.dialect import column_types, plpgsql
from standin.redshift.dialect.attributes import Attributes, qualified
from standin.redshift.dialect.lexer import Token, join, lex, quote_literal, string_value
from standin.redshift.dialect.rewrite import Draft, fragment, run
from standin.redshift.dialect.statement import FEATURE_NOT_SUPPORTED

_MODES = frozenset({"in", "out", "inout"})
_STATEMENTS = frozenset(
    [
        "create",
        "alter",
        "drop",
        "refresh",
        "comment",
        "insert",
        "update",
        "delete",
        "merge",
        "truncate",
        "grant",
        "revoke",
        "vacuum",
        "analyze",
        "copy",
        "unload",
    ]
)


def create_function(draft: Draft, at: int) -> None:
    """CREATE [OR REPLACE] FUNCTION from its name on; only LANGUAGE SQL."""
    parts, opening = draft.name(at)
    if not parts or draft.mark(opening) != "(":
        draft.syntax_error(opening)
    language, body = _language(draft, opening), _body(draft, opening)
    if language in ("plpythonu", "plpython3u"):
        draft.unsupported("LANGUAGE plpythonu (Python UDFs)", 0)
    if language != "sql":
        draft.error(f'language "{language}" is not supported for functions', None, FEATURE_NOT_SUPPORTED)
    close = draft.close(opening)
    if draft.word(close + 1) != "returns":
        draft.syntax_error(close + 1)
    if draft.word(close + 2) in ("table", "setof"):
        # a function gives one value
        draft.syntax_error(close + 2)
    expression = string_value(draft.tokens[body]).strip().rstrip(";")
    _check_expression(draft, body, expression)
    definition = draft.source.strip()
    draft.replace(body, body + 1, _quoted(fragment(expression, draft.context)))
    _retype(draft, close + 2)
    for lo, hi in reversed(draft.arguments(opening)):
        if hi > lo + 1 and _is_named(draft, lo):
            message = "SQL functions take arguments without names: refer to them as $1, $2, …"
            draft.error(message, lo, FEATURE_NOT_SUPPORTED)
        _retype(draft, lo)
    draft.comment = Attributes.of(parts, kind="function", definition=definition).comment()


def create_procedure(draft: Draft, at: int) -> None:
    """CREATE [OR REPLACE] PROCEDURE from its name on."""
    parts, opening = draft.name(at)
    if not parts or draft.mark(opening) != "(":
        draft.syntax_error(opening)
    language, body = _language(draft, opening), _body(draft, opening)
    if language != "plpgsql":
        draft.error(f'language "{language}" is not supported for procedures', None, FEATURE_NOT_SUPPORTED)
    definition = draft.source.strip()
    close = draft.close(opening)
    atomic = draft.word(close + 1) != "nonatomic"
    draft.replace(body, body + 1, _quoted(block(string_value(draft.tokens[body]), draft, atomic=atomic)))
    if not atomic:
        draft.remove(close + 1, close + 2)
    attributes = Attributes.of(parts, kind="procedure", definition=definition)
    attributes.arguments = _arguments(draft, opening)
    draft.comment = attributes.comment()


def alter(draft: Draft) -> None:
    """ALTER FUNCTION and ALTER PROCEDURE name [(types)] RENAME TO | OWNER TO."""
    parts, opening = draft.name(2)
    if not parts:
        draft.syntax_error(opening)
    if draft.mark(opening) == "(":
        signature(draft, opening)


def drop(draft: Draft) -> None:
    """DROP FUNCTION and DROP PROCEDURE name (types)."""
    exists = draft.at(2, "if", "exists")
    at = 4 if exists else 2
    if draft.word(1) == "procedure":
        name, types, end = procedure(draft, at)
        if draft.kind_at(end) != "end":
            draft.syntax_error(end)
        arguments = f"{quote_literal(name)}, {types}, {'true' if exists else 'false'}"
        draft.finish(f"call pg_catalog.rs_drop_procedure({arguments})", "DROP PROCEDURE")
        return
    for lo, _ in reversed(draft.split(at, len(draft.tokens) - 1)):
        parts, opening = draft.name(lo)
        if not parts:
            draft.syntax_error(lo)
        if draft.mark(opening) == "(":
            signature(draft, opening)


def procedure(draft: Draft, at: int) -> tuple[str, str, int]:
    """A procedure's name, the SQL array of its arguments' types ("null" if none are given), and the place after."""
    parts, opening = draft.name(at)
    if not parts:
        draft.syntax_error(at)
    if draft.mark(opening) != "(":
        return qualified(parts), "null", opening
    types = [_argument(draft, lo, hi)[2] for lo, hi in draft.arguments(opening)]
    listed = ", ".join(quote_literal(kind) for kind in types)
    return qualified(parts), f"array[{listed}]::text[]", draft.close(opening) + 1


def block(body: str, outer: Draft, *, atomic: bool) -> str:
    """A block of PL/pgSQL, its statements and expressions rewritten; attributes of tables travel with theirs.

    So is a statement that EXECUTE runs if it is one literal. One that is put together at run time goes to Postgres as
    it is.
    """
    draft = Draft(lex(body), outer.context)
    if not atomic:
        _commit_each(draft)
    # Postgres ends no transaction in a block with a handler
    ends = not any(draft.at(place, "exception", "when") for place in range(len(draft.tokens)))
    finished: list[str] = []
    for begin in reversed(_beginnings(draft)):
        end = next((place for place in range(begin, len(draft.tokens)) if draft.mark(place) == ";"), -1)
        if ends and draft.word(begin) == "truncate":
            draft.insert(end + 1, _TRUNCATED)
        # a word in its place keeps it out of the way of the passes, which it has behind it
        statement = _statement([*draft.slice(begin, end), lex("")[0]], outer)
        draft.replace(begin, end, f"rs_statement_{len(finished)}")
        finished.append(statement)
    plpgsql.check(draft)
    if atomic:
        plpgsql.end_transactions(draft)
    for place in reversed(range(len(draft.tokens))):
        if draft.word(place) == "execute" and draft.kind_at(place + 1) == "string":
            literal = draft.tokens[place + 1]
            if ends and string_value(literal).lstrip()[:8].lower() == "truncate":
                end = next((here for here in range(place, len(draft.tokens)) if draft.mark(here) == ";"), place)
                draft.insert(end + 1, _TRUNCATED)
            if _is_whole_literal(draft, place + 1):
                literal.text = quote_literal(_statement(lex(string_value(literal)), outer))
    for place in reversed(_declarations(draft)):
        _declared_type(draft, place)
    text = fragment(join(draft.tokens), outer.context)
    return re.sub(r"\brs_statement_(\d+)\b", lambda found: finished[int(found[1])], text)


def _commit_each(draft: Draft) -> None:
    """In a NONATOMIC body, let every statement of SQL commit, and START TRANSACTION put that off until it is ended.

    Statements in a block with an exception handler are left out: Postgres ends no transaction there.
    """
    places = _beginnings(draft)
    places += [place for place in plpgsql.starts(draft) if draft.word(place) == "execute"]
    opened = [place for place in plpgsql.starts(draft) if draft.at(place, "start", "transaction")]
    guarded = plpgsql.guarded(draft)
    for place in sorted([*places, *opened], reverse=True):
        end = next((here for here in range(place, len(draft.tokens)) if draft.mark(here) == ";"), -1)
        if end < 0:
            continue
        if place in opened:
            # NULL does nothing, and stands where a statement must
            draft.replace(place, end, "null")
        elif not any(lo < place < hi for lo, hi in guarded) and not _is_put_off(draft, place, opened):
            draft.insert(end + 1, _DONE)


def _is_put_off(draft: Draft, place: int, opened: list[int]) -> bool:
    """Whether a START TRANSACTION stands before this place, with no COMMIT and no ROLLBACK in between."""
    begun = max((here for here in opened if here < place), default=None)
    if begun is None:
        return False
    return not any(draft.word(here) in ("commit", "rollback") for here in range(begun, place))


# commits, unless the procedure was called in a transaction block
_DONE = "call pg_catalog.rs_statement_done();"
# commits what TRUNCATE ends
_TRUNCATED = "call pg_catalog.rs_truncated();"


def _statement(tokens: list[Token], outer: Draft) -> str:
    one = Draft(tokens, outer.context)
    run(one)
    if one.action is not None:
        one.unsupported(f"{one.kind.upper()} in a procedure")
    if one.outside_transaction:
        one.error(f"{one.kind.upper()} is not supported in a procedure", None, FEATURE_NOT_SUPPORTED)
    return one.statement(0).text.lstrip()


def _is_whole_literal(draft: Draft, at: int) -> bool:
    return draft.kind_at(at) == "string" and (draft.mark(at + 1) == ";" or draft.word(at + 1) in ("into", "using"))


def _declared_type(draft: Draft, at: int) -> None:
    """The type of a variable, which stands behind its name at `at`."""
    place = at + 2 if draft.word(at + 1) == "constant" else at + 1
    if (
        draft.mark(place + 1) in (".", "%")
        or draft.mark(place)
        or draft.word(place) in ("record", "refcursor", "alias", "cursor")
    ):
        return
    _retype(draft, place)


def _beginnings(draft: Draft) -> list[int]:
    """Where the statements of SQL begin that a handler has to see."""
    found = []
    end = 0
    for place in range(len(draft.tokens)):
        if draft.word(place) in _STATEMENTS and place >= end:
            before = draft.word(place - 1) or draft.mark(place - 1)
            if before in plpgsql.STARTS:
                found.append(place)
                # MERGE has statements within
                end = next((here for here in range(place, len(draft.tokens)) if draft.mark(here) == ";"), place)
    return found


def _declarations(draft: Draft) -> list[int]:
    """Where the names stand that DECLARE declares."""
    found: list[int] = []
    inside = expecting = False
    for place in range(len(draft.tokens)):
        word = draft.word(place)
        if word == "declare":
            inside = expecting = True
        elif inside and word == "begin":
            inside = False
        elif inside and expecting and draft.is_name(place):
            found.append(place)
            expecting = False
        elif draft.mark(place) == ";":
            expecting = True
    return found


def _arguments(draft: Draft, opening: int) -> list[dict[str, str]]:
    """Arguments as Postgres takes them: OUT becomes INOUT with a default, since CALL does not name it.

    Gives back what was written, which the catalogue shows: {"name": …, "mode": "in" | "out" | "inout", "type": …}.
    """
    kept: list[str] = []
    outs: list[str] = []
    written: list[dict[str, str]] = []
    for lo, hi in draft.arguments(opening):
        for place in draft.outermost(lo, hi):
            if draft.word(place) == "default" or draft.mark(place) in ("=", ":="):
                # arguments of procedures have no defaults
                draft.syntax_error(place)
        mode, name, kind = _argument(draft, lo, hi)
        _, named, typed = _argument_parts(draft, lo, hi)
        said = "" if named is None else draft.identifier(named)
        written.append({"name": said, "mode": mode, "type": _declared(draft, typed, kind)})
        if mode == "out":
            outs.append(f"inout {name} {kind} default null")
        else:
            kept.append(f"{mode} {name} {kind}")
    draft.replace(opening + 1, draft.close(opening), ", ".join([*kept, *outs]))
    return written


def _argument(draft: Draft, lo: int, hi: int) -> tuple[str, str, str]:
    """Mode, name and type of an argument."""
    mode, named, typed = _argument_parts(draft, lo, hi)
    return mode, "" if named is None else draft.tokens[named].text, _type(draft, typed, hi)


def _argument_parts(draft: Draft, lo: int, hi: int) -> tuple[str, int | None, int]:
    """Mode and the places of name and type; the mode may stand before or behind the name, which may be left out."""
    at, mode, named = lo, "in", None
    if draft.word(at) in _MODES and at + 1 < hi:
        mode, at = draft.word(at), at + 1
    if draft.is_name(at) and at + 1 < hi and _is_named(draft, at):
        named, at = at, at + 1
    if draft.word(at) in _MODES and at + 1 < hi:
        mode, at = draft.word(at), at + 1
    return mode, named, at


def _declared(draft: Draft, at: int, kind: str) -> str:
    """The type that stands here with its length, if one is written, and with an interval's fields."""
    if kind in ("refcursor", "anyelement", "record"):
        return kind
    read, end = column_types.read(draft, at, "argument")
    return read.sql if draft.mark(end - 1) == ")" or kind == "interval" else kind


def _is_named(draft: Draft, at: int) -> bool:
    """Whether a name stands in front of a type here, rather than a type of two words."""
    pair = (draft.word(at), draft.word(at + 1))
    return draft.is_name(at + 1) and pair not in (
        ("double", "precision"),
        ("character", "varying"),
        ("binary", "varying"),
        ("timestamp", "with"),
        ("timestamp", "without"),
        ("time", "with"),
        ("time", "without"),
        ("interval", "day"),
        ("interval", "year"),
    )


def signature(draft: Draft, opening: int) -> None:
    """Rewrite the arguments that tell a routine from its namesakes: their types are enough."""
    for lo, hi in reversed(draft.arguments(opening)):
        mode, _, kind = _argument(draft, lo, hi)
        draft.replace(lo, hi, f"inout {kind}" if mode in ("out", "inout") else kind)


def _type(draft: Draft, at: int, hi: int) -> str:
    if draft.word(at) == "refcursor":
        return "refcursor"
    if draft.word(at) in ("anyelement", "record"):
        return draft.word(at)
    kind, end = column_types.read(draft, at, "argument")
    if end > hi:
        draft.syntax_error(hi)
    return kind.family


def _retype(draft: Draft, at: int) -> None:
    kind, end = column_types.read(draft, at, "argument")
    # a variable without a length has none
    sql = kind.sql if draft.mark(end - 1) == ")" else kind.family
    if draft.text(at, end).lower() != sql:
        draft.replace(at, end, sql)


def _language(draft: Draft, at: int) -> str:
    place = next((place for place in range(at, len(draft.tokens)) if draft.word(place) == "language"), -1)
    if place < 0:
        draft.error("no language specified", None, "42P13")
    token = draft.tokens[place + 1]
    return (string_value(token) if token.kind == "string" else draft.identifier(place + 1)).lower()


def _body(draft: Draft, at: int) -> int:
    """The place of the body's string."""
    for place in range(at, len(draft.tokens)):
        if draft.word(place) == "as" and draft.kind_at(place + 1) in ("dollar", "string"):
            return place + 1
    return draft.error("no function body specified", None, "42P13")


def _check_expression(draft: Draft, at: int, expression: str) -> None:
    """The body is one SELECT of one expression, without any other clause."""
    inner = Draft(lex(expression), draft.context)
    if inner.word(0) != "select":
        draft.error("The body of a SQL function must be a SELECT of one expression", at, FEATURE_NOT_SUPPORTED)
    for place in inner.outermost(1, len(inner.tokens)):
        word = inner.word(place)
        if word in ("from", "into", "where", "group", "order", "limit") and inner.word(place - 1) != "distinct":
            message = f"The body of a SQL function cannot have the clause {word.upper()}"
            draft.error(message, at, FEATURE_NOT_SUPPORTED)


def _quoted(body: str) -> str:
    """The body between dollar signs, or as a literal where it holds such itself."""
    return quote_literal(body) if "$rs$" in body else f"$rs${body}$rs$"
