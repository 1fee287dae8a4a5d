"""Calls of Redshift's functions, where a call alone would not do in Postgres.

Most functions are in the catalogue (`catalog/functions_*.sql`, `aggregates.sql`) and need nothing here. What stands
here is syntax: bare date parts, DECODE, CONVERT(type, …), WITHIN GROUP, functions that are called without parentheses,
and words that Postgres reads as keywords. Names that Redshift gives to the result's column are kept: `extract` becomes
`date_part`, `date_part` becomes `pgdate_part`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from standin.redshift.dialect import ordered_sets
from standin.redshift.dialect.dateparts import CANONICAL
from standin.redshift.dialect.lexer import quote_literal, string_value
from standin.redshift.dialect.spatial import SPATIAL
from standin.redshift.dialect.super_functions import Parts, array, element_literals, object_call, object_transform

if TYPE_CHECKING:
    from collections.abc import Callable

    from standin.redshift.dialect.rewrite import Draft

UNDEFINED_FUNCTION = "42883"
INVALID_PARAMETER = "22023"

# another name, and nothing else
_RENAMED = {
    "nvl": "coalesce",
    "isnull": "coalesce",
    "json_serialize": '"json_serialize"',
    "grouping_id": "grouping",
}
# called without parentheses
_BARE = {
    "sysdate": "pg_catalog.sysdate()",
    "current_user_id": "pg_catalog.current_user_id()",
    "current_namespace": "pg_catalog.current_namespace()",
    "current_aws_account": "pg_catalog.current_aws_account()",
    "current_session_arn": "pg_catalog.current_session_arn()",
    "default_iam_role": "pg_catalog.default_iam_role()",
}
_DATE_ADDERS = {"dateadd": "date_add", "date_add": "date_add", "datediff": "date_diff", "date_diff": "date_diff"}
_REFUSED = SPATIAL | {
    "explain_model", "change_query_priority", "change_session_priority", "change_user_priority", "reboot_cluster",
    "get_most_recent_job_id",
}  # fmt: skip
# a name with a parenthesis behind it that is no call
_NO_CALL_AFTER = frozenset({"into", "table", "exists", "view", "function", "procedure", "on", "as"})


def rewrite(draft: Draft) -> None:
    """Pass: function calls that Postgres writes otherwise."""
    tokens = draft.tokens
    ordered_sets.one_order(draft)
    for at in reversed(range(len(tokens))):
        token = tokens[at]
        if token.kind == "word":
            word = token.word
            if word in _CALLS:
                if tokens[at + 1].text == "(" and draft.mark(at - 1) != ".":
                    _CALLS[word](draft, at)
            elif word in _BARE:
                if draft.mark(at + 1) not in ("(", ".") and draft.mark(at - 1) != "." and draft.word(at - 1) != "as":
                    draft.replace(at, at + 1, _BARE[word])
            elif word == "approximate":
                if draft.word(at + 1) in ("count", "percentile_disc"):
                    draft.remove(at, at + 1)
            elif word in _REFUSED and draft.is_call(at) and draft.word(at - 1) not in _NO_CALL_AFTER:
                draft.unsupported(f"The function {word.upper()}", at)
    element_literals(draft)


def _renamed(draft: Draft, at: int) -> None:
    draft.replace(at, at + 1, _RENAMED[draft.word(at)])


def _part(draft: Draft, lo: int, hi: int) -> str | None:
    """The canonical date part of an argument that names one; None for an expression."""
    if hi - lo != 1:
        return None
    token = draft.tokens[lo]
    if token.kind == "string":
        name = string_value(token).strip().lower()
    elif token.kind in ("word", "quoted"):
        name = draft.identifier(lo).lower()
    else:
        return None
    if name not in CANONICAL:
        draft.error(f'"{name}" is not a valid date part', lo, INVALID_PARAMETER)
    return CANONICAL[name]


def _date_arithmetic(draft: Draft, at: int) -> None:
    """`dateadd(day, 1, x)`: the column is called date_add."""
    arguments = draft.arguments(at + 1)
    if len(arguments) != 3:
        return
    part = _part(draft, *arguments[0])
    if part is not None:
        draft.replace(*arguments[0], quote_literal(part))
    lo, hi = arguments[1]
    if hi - lo == 1 and (draft.word(lo) == "null" or draft.kind_at(lo) == "parameter") and "add" in draft.word(at):
        # of a type that Postgres must be told
        draft.insert(hi, "::bigint")
    draft.replace(at, at + 1, "pg_catalog." + _DATE_ADDERS[draft.word(at)])


def _date_part(draft: Draft, at: int) -> None:
    arguments = draft.arguments(at + 1)
    if len(arguments) != 2:
        return
    part = _part(draft, *arguments[0])
    if part is not None:
        draft.replace(*arguments[0], quote_literal(part))
    draft.replace(at, at + 1, "pg_catalog.pgdate_part")


def _date_trunc(draft: Draft, at: int) -> None:
    arguments = draft.arguments(at + 1)
    if len(arguments) == 2 and draft.kind_at(arguments[0][0]) != "parameter":
        part = _part(draft, *arguments[0])
        if part is not None:
            draft.replace(*arguments[0], quote_literal(part))


def _extract(draft: Draft, at: int) -> None:
    """`extract(part from x)`; the third argument chooses the variant that counts in whole numbers."""
    close = draft.close(at + 1)
    if draft.word(at + 3) != "from":
        return
    part = _part(draft, at + 2, at + 3)
    source = draft.slice(at + 4, close)
    variant = "0::bigint" if part == "epoch" else "true"
    draft.replace(at, close + 1, "pg_catalog.date_part(", quote_literal(str(part)), ",", source, ",", variant, ")")


def _nvl2(draft: Draft, at: int) -> None:
    arguments = draft.arguments(at + 1)
    if len(arguments) != 3:
        _no_function(draft, at, len(arguments))
    value, present, absent = (draft.slice(lo, hi) for lo, hi in arguments)
    close = draft.close(at + 1)
    draft.replace(at, close + 1, "case when (", value, ") is not null then", present, "else", absent, "end")


def _decode(draft: Draft, at: int) -> None:
    """DECODE is a CASE in which null equals null."""
    arguments = draft.arguments(at + 1)
    if len(arguments) < 3:
        _no_function(draft, at, len(arguments))
    value = draft.slice(*arguments[0])
    parts: Parts = ["case"]
    rest = arguments[1:]
    while len(rest) > 1:
        (lo, hi), result = rest[0], rest[1]
        sought = draft.slice(lo, hi)
        if draft.word(lo) == "null" and hi - lo == 1:
            parts += ["when (", [token.copy() for token in value], ") is null"]
        elif hi - lo == 1 and draft.kind_at(lo) in ("string", "number"):
            parts += ["when (", [token.copy() for token in value], ") =", sought]
        else:
            parts += ["when (", [token.copy() for token in value], ") is not distinct from (", sought, ")"]
        parts += ["then", draft.slice(*result)]
        rest = rest[2:]
    if rest:
        parts += ["else", draft.slice(*rest[0])]
    draft.replace(at, draft.close(at + 1) + 1, *parts, "end")


def _convert(draft: Draft, at: int) -> None:
    """`convert(type, value)` is a cast."""
    from standin.redshift.dialect.typenames import type_name

    arguments = draft.arguments(at + 1)
    if len(arguments) != 2:
        return
    type_name(draft, arguments[0][0])
    (lo, hi), value = draft.arguments(at + 1)
    kind = draft.slice(lo, hi)
    draft.replace(at, draft.close(at + 1) + 1, "cast(", draft.slice(*value), "as", kind, ")")


def _try_cast(draft: Draft, at: int) -> None:
    """`try_cast(value as type)`: a length is applied to what came of it."""
    close = draft.close(at + 1)
    marks = [place for place in draft.outermost(at + 2, close) if draft.word(place) == "as"]
    if not marks:
        return
    mark = marks[-1]
    value, kind = draft.slice(at + 2, mark), draft.slice(mark + 1, close)
    text = "::text" if mark - at == 3 and draft.kind_at(at + 2) == "string" else ""
    call: Parts = ["pg_catalog.try_cast((", value, ")", text, ", cast(null as", kind, "))"]
    if any(token.text == "(" for token in kind):
        call = ["cast(", *call, "as", [token.copy() for token in kind], ")"]
    draft.replace(at, close + 1, *call)


def _json_extract_path_text(draft: Draft, at: int) -> None:
    arguments = draft.arguments(at + 1)
    if len(arguments) < 2:
        _no_function(draft, at, len(arguments))
    null_if_invalid = "false"
    last = arguments[-1]
    if draft.word(last[0]) in ("true", "false"):
        null_if_invalid = draft.text(*last)
        arguments = arguments[:-1]
    path: Parts = []
    for lo, hi in arguments[1:]:
        path += ["," if path else "", draft.slice(lo, hi)]
    call: Parts = ["pg_catalog.json_extract_path_text(", draft.slice(*arguments[0]), ", array[", *path, "]::text[],"]
    draft.replace(at, draft.close(at + 1) + 1, *call, null_if_invalid, ")")


def _collate(draft: Draft, at: int) -> None:
    """COLLATE as a function; `x COLLATE name` has no parenthesis behind it."""
    if draft.mark(at - 1) in (")", "]") or draft.kind_at(at - 1) in ("quoted", "string"):
        return
    draft.replace(at, at + 1, "pg_catalog.rs_collate")


def _ratio_to_report(draft: Draft, at: int) -> None:
    """A window function that Postgres lacks: the share of the window's sum."""
    close = draft.close(at + 1)
    if draft.word(close + 1) != "over":
        return
    end = draft.close(close + 2) + 1 if draft.mark(close + 2) == "(" else close + 3
    value = draft.slice(at + 2, close)
    window = draft.slice(close + 1, end)
    again = [token.copy() for token in value]
    draft.replace(at, end, "pg_catalog.ratio_to_report((", value, ")::float8, (sum(", again, ")", window, ")::float8)")


