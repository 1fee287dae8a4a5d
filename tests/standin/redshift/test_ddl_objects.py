"""Schemas, databases, users, groups, roles, functions and procedures."""

from __future__ import annotations

import psycopg
import pytest

from standin.redshift.dialect import Context, DialectError, rewrite


def only(sql):
    (statement,) = rewrite(sql, Context(database="dev"))
    return statement.text.strip(), statement.tag


@pytest.mark.parametrize(
    ("sql", "text", "tag"),
    [
        ("create schema if not exists dev.s quota 10 gb", "create schema if not exists s", None),
        ('create schema "dev"."s" authorization bob', 'create schema "s" authorization bob', None),
        ("create schema authorization bob quota unlimited", "create schema authorization bob", None),
        ("drop schema if exists dev.a, dev.b cascade", "drop schema if exists a, b cascade", None),
        (
            "create database d with owner = bob connection limit unlimited isolation level snapshot",
            "create database d owner bob connection limit -1",
            None,
        ),
        ("alter database d connection limit unlimited", "alter database d connection limit -1", None),
        ("drop database d force", "drop database d with (force)", None),
        (
            "create user bob password 'Abcdefg1' nocreatedb syslog access restricted session timeout 60",
            "create user \"bob\" password 'Abcdefg1' nocreatedb",
            "CREATE USER",
        ),
        (
            "create user bob with password disable createuser in group a, b valid until '2030-01-01'",
            'create user "bob" password null createrole in role "a", "b" valid until \'2030-01-01\'',
            "CREATE USER",
        ),
        ("alter user bob connection limit 3", 'alter user "bob" connection limit 3', "ALTER USER"),
        ("drop user if exists bob, eve", 'drop role if exists "bob", "eve"', "DROP USER"),
        (
            "create group g with user a, b",
            'create role "g" with nologin connection limit 0 role "a", "b"',
            "CREATE GROUP",
        ),
        ("alter group g drop user a", 'alter group "g" drop user "a"', "ALTER GROUP"),
        ("alter group g rename to h", 'alter role "g" rename to "h"', "ALTER GROUP"),
        ("create role r", 'create role "r" with nologin', "CREATE ROLE"),
        ("drop role r force", "call pg_catalog.rs_drop_role('r', true)", "DROP ROLE"),
    ],
)
def test_what_postgres_is_told(sql, text, tag):
    assert only(sql) == (text, tag)


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("create schema other.s", "cross-database references are not implemented"),
        (
            "create external schema s from data catalog database 'd' iam_role default",
            "CREATE EXTERNAL SCHEMA is not supported by the stand-in for Redshift",
        ),
        ("create user bob password 'short'", "Password must be 8 to 64 characters long"),
        (
            "create user bob password 'lowercase1'",
            "Password must contain at least one uppercase letter, one lowercase letter, and one number",
        ),
        ("create user bob superuser", 'syntax error at or near "superuser"'),
        ("create group if not exists g", 'syntax error at or near "not"'),
        ("drop group if exists g", 'syntax error at or near "if"'),
        (
            "create function f(int) returns int stable as $$ return 1 $$ language plpythonu",
            "LANGUAGE plpythonu (Python UDFs) is not supported by the stand-in for Redshift",
        ),
        (
            "create external function f(int) returns int stable lambda 'x' iam_role default",
            "CREATE EXTERNAL FUNCTION is not supported by the stand-in for Redshift",
        ),
        (
            "create function f(int) returns int stable as $$ select a from t $$ language sql",
            "The body of a SQL function cannot have the clause FROM",
        ),
        (
            "create function f(a int) returns int stable as $$ select a $$ language sql",
            "SQL functions take arguments without names: refer to them as $1, $2, …",
        ),
        (
            "create model m from t",
            "CREATE MODEL (machine learning models) is not supported by the stand-in for Redshift",
        ),
        ("create extension x", 'syntax error at or near "extension"'),
        ("create rule r as on insert to t do nothing", 'syntax error at or near "rule"'),
        ("create trigger t before insert on t execute function f()", 'syntax error at or near "trigger"'),
        ("create domain d as int", 'syntax error at or near "domain"'),
        ("create aggregate a (int) (sfunc = f)", 'syntax error at or near "aggregate"'),
        ("create operator + (function = f)", 'syntax error at or near "operator"'),
        ("drop index i", 'syntax error at or near "index"'),
        ("alter sequence s restart", 'syntax error at or near "sequence"'),
        ("alter system set a = 1", "ALTER SYSTEM is not supported by the stand-in for Redshift"),
    ],
)
def test_what_is_refused(sql, message):
    with pytest.raises(DialectError) as refused:
        rewrite(sql, Context(database="dev"))
    assert refused.value.message == message


