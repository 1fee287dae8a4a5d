"""Errors reach the client in Redshift's words, from a real statement each."""

from __future__ import annotations

import psycopg
import pytest

PREPARED = """
    create table things (id int not null, amount numeric(4, 2), code varchar(3), small smallint);
    create view seen as select id from things;
    insert into things values (1, 1.5, 'abc', 1);
"""
ERRORS = [
    ("insert into things values (null)", "XX000", "Cannot insert a NULL value into column id"),
    ("update things set id = null", "XX000", "Cannot insert a NULL value into column id"),
    ("insert into things values (1, 123.4)", "XX000", "Numeric data overflow (result precision)"),
    ("insert into things values (1, 1, 'abcd')", "22001", "value too long for type character varying(3)"),
    ("insert into things values (1, 1, 'äöü')", "22001", "value too long for type character varying(3)"),
    ("select * from absent", "42P01", 'relation "absent" does not exist'),
    ("select absent from things", "42703", 'column "absent" does not exist'),
    ("select absent(id) from things", "42883", "function absent(integer) does not exist"),
    ("select 1 / (id - 1) from things", "22012", "division by zero"),
    ("create table things (a int)", "42P07", 'Relation "things" already exists'),
    ("drop table absent", "42P01", 'Table "absent" does not exist'),
    ("create table absent.t (a int)", "3F000", 'schema "absent" does not exist'),
    ("select 'x'::int", "22P02", 'invalid input syntax for integer: "x"'),
    ("select 'x'::date", "22007", 'invalid input syntax for type date: "x"'),
    ("select code, count(*) from things", "42803", 'column "things.code" must appear in the GROUP BY clause'),
    ("selec 1", "42601", 'syntax error at or near "selec"'),
    ("drop table things", "2BP01", "cannot drop table things because other objects depend on it"),
    ("select * from pg_catalog.pg_authid", "42501", "permission denied for relation pg_authid"),
    ("insert into things values (1, 2, 3, 4, 5)", "42601", "INSERT has more expressions than target columns"),
]


@pytest.fixture(scope="module")
def prepared(warehouse_factory):
    with warehouse_factory.warehouse(redshift=True) as made:
        made.execute(PREPARED)
        with made.psycopg() as connection:
            yield connection


@pytest.mark.parametrize(("statement", "sqlstate", "text"), ERRORS, ids=[statement for statement, _, _ in ERRORS])
def test_an_error_in_redshift_s_words(prepared, statement, sqlstate, text):
    for prepare in (False, True):
        with pytest.raises(psycopg.Error) as caught:
            prepared.execute(statement, prepare=prepare)
        assert caught.value.sqlstate == sqlstate
        assert caught.value.diag.message_primary.startswith(text)


def test_a_failed_transaction_says_so(prepared):
    prepared.execute("begin")
    with pytest.raises(psycopg.errors.UndefinedColumn):
        prepared.execute("select absent")
    with pytest.raises(psycopg.errors.InFailedSqlTransaction, match="current transaction is aborted, commands ignored"):
        prepared.execute("select 1")
    prepared.execute("rollback")


def test_transactions_that_cannot_be_one_after_the_other(redshift):
    with redshift.psycopg(autocommit=False) as one, redshift.psycopg(autocommit=False) as other:
        redshift.execute("create table t (a int)")
        redshift.execute("insert into t values (1)")
        for connection in (one, other):
            connection.execute("set transaction isolation level serializable")
            connection.execute("select count(*) from t")
        one.execute("update t set a = 2")
        one.commit()
        with pytest.raises(psycopg.errors.InternalError, match="1023") as caught:
            other.execute("update t set a = 3")
        assert caught.value.diag.message_detail.startswith("Serializable isolation violation on table")
        other.rollback()
