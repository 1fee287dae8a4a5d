# ruff: noqa: E501 - a case is a line
"""Parameters, transactions and housekeeping, through the face."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from standin.redshift.dialect import Context, DialectError, rewrite


def test_redshifts_parameters_are_set_shown_and_reset(redshift: Any) -> None:
    with redshift.session() as session:
        assert session("show query_group") == [("unset",)]
        session("set query_group to 'nightly'")
        assert session("show query_group") == [("nightly",)]
        session("reset query_group")
        assert session("show query_group") == [("unset",)]
        assert session("select current_setting('query_group')") == [("default",)]
        assert session("show server_version") == [("8.0.2",)]
        session("set session wlm_query_slot_count = 3")
        assert session("show wlm_query_slot_count") == [("3",)]
        session("set wlm_query_slot_count to default")
        assert session("show wlm_query_slot_count") == [("1",)]
        session("set enable_result_cache_for_session to false")
        session("set error_on_nondeterministic_update to off; set parse_super_null_on_error to on")
        assert session("select json_parse('{'), json_parse('[1]')") == [(None, "[1]")]
        session("reset parse_super_null_on_error")
        assert session("show enable_result_cache_for_session") == [("off",)]


def test_a_parameter_set_in_a_transaction_goes_with_it(redshift: Any) -> None:
    with redshift.session() as session:
        session("begin")
        session("set query_group to 'x'")
        session("rollback")
        assert session("show query_group") == [("unset",)]
        session("begin")
        session("set local query_group to 'y'")
        assert session("show query_group") == [("y",)]
        session("commit")
        assert session("show query_group") == [("unset",)]


def test_parameters_of_both_are_postgres_own(redshift: Any) -> None:
    with redshift.session() as session:
        session("set search_path to pg_catalog, public")
        assert session("show search_path") == [("pg_catalog, public",)]
        session("set statement_timeout to 5000")
        session("set timezone to 'Europe/Helsinki'")
        session("set time zone 'UTC'")
        session("set datestyle to 'ISO, MDY'")
        assert session("show datestyle") == [("ISO, MDY",)]


@pytest.mark.parametrize(
    "sql",
    [
        "begin", "begin transaction isolation level serializable", "begin work read write", "start transaction read only",
    ],
)  # fmt: skip
@pytest.mark.parametrize("end", ["commit", "end transaction", "rollback work", "abort"])
def test_transactions_begin_and_end_in_every_form(sql: str, end: str) -> None:
    assert [statement.text for statement in rewrite(f"{sql}; {end}", Context())] == [sql, f" {end}"]


HOUSEKEEPING = [
    ("vacuum", "VACUUM"),
    ("vacuum full kept to 75 percent boost", "VACUUM"),
    ("vacuum sort only kept", "VACUUM"),
    ("vacuum delete only kept to 99 percent", "VACUUM"),
    ("vacuum reindex kept", "VACUUM"),
    ("vacuum recluster kept boost", "VACUUM"),
    ("analyze", "ANALYZE"),
    ("analyze kept", "ANALYZE"),
    ("analyze verbose kept (a)", "ANALYZE"),
    ("analyze kept predicate columns", "ANALYZE"),
    ("analyze kept all columns", "ANALYZE"),
    ("cancel 2147483646 'too long'", "CANCEL"),
    ("use dev", "USE"),
    ("reset use", "RESET"),
]


@pytest.mark.parametrize(("sql", "tag"), HOUSEKEEPING, ids=[sql for sql, _ in HOUSEKEEPING])
def test_housekeeping_is_accepted(sql: str, tag: str) -> None:
    (statement,) = rewrite(sql, Context())
    assert statement.tag == tag
    assert statement.outside_transaction == (tag == "VACUUM")


def test_housekeeping_runs_and_knows_its_tables(redshift: Any) -> None:
    with redshift.session() as session:
        session("create table kept (a int)")
        session("vacuum full kept")
        session("analyze kept predicate columns")
        for sql in ("vacuum nowhere", "analyze nowhere"):
            with pytest.raises(psycopg.Error, match='"nowhere" does not exist'):
                session(sql)
        session("begin")
        with pytest.raises(psycopg.Error, match="VACUUM cannot run inside a transaction block"):
            session("vacuum kept")


REFUSED = [
    ("set work_mem to '1GB'", 'unrecognized configuration parameter "work_mem"'),
    ("show jit", 'unrecognized configuration parameter "jit"'),
    ("set wlm_query_slot_count to 51", "51 is outside the valid range"),
    ("set wlm_query_slot_count to many", "requires a numeric value"),
    ("set auto_mv to perhaps", "requires a Boolean value"),
    ("set navigate_super_null_on_error to false", "navigate_super_null_on_error set to off is not supported"),
    ("set describe_field_name_in_uppercase = on", "describe_field_name_in_uppercase set to on is not supported"),
    ("savepoint a", 'SQL command "SAVEPOINT" not supported.'),
    ("rollback to savepoint a", 'near "to"'),
    ("commit and chain", 'near "chain"'),
    ("commit prepared 'x'", 'near "prepared"'),
    ("set role x", 'near "role"'),
    ("explain analyze select 1", 'near "analyze"'),
    ("explain (format json) select 1", 'near "format"'),
    ("vacuum (full) t", 'near "("'),
    ("vacuum analyze t", 'near "t"'),
    ("cancel everything", 'near "everything"'),
    ("use elsewhere", "USE of another database is not supported"),
    ("discard all", 'near "discard"'),
    ("listen x", 'SQL command "LISTEN" not supported.'),
]


@pytest.mark.parametrize(("sql", "message"), REFUSED, ids=[sql for sql, _ in REFUSED])
def test_what_redshift_does_not_know_is_refused(sql: str, message: str) -> None:
    with pytest.raises(DialectError) as caught:
        rewrite(sql, Context())
    assert message in caught.value.message
