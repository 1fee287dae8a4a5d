"""CREATE, ALTER and DROP of schemas and databases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from standin.redshift.dialect.statement import FEATURE_NOT_SUPPORTED

if TYPE_CHECKING:
    from standin.redshift.dialect.rewrite import Draft

_UNITS = frozenset({"mb", "gb", "tb"})


def create(draft: Draft, at: int) -> None:
    """CREATE SCHEMA and CREATE DATABASE."""
    if draft.word(at) == "database":
        _create_database(draft, at)
        return
    at += 4 if draft.at(at + 1, "if", "not", "exists") else 1
    if draft.word(at) != "authorization":
        at = schema_name(draft, at)
    if draft.word(at) == "authorization":
        if not draft.is_name(at + 1):
            draft.syntax_error(at + 1)
        at += 2
    _quota(draft, at)


def alter(draft: Draft) -> None:
    """ALTER SCHEMA and ALTER DATABASE."""
    if draft.word(1) == "database":
        _alter_database(draft)
        return
    at = schema_name(draft, 2)
    if draft.word(at) == "quota":
        end = _quota_end(draft, at)
        if draft.kind_at(end) != "end":
            draft.syntax_error(end)
        draft.replace(1, end, f"schema {draft.text(2, at)} owner to current_user")
    elif not (draft.at(at, "rename", "to") or draft.at(at, "owner", "to")):
        draft.syntax_error(at)


def drop(draft: Draft) -> None:
    """DROP SCHEMA and DROP DATABASE."""
    if draft.word(1) == "database":
        at = 4 if draft.at(2, "if", "exists") else 2
        if draft.word(at + 1) == "force":
            draft.replace(at + 1, at + 2, "with (force)")
        return
    at = 4 if draft.at(2, "if", "exists") else 2
    for lo, _ in reversed(draft.split(at, len(draft.tokens) - 1)):
        schema_name(draft, lo)
    last = len(draft.tokens) - 1
    if any(draft.at(place, "drop", "external", "database") for place in range(2, last)):
        draft.unsupported("DROP SCHEMA … DROP EXTERNAL DATABASE", 0)


def schema_name(draft: Draft, at: int) -> int:
    """Take the database off a schema's name; the place after the name. Raises `DialectError` for another database."""
    parts, end = draft.name(at)
    if len(parts) not in (1, 2):
        draft.syntax_error(at if not parts else end - 1)
    if len(parts) == 2:
        if parts[0] != draft.context.database:
            draft.error("cross-database references are not implemented", at, FEATURE_NOT_SUPPORTED)
        draft.remove(at, at + 2)
        return end - 2
    return end


def _quota(draft: Draft, at: int) -> None:
    """A quota is accepted and not enforced: nothing on a laptop is billed by it."""
    if draft.word(at) == "quota":
        draft.remove(at, _quota_end(draft, at))


def _quota_end(draft: Draft, at: int) -> int:
    if draft.word(at + 1) == "unlimited":
        return at + 2
    if draft.kind_at(at + 1) != "number":
        draft.syntax_error(at + 1)
    return at + 3 if draft.word(at + 2) in _UNITS else at + 2


def _create_database(draft: Draft, at: int) -> None:
    if not draft.is_name(at + 1):
        draft.syntax_error(at + 1)
    begin = at + 2
    place = begin + 1 if draft.word(begin) == "with" else begin
    options: list[str] = []
    while draft.kind_at(place) != "end":
        word = draft.word(place)
        value = place + 2 if draft.mark(place + 1) == "=" else place + 1
        if word == "owner" and draft.is_name(value):
            options.append(f"owner {draft.tokens[value].text}")
        elif draft.at(place, "connection", "limit"):
            value = place + 2
            options.append(f"connection limit {_limit(draft, value)}")
        elif word == "collate" and draft.word(value) == "case_sensitive":
            pass
        elif word == "collate" and draft.word(value) in ("case_insensitive", "ci"):
            draft.unsupported("COLLATE CASE_INSENSITIVE", place)
        elif draft.at(place, "isolation", "level") and draft.word(place + 2) in ("serializable", "snapshot"):
            value = place + 2
        elif word == "from":
            draft.unsupported("CREATE DATABASE … FROM", place)
        else:
            draft.syntax_error(place)
        place = value + 1
    draft.replace(begin, place, " ".join(options))


def _alter_database(draft: Draft) -> None:
    parts, at = draft.name(2)
    if not parts:
        draft.syntax_error(at)
    if draft.word(at) == "with":
        draft.remove(at, at + 1)
    if draft.at(at, "connection", "limit"):
        draft.replace(at + 2, at + 3, _limit(draft, at + 2))
    elif draft.at(at, "isolation", "level") or draft.word(at) in ("collate", "integration"):
        draft.unsupported(f"ALTER DATABASE … {draft.word(at).upper()}", at)
    elif not (draft.at(at, "rename", "to") or draft.at(at, "owner", "to")):
        draft.syntax_error(at)


def _limit(draft: Draft, at: int) -> str:
    if draft.word(at) == "unlimited":
        return "-1"
    if draft.kind_at(at) != "number":
        draft.syntax_error(at)
    return draft.tokens[at].text
