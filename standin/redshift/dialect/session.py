"""Transactions, parameters and housekeeping.

Redshift's own parameters live in Postgres as custom ones, `redshift.<name>`; those that both have are Postgres' own;
all others are refused, because a model that tunes Postgres does nothing in production. Source: the configuration
reference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from standin.redshift.dialect.lexer import quote_literal, quote_name, string_value
from standin.redshift.dialect.rewrite import NOTHING
from standin.redshift.dialect.statement import Setting

if TYPE_CHECKING:
    from collections.abc import Callable

    from standin.redshift.dialect.rewrite import Draft

# of the PostgreSQL that Redshift comes from; drivers take it for Redshift
SERVER_VERSION = "8.0.2"
# Redshift's parameters and their defaults
PARAMETERS = {
    "analyze_threshold_percent": "10",
    "auto_mv": "on",
    "cast_super_null_on_error": "on",
    "datashare_break_glass_session_var": "",
    "default_geometry_encoding": "1",
    "describe_field_name_in_uppercase": "off",
    "downcase_delimited_identifier": "on",
    "enable_case_sensitive_identifier": "off",
    "enable_case_sensitive_super_attribute": "off",
    "enable_numeric_rounding": "on",
    "enable_result_cache_for_session": "on",
    "enable_user_activity_logging": "off",
    "enable_vacuum_boost": "off",
    "error_on_nondeterministic_update": "off",
    "interval_forbid_composite_literals": "off",
    "json_serialization_enable": "off",
    "json_serialization_parse_nested_strings": "off",
    "max_concurrency_scaling_clusters": "1",
    "max_cursor_result_set_size": "0",
    "mv_enable_aqmv_for_session": "on",
    "navigate_super_null_on_error": "on",
    "parse_super_null_on_error": "off",
    "pg_federation_repeatable_read": "on",
    "query_group": "unset",
    "query_cache": "on",
    "require_ssl": "off",
    "short_query_queue": "on",
    "spectrum_enable_pseudo_columns": "on",
    "spectrum_query_maxerror": "-1",
    "stored_proc_log_min_messages": "LOG",
    "use_fips_ssl": "off",
    "wlm_query_slot_count": "1",
}
# they would change results, and are not acted upon: this value is refused
_NOT_DONE = {
    "cast_super_null_on_error": "off",
    "describe_field_name_in_uppercase": "on",
    "downcase_delimited_identifier": "off",
    "enable_numeric_rounding": "off",
    "error_on_nondeterministic_update": "on",
    "interval_forbid_composite_literals": "on",
    "navigate_super_null_on_error": "off",
}
# known to both
_SHARED = frozenset(
    {"application_name", "client_encoding", "client_min_messages", "datestyle", "extra_float_digits", "intervalstyle"}
    | {"search_path", "seed", "standard_conforming_strings", "statement_timeout", "timezone", "transaction_isolation"}
    | {"transaction_read_only", "default_transaction_isolation", "default_transaction_read_only", "lock_timeout"}
    | {"is_superuser", "server_version", "server_encoding", "session_authorization", "integer_datetimes", "lc_collate"}
    | {"lc_ctype", "idle_in_transaction_session_timeout", "bytea_output", "password_encryption", "max_index_keys"}
    | {"enable_hashjoin", "enable_mergejoin", "enable_nestloop", "enable_seqscan", "enable_sort", "enable_hashagg"}
)
_BOOLEANS = {"true": "on", "on": "on", "yes": "on", "1": "on", "false": "off", "off": "off", "no": "off", "0": "off"}


def rewrite(draft: Draft) -> None:
    """Handler of SET, RESET, transactions and housekeeping."""
    _HANDLERS[draft.kind](draft)


def show(draft: Draft) -> None:
    """`SHOW parameter`, for what is no SHOW of objects."""
    name, after = _parameter(draft, 1)
    if draft.kind_at(after) != "end":
        return
    if name in PARAMETERS:
        value = quote_literal(PARAMETERS[name])
        setting = f"coalesce(nullif(current_setting('redshift.{name}', true), ''), {value})"
        draft.finish(f"select {setting}::text as {quote_name(name)}", "SHOW")
    elif name == "server_version":
        draft.finish(f"select {quote_literal(SERVER_VERSION)}::text as server_version", "SHOW")
    elif name not in _SHARED and name not in ("all", "time zone") and name:
        _unknown(draft, name, 1)


def _set(draft: Draft) -> None:
    at = 1 + (draft.word(1) in ("session", "local"))
    if draft.word(at) in ("authorization", "characteristics", "transaction", "time", "names", "constraints"):
        if draft.word(at) == "constraints":
            draft.syntax_error(at)
        if draft.word(at) == "transaction" and draft.word(at + 1) == "snapshot":
            draft.syntax_error(at + 1)
        return
    if draft.word(at) == "role":
        draft.syntax_error(at)
    name, after = _parameter(draft, at)
    if draft.word(after) != "to" and draft.mark(after) != "=":
        draft.syntax_error(after)
    if name not in PARAMETERS:
        if name not in _SHARED and "." not in name:
            _unknown(draft, name, at)
        return
    value = _value(draft, after + 1)
    is_local = draft.word(1) == "local"
    if value is not None:
        _check(draft, name, value, after + 1)
        value = _BOOLEANS.get(value.lower(), value)
        if _NOT_DONE.get(name) == value:
            draft.unsupported(f"The parameter {name} set to {value}", at)
    written = "default" if value is None else quote_literal(value)
    draft.finish(f"set {'local ' if is_local else ''}redshift.{name} to {written}", "SET")
    draft.setting = Setting(name, value, is_local)


def _reset(draft: Draft) -> None:
    name, _ = _parameter(draft, 1)
    if draft.word(1) == "use":
        draft.finish(NOTHING, "RESET")
    elif name in PARAMETERS:
        draft.finish(f"reset redshift.{name}", "RESET")
        draft.setting = Setting(name)
    elif name not in _SHARED and draft.word(1) not in ("all", "session", "time"):
        _unknown(draft, name, 1)
    elif draft.word(1) == "all":
        draft.setting = Setting("all")


def _parameter(draft: Draft, at: int) -> tuple[str, int]:
    parts, after = draft.name(at)
    return ".".join(parts).lower(), after


def _value(draft: Draft, at: int) -> str | None:
    """The value that a SET gives, None for DEFAULT."""
    end = len(draft.tokens) - 1
    if at >= end:
        draft.syntax_error(at)
    token = draft.tokens[at]
    if token.kind == "string" and end == at + 1:
        return string_value(token)
    if token.word == "default":
        return None
    return draft.text(at, end)


def _check(draft: Draft, name: str, value: str, at: int) -> None:
    default = PARAMETERS[name]
    if default in ("on", "off") and value.lower() not in _BOOLEANS:
        draft.error(f'parameter "{name}" requires a Boolean value', at, "22023")
    if default.lstrip("-").isdigit() and not value.lstrip("-").isdigit():
        draft.error(f'parameter "{name}" requires a numeric value', at, "22023")
    if name == "wlm_query_slot_count" and not 1 <= int(value) <= 50:
        draft.error(f'{value} is outside the valid range for parameter "{name}" (1 .. 50)', at, "22023")


def _unknown(draft: Draft, name: str, at: int) -> None:
    draft.error(f'unrecognized configuration parameter "{name}"', at, "42704")


def _transaction(draft: Draft) -> None:
    """BEGIN, COMMIT and their kin; savepoints and prepared transactions are not Redshift's."""
    for at in range(1, len(draft.tokens) - 1):
        if draft.word(at) in ("to", "prepared", "chain", "savepoint", "deferrable"):
            draft.syntax_error(at)