def test_a_sql_function(redshift):
    with redshift.session() as execute:
        execute(
            "create or replace function f_greater(float, varchar(max)) returns float stable as $$\n"
            "  select case when $1 > len($2) then $1 else nvl(len($2), 0) end\n$$ language sql"
        )
        assert execute("select f_greater(1, 'abc'), f_greater(5.5, 'abc')") == [(3.0, 5.5)]
        assert execute("select function_name, result_type from svv_redshift_functions") == [
            ("f_greater", "double precision")
        ]
        execute("drop function f_greater(float, varchar)")


def test_a_procedure_runs_redshifts_sql(redshift):
    with redshift.session() as execute:
        execute(
            """create or replace procedure load_it(rows in int, made out varchar(20), doubled inout int) nonatomic as $$
            declare
                counted int := 0;
                note varchar(max);
                each record;
            begin
                create table if not exists made_here (a int encode az64, b varchar) diststyle key distkey(a) sortkey(b);
                drop table if exists #scratch;
                create temp table #scratch as select 1 as one;
                execute 'create table if not exists by_text (a int encode raw) diststyle all';
                for n in 1..rows loop
                    insert into made_here values (n, nvl(null, 'x'));
                end loop;
                select count(*) into counted from made_here;
                if counted > 1 then
                    delete made_here where a = 1;
                    truncate #scratch;
                end if;
                for each in select a from made_here loop
                    counted := counted + each.a;
                end loop;
                made := 'rows: ' || counted::varchar;
                doubled := doubled * 2;
                raise info 'made %', made;
            exception when others then
                raise exception 'it failed: %', sqlerrm;
            end;
            $$ language plpgsql"""
        )
        assert execute("call load_it(3, 21)") == [(42, "rows: 8")]
        assert execute("select a, b from made_here order by a") == [(2, "x"), (3, "x")]
        assert execute("select diststyle, sortkey1 from svv_table_info where \"table\" = 'made_here'") == [
            ("KEY(a)", "b")
        ]
        assert execute("select reldiststyle from pg_class where relname = 'by_text'") == [(8,)]
        assert "nonatomic" in execute("show procedure load_it(int, varchar, int)")[0][0]
        execute("drop procedure load_it(rows in int, made out varchar(20), doubled inout int)")
        execute("drop procedure if exists load_it(int)")


def test_an_exception_rolls_all_back_runs_its_handler_and_goes_on(redshift):
    """As the reference's example: there are no subtransactions, and what the handler writes stays."""
    with redshift.session() as execute:
        execute("create table employee (name varchar); insert into employee values ('Tomas')")
        execute("create table error_log (message varchar)")
        body = """
            begin
                update employee set name = 'Adam';
                {inner}
            exception when others then
                raise info 'an exception occurred';
                if sqlstate <> '' then insert into error_log values ('{name}: ' || sqlerrm); end if;
            end"""
        inner = """
            begin execute 'select invalid'; exception when others then raise info 'inner'; end;
            insert into employee values ('x');"""
        for name, text in (("plain", "execute 'select invalid';"), ("nested", inner)):
            execute(f"create procedure {name}() as $$ {body.format(inner=text, name=name)} $$ language plpgsql")
            with pytest.raises(psycopg.errors.UndefinedColumn, match='column "invalid" does not exist'):
                execute(f"call {name}()")
        assert execute("select name from employee") == [("Tomas",)]
        assert execute("select message from error_log order by 1") == [
            ('nested: column "invalid" does not exist',),
            ('plain: column "invalid" does not exist',),
        ]
        swallowing = body.format(inner="select 1/0;", name="loose")
        execute(f"create procedure loose() nonatomic as $$ {swallowing} $$ language plpgsql")
        execute("call loose()")
        assert execute("select message from error_log where message like 'loose%'") != []


