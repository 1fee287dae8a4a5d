"""GRANT and REVOKE: on objects to users, groups and roles; of roles; of system permissions; default privileges.

Source: the SQL reference, GRANT, REVOKE, ALTER DEFAULT PRIVILEGES, and "System permissions" of roles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from standin.redshift.dialect import routines
from standin.redshift.dialect.attributes import qualified
from standin.redshift.dialect.lexer import quote_literal
from standin.redshift.dialect.schemas import schema_name
from standin.redshift.dialect.statement import FEATURE_NOT_SUPPORTED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from standin.redshift.dialect.rewrite import Draft

_SYSTEM = frozenset(
    {
        "create user",
        "drop user",
        "alter user",
        "create schema",
        "drop schema",
        "alter default privileges",
        "access catalog",
        "access system table",
        "create table",
        "drop table",
        "alter table",
        "create or replace function",
        "create or replace external function",
        "drop function",
        "create or replace procedure",
        "drop procedure",
        "create or replace view",
        "drop view",
        "create model",
        "drop model",
        "create datashare",
        "alter datashare",
        "drop datashare",
        "create library",
        "drop library",
        "create role",
        "drop role",
        "truncate table",
        "vacuum",
        "analyze",
        "cancel",
        "ignore rls",
        "explain rls",
        "explain masking",
    }
)
# on which kinds of objects which privileges can be given
_PRIVILEGES = {
    "table": frozenset({"select", "insert", "update", "delete", "references", "truncate", "drop", "alter"}),
    "database": frozenset({"create", "temporary", "temp", "usage", "alter"}),
    "schema": frozenset({"create", "usage", "alter", "drop"}),
    "function": frozenset({"execute"}),
    "procedure": frozenset({"execute"}),
    "language": frozenset({"usage"}),
}
# the words of Redshift's grammar; any other is a syntax error
_KNOWN_PRIVILEGES = frozenset({"rule", "trigger"}).union(*_PRIVILEGES.values())
# Postgres cannot give these
_ONLY_REDSHIFT = frozenset({"drop", "alter"})
_ABSENT = frozenset({"datashare", "model", "external", "masking", "rls", "copy", "template"})
_IN_SCHEMA = {"tables": "table", "functions": "function", "procedures": "procedure"}


def rewrite(draft: Draft) -> None:
    """Handler of GRANT and REVOKE."""
    for place in range(1, len(draft.tokens) - 2):
        if draft.word(place) == "sys" and draft.tokens[place + 1].text == ":":
            draft.unsupported(f"The system-defined role sys:{draft.word(place + 2)}", place)
    at = 1
    if draft.kind == "revoke" and draft.at(1, "grant", "option", "for"):
        at = 4
    admin = draft.kind == "revoke" and draft.at(1, "admin", "option", "for")
    if admin:
        at = 4
    to = _find(draft, at, "from" if draft.kind == "revoke" else "to")
    if draft.word(at) == "role":
        _roles(draft, at, to, admin=admin)
        return
    on = next((place for place in draft.outermost(at, to) if draft.word(place) == "on"), -1)
    scope = next((place for place in draft.outermost(at, to) if draft.word(place) == "for"), -1)
    if on < 0 and scope > at:
        _scoped(draft, at, scope, to)
        return
    if on < 0:
        _system(draft, at, to)
        return
    if draft.word(at) == "assumerole":
        draft.unsupported("ASSUMEROLE", at, hint="COPY and UNLOAD of the stand-in take any IAM role.")
    _on_objects(draft, at, on, to)
    _only_names(draft)


def default_privileges(draft: Draft) -> None:
    """ALTER DEFAULT PRIVILEGES [FOR USER u] [IN SCHEMA s] GRANT | REVOKE … ON TABLES TO …."""
    at = 3
    while draft.word(at) not in ("grant", "revoke"):
        if draft.kind_at(at) == "end":
            draft.syntax_error(at)
        at += 1
    verb = draft.word(at)
    begin = at + 4 if draft.at(at + 1, "grant", "option", "for") else at + 1
    to = _find(draft, begin, "to" if verb == "grant" else "from")
    on = next((place for place in draft.outermost(begin, to) if draft.word(place) == "on"), -1)
    if on < 0 or draft.word(on + 1) not in _IN_SCHEMA:
        draft.syntax_error(on + 1 if on > 0 else to)
    _grantees(draft, to)
    if draft.word(on + 1) == "procedures":
        draft.replace(on + 1, on + 2, "routines")
    _check(draft, begin, on, _IN_SCHEMA.get(draft.word(on + 1), "function"))
    draft.tag = "ALTER DEFAULT PRIVILEGES"
    _only_names(draft)


def _only_names(draft: Draft) -> None:
    """SELECT and UPDATE are privileges here; the passes for queries would read them as statements."""
    from standin.redshift.dialect import names

    names.rewrite(draft)
    draft.finished = True


def _on_objects(draft: Draft, at: int, on: int, to: int) -> None:
    kind, place = draft.word(on + 1), on + 2
    # a word in front of a name; else it is the name of a schema or a table
    is_kind = draft.is_name(on + 2) and draft.word(on + 2) not in ("to", "from")
    if (kind in _ABSENT and is_kind) or draft.word(at) in ("share",):
        draft.unsupported(f"{draft.kind.upper()} … ON {kind.upper()}", on + 1)
    _grantees(draft, to)
    if kind == "all":
        kind = _IN_SCHEMA.get(draft.word(on + 2), "")
        if not kind or not draft.at(on + 3, "in", "schema"):
            draft.syntax_error(on + 2)
        _schemas(draft, on + 5, to)
    elif kind == "schema":
        _schemas(draft, place, to)
    elif kind in ("function", "procedure"):
        for lo, _ in reversed(draft.split(place, to)):
            opening = draft.name(lo)[1]
            if draft.mark(opening) == "(":
                routines.signature(draft, opening)
    elif kind not in _PRIVILEGES or not draft.is_name(place):
        kind = "table"
    _check(draft, at, on, kind)


def _check(draft: Draft, at: int, on: int, kind: str) -> None:
    """The privileges between `at` and ON are those that this kind of object has."""
    for lo, hi in draft.split(at, on):
        word = draft.word(lo)
        if word == "all":
            continue
        if word not in _KNOWN_PRIVILEGES:
            draft.syntax_error(lo)
        if word not in _PRIVILEGES[kind]:
            draft.error(f"invalid privilege type {word.upper()} for {kind}", lo, "0LP01")
        if word in _ONLY_REDSHIFT:
            draft.unsupported(f"The privilege {word.upper()}", lo)
        if word == "usage" and kind == "database":
            draft.unsupported("USAGE ON DATABASE (datashares)", lo)
        if hi > lo + 1 and (draft.mark(lo + 1) != "(" or word not in ("select", "update")):
            draft.syntax_error(lo + 1)


def _schemas(draft: Draft, at: int, to: int) -> None:
    for lo, _ in reversed(draft.split(at, to)):
        schema_name(draft, lo)


def _grantees(draft: Draft, to: int) -> list[str]:
    """Take ROLE away in front of names; GROUP means the same to Postgres. Gives the names."""
    names = []
    last = len(draft.tokens) - 1
    spans = draft.split(to + 1, last)
    for number, (lo, hi) in enumerate(reversed(spans)):
        at = lo
        kind = (
            draft.word(at)
            if draft.word(at) in ("role", "group", "user") and draft.is_name(at + 1) and at + 1 < hi
            else ""
        )
        if kind in ("role", "group") and draft.word(at + 1) in ("with", "cascade", "restrict"):
            kind = ""
        at += 1 if kind else 0
        if not draft.is_name(at):
            draft.syntax_error(at)
        names.append(draft.identifier(at))
        if draft.at(at + 1, "with", "grant", "option"):
            if kind == "group" or names[-1] == "public":
                draft.error("grant options can only be granted to users and roles", at, "0LP01")
            if number > 0:
                draft.unsupported("WITH GRANT OPTION for some of the grantees", at, hint="Grant to them one by one.")
        if kind:
            draft.remove(lo, lo + 1)
    return names[::-1]


def _roles(draft: Draft, at: int, to: int, *, admin: bool) -> None:
    """GRANT ROLE a, b TO user, ROLE c [WITH ADMIN OPTION]."""
    names = _comma_names(draft, at, to)
    grantees = []
    suffix = ""
    for lo, hi in draft.split(to + 1, len(draft.tokens) - 1):
        place = lo + 1 if draft.word(lo) in ("role", "user") and lo + 1 < hi and draft.is_name(lo + 1) else lo
        if draft.word(lo) == "group" and lo + 1 < hi:
            draft.error("a role cannot be granted to a group", lo, FEATURE_NOT_SUPPORTED)
        if not draft.is_name(place):
            draft.syntax_error(place)
        grantees.append(draft.identifier(place))
        if draft.at(place + 1, "with", "admin", "option") and draft.kind == "grant":
            suffix = " with admin option"
        elif place + 1 < hi and draft.word(place + 1) not in ("cascade", "restrict"):
            draft.syntax_error(place + 1)
    prefix = "admin option for " if admin else ""
    verb, word = ("grant", "to") if draft.kind == "grant" else ("revoke", "from")
    sql = f"{verb} {prefix}{_list(names)} {word} {_list(grantees)}{suffix}"
    draft.finish(sql, draft.kind.upper())


def _scoped(draft: Draft, at: int, scope: int, to: int) -> None:
    """GRANT SELECT FOR TABLES IN SCHEMA s: on what is there, and on what this user makes there later."""
    what = draft.word(scope + 1)
    if what not in _IN_SCHEMA or not draft.at(scope + 2, "in", "schema"):
        draft.unsupported(f"{draft.kind.upper()} … {draft.text(scope, to).upper()}", scope)
    _check(draft, at, scope, _IN_SCHEMA[what])
    grantees = _list(_grantees(draft, to))
    schema_name(draft, scope + 4)
    schema = _list([draft.identifier(scope + 4)])
    privileges, kind = draft.text(at, scope), "routines" if what == "procedures" else what
    word = "to" if draft.kind == "grant" else "from"
    now = f"{draft.kind} {privileges} on all {kind} in schema {schema} {word} {grantees}"
    later = f"alter default privileges in schema {schema} {draft.kind} {privileges} on {kind} {word} {grantees}"
    draft.finish(f"do {quote_literal(f'begin {now}; {later}; end')}", draft.kind.upper())


def _system(draft: Draft, at: int, to: int) -> None:
    """GRANT CREATE TABLE, DROP TABLE TO ROLE r."""
    privileges = []
    for lo, hi in draft.split(at, to):
        words = " ".join(draft.word(place) for place in range(lo, hi))
        if words in ("all", "all privileges"):
            privileges += sorted(_SYSTEM)
        elif words in _SYSTEM:
            privileges.append(words)
        else:
            draft.syntax_error(lo)
    roles = []
    for lo, hi in draft.split(to + 1, len(draft.tokens) - 1):
        if draft.word(lo) != "role" or hi != lo + 2 or not draft.is_name(lo + 1):
            draft.error("system permissions can only be granted to roles", lo, "0LP01")
        roles.append(draft.identifier(lo + 1))
    granting = "true" if draft.kind == "grant" else "false"
    draft.finish(
        f"call pg_catalog.rs_grant_system({_array(roles)}, {_array([p.upper() for p in privileges])}, {granting})",
        draft.kind.upper(),
    )


def _comma_names(draft: Draft, at: int, to: int) -> list[str]:
    names = []
    for lo, hi in draft.split(at, to):
        place = lo + 1 if draft.word(lo) == "role" and lo + 1 < hi else lo
        if place + 1 != hi or not draft.is_name(place):
            draft.syntax_error(place)
        names.append(draft.identifier(place))
    return names


def _find(draft: Draft, at: int, word: str) -> int:
    """The last place where the word stands in no parentheses, so that an object may be called like it."""
    places = [place for place in draft.outermost(at, len(draft.tokens)) if draft.word(place) == word]
    if not places:
        draft.syntax_error(len(draft.tokens) - 1)
    return places[-1]


def _list(names: Sequence[str]) -> str:
    return ", ".join(qualified([name]) for name in names)


def _array(values: Sequence[str]) -> str:
    return "array[" + ", ".join(quote_literal(value) for value in values) + "]::text[]"