def _setting(draft: Draft, at: int) -> None:
    """Redshift's own parameters are kept under `redshift.` (see `session`)."""
    from standin.redshift.dialect.session import PARAMETERS

    name = at + 2
    if draft.kind_at(name) != "string":
        return
    parameter = string_value(draft.tokens[name]).lower()
    if parameter not in PARAMETERS:
        return
    if draft.word(at) == "set_config":
        if parameter == "enable_case_sensitive_identifier":
            # the gateway, which reads statements by it, would not notice
            draft.unsupported("set_config of enable_case_sensitive_identifier", name, "Use SET.")
        draft.replace(name, name + 1, quote_literal(f"redshift.{parameter}"))
    else:
        kept = f"nullif(pg_catalog.current_setting({quote_literal('redshift.' + parameter)}, true), '')"
        # SHOW says "unset" in the reference; on Redshift itself, dbt-redshift's tests read "default" by this function
        default = quote_literal("default" if parameter == "query_group" else PARAMETERS[parameter])
        draft.replace(at, draft.close(at + 1) + 1, f"coalesce({kept}, {default})")


def _no_function(draft: Draft, at: int, count: int) -> None:
    listed = ", ".join(["unknown"] * count)
    draft.error(f"function {draft.word(at)}({listed}) does not exist", at, UNDEFINED_FUNCTION)


_CALLS: dict[str, Callable[[Draft, int], None]] = {
    **dict.fromkeys(_RENAMED, _renamed),
    **dict.fromkeys(_DATE_ADDERS, _date_arithmetic),
    "date_part": _date_part,
    "pgdate_part": _date_part,
    "date_trunc": _date_trunc,
    "extract": _extract,
    "nvl2": _nvl2,
    "decode": _decode,
    "convert": _convert,
    "try_cast": _try_cast,
    "json_extract_path_text": _json_extract_path_text,
    "collate": _collate,
    "ratio_to_report": _ratio_to_report,
    "current_setting": _setting,
    "set_config": _setting,
    "listagg": ordered_sets.listagg,
    "percentile_cont": ordered_sets.percentile,
    "percentile_disc": ordered_sets.percentile,
    "st_collect": ordered_sets.collect,
    "array": array,
    "object": object_call,
    "object_transform": object_transform,
}
