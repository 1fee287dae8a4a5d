"""Errors as Redshift words them, where programs go by the words or the SQLSTATE.

What is not listed is Postgres' own and the same on Redshift, its child: missing relations and columns, syntax errors,
failed transactions. Sources: dlt and dbt-redshift, which look for these texts, and errors that people have reported to
their issue trackers.
"""

from __future__ import annotations

import re
from typing import NamedTuple

INTERNAL = "XX000"

Fields = dict[str, str]


class _Rule(NamedTuple):
    """What Postgres says, and what Redshift says in its place.

    `pattern` matches the whole text; `text` is put together from its groups, and so is `detail`, which replaces
    Postgres' (None leaves it, "" removes it). `hint` replaces a piece of the hint by another.
    """

    pattern: re.Pattern[str]
    text: str
    sqlstate: str
    detail: str | None
    hint: tuple[str, str] | None


def _rule(
    pattern: str, text: str, sqlstate: str, detail: str | None = None, hint: tuple[str, str] | None = None
) -> _Rule:
    return _Rule(re.compile(pattern, re.DOTALL), text, sqlstate, detail, hint)


def _of_a_node(error: str, code: int, context: str) -> str:
    """The details of an error that a compute node reports."""
    line = "-" * 47
    return f"\n  {line}\n  error:  {error}\n  code:      {code}\n  context:   {context}\n  {line}\n"


_OVERFLOW = "Numeric data overflow (result precision)"
_RULES: dict[str, tuple[_Rule, ...]] = {
    "23502": (
        _rule(
            r'null value in column "(.*?)"(?: of relation ".*")? violates not-null constraint',
            r"Cannot insert a NULL value into column \1",
            INTERNAL,
            "",
        ),
        _rule(r'column "(.*?)" of relation ".*" contains null values', r'column "\1" contains null values', "23502"),
    ),
    "21000": (
        _rule(
            r"MERGE command cannot affect row a second time",
            "Found multiple matches to update the same tuple.",
            "21000",
        ),
    ),
    "22003": (
        _rule(r"numeric field overflow", _OVERFLOW, INTERNAL, _of_a_node(_OVERFLOW, 1058, "64 bit overflow")),
        _rule(r"value overflows numeric format", _OVERFLOW, INTERNAL, _of_a_node(_OVERFLOW, 1058, "128 bit overflow")),
    ),
    "22P02": (
        _rule(
            r"invalid input syntax for type (?:smallint|integer|bigint): (.*)",
            r"invalid input syntax for integer: \1",
            "22P02",
        ),
    ),
    "42P07": (_rule(r'relation "(.*)" already exists', r'Relation "\1" already exists', "42P07"),),
    "42P01": (_rule(r'table "(.*)" does not exist', r'Table "\1" does not exist', "42P01"),),
    "42501": (
        _rule(
            r"permission denied for (?:table|view|materialized view) (.*)",
            r"permission denied for relation \1",
            "42501",
        ),
    ),
    "42883": (
        _rule(r"((?:function|operator) .*)", r"\1", "42883", hint=("You might need to add", "You may need to add")),
    ),
    "428C9": (
        _rule(
            r'(?:cannot insert a non-DEFAULT value into column|column) ".*?"(?: can only be updated to DEFAULT)?',
            "cannot set an identity column to a value",
            "0A000",
            "",
            ("Use OVERRIDING SYSTEM VALUE to override.", "Leave the column out, or load it by COPY with EXPLICIT_IDS."),
        ),
    ),
    "40001": (
        _rule(
            r"could not serialize access .*", "1023", INTERNAL, "Serializable isolation violation on table in Redshift"
        ),
    ),
    "53300": (
        _rule(
            r"(?:sorry, too many clients already|remaining connection slots are reserved .*)",
            r'connection limit "500" exceeded for non-bootstrap users',
            "53300",
        ),
    ),
    INTERNAL: (
        _rule(
            r"tuple concurrently (?:updated|deleted)",
            "could not complete because of conflict with concurrent transaction",
            INTERNAL,
        ),
    ),
}


_ATOMIC_HINT = (
    "Try calling the procedure as a top-level call i.e. not from within an explicit transaction block. Or, if this "
    "procedure (or one of its ancestors in the call chain) was created with SET config options, recreate the procedure "
    "without them."
)


def _atomic(fields: Fields) -> Fields:
    """The error of a procedure that would end a transaction that it has not begun."""
    context = fields.get("W", "")
    if fields.get("C") != "2D000" or fields.get("M") != "invalid transaction termination":
        return fields
    verb = "ROLLBACK" if context.split("\n")[0].endswith("ROLLBACK") else "COMMIT"
    verb = "TRUNCATE" if "rs_truncated" in context else verb
    text = f"{verb} cannot be invoked from a procedure that is executing in an atomic context."
    return {**fields, "M": text, "H": _ATOMIC_HINT}


def translate(fields: Fields) -> Fields:
    """The fields of an ErrorResponse, by their one-letter codes, as Redshift would send them."""
    fields = _atomic(fields)
    fields = _without_own_calls(fields)
    for rule in _RULES.get(fields.get("C", ""), ()):
        found = rule.pattern.fullmatch(fields.get("M", ""))
        if found is not None:
            return _applied(rule, found, fields)
    return fields


# a line of the call stack about a function of our catalogue
_OWN_CALL = re.compile(
    r'^(?:PL/pgSQL function|SQL function|SQL statement "\w+) "?(?:rs_|st_|h3_|geometry_in|geography_in)'
)


def _without_own_calls(fields: Fields) -> Fields:
    context = fields.get("W", "")
    if "rs_" not in context:
        return fields
    kept = [line for line in context.split("\n") if not _OWN_CALL.match(line)]
    others = {key: value for key, value in fields.items() if key != "W"}
    return {**others, "W": "\n".join(kept)} if kept else others


def _applied(rule: _Rule, found: re.Match[str], fields: Fields) -> Fields:
    changed = {**fields, "C": rule.sqlstate, "M": found.expand(rule.text)}
    if rule.detail is not None:
        changed["D"] = rule.detail
        if not rule.detail:
            del changed["D"]
    if rule.hint is not None and "H" in changed:
        changed["H"] = changed["H"].replace(*rule.hint)
    return changed