def _use(draft: Draft) -> None:
    parts, after = draft.name(1)
    if len(parts) != 1 or draft.kind_at(after) != "end":
        draft.syntax_error(1)
    if parts[0] != draft.context.database.lower():
        draft.unsupported("USE of another database", 1, "Connect to that database instead.")
    draft.finish(NOTHING, "USE")


def _vacuum(draft: Draft) -> None:
    """Redshift's VACUUM sorts and reclaims, which Postgres need not do; a table has to exist."""
    at = 1
    if draft.word(at) in ("sort", "delete") and draft.word(at + 1) == "only":
        at += 2
    elif draft.word(at) in ("full", "reindex", "recluster"):
        at += 1
    parts, after = draft.name(at) if draft.word(at) not in ("to", "boost") else ([], at)
    if draft.word(after) == "to":
        if draft.kind_at(after + 1) != "number" or draft.word(after + 2) != "percent":
            draft.syntax_error(after + 1)
        after += 3
    if draft.word(after) == "boost":
        after += 1
    if draft.kind_at(after) != "end":
        draft.syntax_error(after)
    draft.outside_transaction = True
    draft.finish(_must_exist(parts), "VACUUM")


def _analyze(draft: Draft) -> None:
    at = 1 + (draft.word(1) == "verbose")
    end = len(draft.tokens) - 1
    if draft.at(end - 2, "predicate", "columns") or draft.at(end - 2, "all", "columns"):
        draft.remove(end - 2, end)
        end -= 2
    if at == end:
        draft.finish(NOTHING, "ANALYZE")
        return
    parts, after = draft.name(at)
    if not parts or (draft.mark(after) != "(" and after != end):
        draft.syntax_error(after)
    draft.tag = "ANALYZE"


def _must_exist(parts: list[str]) -> str:
    if not parts:
        return NOTHING
    relation = quote_literal(".".join(quote_name(part) for part in parts))
    return f"do {quote_literal(f'begin perform {relation}::regclass; end')}"


def _cancel(draft: Draft) -> None:
    if draft.kind_at(1) != "number" or not draft.tokens[1].text.isdigit():
        draft.syntax_error(1)
    if draft.kind_at(2) not in ("end", "string"):
        draft.syntax_error(2)
    body = quote_literal(f"begin perform pg_cancel_backend({draft.tokens[1].text}); end")
    draft.finish(f"do {body}", "CANCEL")


def _explain(draft: Draft) -> None:
    if draft.mark(1) == "(" and draft.word(2) not in ("select", "with"):
        draft.syntax_error(2)
    if draft.word(1) in ("analyze", "analyse"):
        draft.syntax_error(1)


_HANDLERS: dict[str, Callable[[Draft], None]] = {
    "set": _set,
    "reset": _reset,
    "begin": _transaction,
    "start": _transaction,
    "commit": _transaction,
    "end": _transaction,
    "rollback": _transaction,
    "abort": _transaction,
    "use": _use,
    "vacuum": _vacuum,
    "analyze": _analyze,
    "analyse": _analyze,
    "cancel": _cancel,
    "explain": _explain,
}
