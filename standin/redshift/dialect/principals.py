"""CREATE, ALTER and DROP of users, groups and roles.

All three are roles of Postgres, and so share one space of names: users log in; groups do not, and have a connection
limit of 0, which tells them from roles.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from standin.redshift.dialect.attributes import qualified
from standin.redshift.dialect.lexer import quote_literal, quote_name, string_value
from standin.redshift.dialect.statement import SYNTAX_ERROR

if TYPE_CHECKING:
    from standin.redshift.dialect.rewrite import Draft

_FLAGS = {
    "createdb": "createdb",
    "nocreatedb": "nocreatedb",
    "createuser": "createrole",
    "nocreateuser": "nocreaterole",
}
_LEAST_PASSWORD, _MOST_PASSWORD = 8, 64


def create(draft: Draft) -> None:
    """CREATE USER, CREATE GROUP, CREATE ROLE."""
    kind, name = draft.word(1), _name(draft, 2)
    if kind == "user":
        begin = 4 if draft.word(3) == "with" else 3
        draft.finish(f"create user {quote_name(name)} {_options(draft, begin)}", "CREATE USER")
    elif kind == "group":
        at = 4 if draft.word(3) == "with" else 3
        members = ""
        if draft.word(at) == "user":
            members = " role " + _names(draft, at + 1)
        elif draft.kind_at(at) != "end":
            draft.syntax_error(at)
        draft.finish(f"create role {quote_name(name)} with nologin connection limit 0{members}", "CREATE GROUP")
    else:
        if draft.word(3) == "externalid":
            draft.unsupported("CREATE ROLE … EXTERNALID", 3)
        if draft.kind_at(3) != "end":
            draft.syntax_error(3)
        draft.finish(f"create role {quote_name(name)} with nologin", "CREATE ROLE")


def alter(draft: Draft) -> None:
    """ALTER USER, ALTER GROUP, ALTER ROLE."""
    kind, name = draft.word(1), _name(draft, 2)
    at = 4 if draft.word(3) == "with" else 3
    tag = f"ALTER {kind.upper()}"
    if draft.at(at, "rename", "to"):
        draft.finish(f"alter role {quote_name(name)} rename to {quote_name(_name(draft, at + 2))}", tag)
    elif kind == "group":
        verb = draft.word(at)
        if verb not in ("add", "drop") or draft.word(at + 1) != "user":
            draft.syntax_error(at)
        draft.finish(f"alter group {quote_name(name)} {verb} user {_names(draft, at + 2)}", tag)
    elif kind == "role":
        draft.unsupported(f"ALTER ROLE … {draft.word(at).upper()}", at)
    elif draft.word(at) not in ("set", "reset"):
        draft.finish(f"alter user {quote_name(name)} {_options(draft, at)}", tag)
    else:
        draft.unsupported("ALTER USER … SET", at, hint="Set the parameter in the session.")


def drop(draft: Draft) -> None:
    """DROP USER [IF EXISTS] a, b; DROP GROUP a; DROP ROLE a [FORCE | RESTRICT]."""
    kind = draft.word(1)
    exists = draft.at(2, "if", "exists")
    if exists and kind != "user":
        draft.syntax_error(2)
    at = 4 if exists else 2
    if kind == "role":
        name, force = _name(draft, at), draft.word(at + 1) == "force"
        if draft.kind_at(at + 1) != "end" and draft.word(at + 1) not in ("force", "restrict"):
            draft.syntax_error(at + 1)
        draft.finish(
            f"call pg_catalog.rs_drop_role({quote_literal(name)}, {'true' if force else 'false'})", "DROP ROLE"
        )
        return
    draft.finish(f"drop role {'if exists ' if exists else ''}{_names(draft, at)}", f"DROP {kind.upper()}")


def _name(draft: Draft, at: int) -> str:
    if not draft.is_name(at):
        draft.syntax_error(at)
    return draft.identifier(at)


def _names(draft: Draft, at: int) -> str:
    """The names from here to the end, quoted."""
    names = []
    for lo, hi in draft.split(at, len(draft.tokens) - 1):
        if hi != lo + 1:
            draft.syntax_error(lo)
        names.append(_name(draft, lo))
    if not names:
        draft.syntax_error(at)
    return ", ".join(qualified([name]) for name in names)


def _options(draft: Draft, at: int) -> str:
    """A user's options for Postgres."""
    options: list[str] = []
    while draft.kind_at(at) != "end":
        word = draft.word(at)
        end = at + 1
        if word in _FLAGS:
            options.append(_FLAGS[word])
        elif word == "password":
            options.append(_password(draft, at + 1))
            end = at + 2
        elif draft.at(at, "syslog", "access") and draft.word(at + 2) in ("restricted", "unrestricted"):
            end = at + 3
        elif draft.at(at, "in", "group"):
            place = at + 2
            groups = [qualified([_name(draft, place)])]
            while draft.mark(place + 1) == ",":
                place += 2
                groups.append(qualified([_name(draft, place)]))
            options.append("in role " + ", ".join(groups))
            end = place + 1
        elif draft.at(at, "valid", "until") and draft.kind_at(at + 2) == "string":
            options.append(f"valid until {quote_literal(string_value(draft.tokens[at + 2]))}")
            end = at + 3
        elif draft.at(at, "connection", "limit"):
            unlimited = draft.word(at + 2) == "unlimited"
            if not unlimited and draft.kind_at(at + 2) != "number":
                draft.syntax_error(at + 2)
            options.append(f"connection limit {'-1' if unlimited else draft.tokens[at + 2].text}")
            end = at + 3
        elif (draft.at(at, "session", "timeout") and draft.kind_at(at + 2) == "number") or draft.at(
            at, "reset", "session", "timeout"
        ):
            end = at + 3
        elif word == "externalid":
            draft.unsupported("EXTERNALID", at)
        else:
            draft.syntax_error(at)
        at = end
    return " ".join(options)


def _password(draft: Draft, at: int) -> str:
    if draft.word(at) == "disable":
        return "password null"
    if draft.kind_at(at) != "string":
        draft.syntax_error(at)
    value = string_value(draft.tokens[at])
    if value.startswith("sha256|"):
        draft.unsupported("PASSWORD 'sha256|…'", at, hint="Give the password itself.")
    is_hash = value.startswith("md5") and len(value) == 35
    if not is_hash:
        if not _LEAST_PASSWORD <= len(value) <= _MOST_PASSWORD:
            message = f"Password must be {_LEAST_PASSWORD} to {_MOST_PASSWORD} characters long"
            draft.error(message, at, SYNTAX_ERROR)
        if not (
            any(c.isupper() for c in value) and any(c.islower() for c in value) and any(c.isdigit() for c in value)
        ):
            message = "Password must contain at least one uppercase letter, one lowercase letter, and one number"
            draft.error(message, at, SYNTAX_ERROR)
    return f"password {quote_literal(value)}"