def test_every_statement_of_a_nonatomic_procedure_commits(redshift):
    with redshift.session() as execute:
        execute("create table kept (n int)")
        execute(
            """create procedure p(most int) nonatomic as $$
            declare
                each record;
            begin
                insert into kept values (1);
                execute 'insert into kept values (2)';
                start transaction;
                insert into kept values (3);
                rollback;
                for each in select 10 as n union all select 11 loop
                    if each.n < most then insert into kept values (each.n); end if;
                end loop;
                begin
                    insert into kept values (20);
                    execute 'select 1 / 0';
                exception when others then
                    insert into kept values (21);
                end;
                insert into kept values (22);
                raise exception 'at the end';
            end $$ language plpgsql"""
        )
        with pytest.raises(psycopg.Error, match="at the end"):
            execute("call p(11)")
        # Postgres takes back what a block with a handler did; Redshift would have kept 20
        assert execute("select n from kept order by n") == [(1,), (2,), (10,), (21,), (22,)]
        execute("create procedure q() nonatomic as $$ begin insert into kept values (5); end $$ language plpgsql")
        # in a transaction block, all is the caller's
        execute("begin")
        execute("call q()")
        execute("rollback")
        assert execute("select count(*) from kept where n = 5") == [(0,)]


def test_truncate_in_a_procedure_ends_the_transaction(redshift):
    with redshift.session() as execute:
        execute("create table a (n int); create table b (n int)")
        for truncate in ("truncate b", "execute 'truncate table ' || 'b'"):
            execute("delete from a; insert into b values (1)")
            execute(
                f"create or replace procedure p(x int) as $$ begin insert into a values (x); {truncate}; "
                "insert into b values (x); execute 'select bad'; end $$ language plpgsql"
            )
            with pytest.raises(psycopg.errors.UndefinedColumn):
                execute("call p(5)")
            assert execute("select (select count(*) from a), (select count(*) from b)") == [(1, 0)]
        execute("begin")
        message = "TRUNCATE cannot be invoked from a procedure that is executing in an atomic context"
        with pytest.raises(psycopg.Error, match=message):
            execute("call p(5)")
        execute("rollback; create procedure q() as $$ begin commit; end $$ language plpgsql; begin")
        with pytest.raises(psycopg.Error, match="COMMIT cannot be invoked"):
            execute("call q()")
        execute("rollback")


def test_a_procedure_merges(redshift):
    with redshift.session() as execute:
        execute("create table a (n int, t varchar(5)); insert into a values (1, 'x')")
        execute("create table b (n int); insert into b values (1), (2)")
        execute(
            "create procedure p() as $$ begin merge into a using b on a.n = b.n when matched then update set t = 'y' "
            "when not matched then insert values (b.n, 'z'); end $$ language plpgsql; call p()"
        )
        assert execute("select n, t from a order by n") == [(1, "y"), (2, "z")]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("assert 1 = 2;", 'near "assert"'),
        ("return query select 1;", 'near "query"'),
        ("raise exception using message = 'x';", 'near "using"'),
        ("raise debug 'x';", 'near "debug"'),
        ("for r in execute 'select $1' using 5 loop null; end loop;", 'near "using"'),
        ("fetch next from c into r;", 'near "next"'),
        ("get stacked diagnostics r = message_text;", 'near "stacked"'),
        ("perform 1; exception when division_by_zero then null;", "the only condition of an exception block is OTHERS"),
        ("copy t from 's3://a/b' iam_role default;", "COPY in a procedure is not supported"),
        ("alter table t append from u;", "ALTER is not supported in a procedure"),
    ],
)
def test_what_redshifts_plpgsql_lacks_is_refused(body, message):
    with pytest.raises(DialectError) as refused:
        rewrite(f"create procedure p() as $$ begin {body} end $$ language plpgsql", Context())
    assert message in refused.value.message
    for arguments in ("a int default 5", "a int = 5"):
        with pytest.raises(DialectError, match="syntax error"):
            rewrite(f"create procedure p({arguments}) as $$ begin end $$ language plpgsql", Context())


def test_a_procedure_without_results_is_called_and_dropped(redshift):
    with redshift.session() as execute:
        execute(
            "create procedure p(a int, b varchar(10)) as $$ begin execute 'create table made as select ' || a "
            "|| ' as a'; end $$ language plpgsql"
        )
        assert execute("call p(7, 'x')") == []
        assert execute("select a from made") == [(7,)]
        execute("alter procedure p(int, varchar(10)) rename to q; drop procedure q(int, varchar)")
        with pytest.raises(psycopg.errors.UndefinedFunction):
            execute("call q(7, 'x')")


def test_schemas_and_databases(redshift):
    with redshift.session() as execute:
        (name,) = execute("select current_database()")[0]
        execute(f'create schema if not exists "{name}".sales quota 1 tb; create schema if not exists sales')
        execute("alter schema sales rename to trade; alter schema trade quota 5 gb")
        assert ("trade",) in execute("select schema_name from svv_redshift_schemas where schema_type = 'local'")
        execute(f"drop schema {name}.trade restrict")
        with pytest.raises(psycopg.errors.InvalidSchemaName):
            execute("drop schema trade")
