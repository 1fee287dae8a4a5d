"""What Postgres takes and Redshift refuses is refused, with its words, and nothing else is."""

from __future__ import annotations

from typing import Any

import psycopg
import pytest

from standin.redshift.dialect import Context, DialectError, rewrite
from standin.redshift.dialect.refusals import FUNCTIONS, OPERATORS, RULES, STATEMENTS, TYPES, Rule


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_every_row_of_the_table_refuses_its_example(rule: Rule) -> None:
    with pytest.raises(DialectError) as caught:
        rewrite(rule.example, Context())
    assert caught.value.sqlstate == rule.sqlstate
    assert caught.value.message.startswith(rule.error if isinstance(rule.error, str) else "syntax error at or near ")
    assert caught.value.position is not None


def test_functions_that_redshift_has_not_are_unknown() -> None:
    for name in FUNCTIONS:
        with pytest.raises(DialectError, match=r"function .* does not exist") as caught:
            rewrite(f"select {name}(a) from t", Context())
        assert caught.value.sqlstate == "42883"
        assert caught.value.hint


def test_types_that_redshift_has_not_are_unknown() -> None:
    for name in TYPES:
        for sql in (f"select a::{name} from t", f"select cast(a as {name}) from t"):
            with pytest.raises(DialectError, match=f'type "{name}" does not exist') as caught:
                rewrite(sql, Context())
            assert caught.value.sqlstate == "42704"


def test_operators_that_redshift_has_not_are_unknown() -> None:
    for sign in OPERATORS:
        with pytest.raises(DialectError) as caught:
            rewrite(f"select a {sign} b from t", Context())
        assert caught.value.message == f"operator does not exist: {sign}"


def test_statements_that_redshift_has_not_are_refused() -> None:
    for word in STATEMENTS:
        with pytest.raises(DialectError) as caught:
            rewrite(f"{word} something", Context())
        assert word in caught.value.message.lower()


OTHERS = [
    ("select (1, a), 2 from t", "0A000", "ROW expression, implicit or explicit, is not supported in target list"),
    ("select a from t where a = any ('{1,2}')", "0A000", "Specified types or functions"),
    ("select age(a) from t", "0A000", "Specified types or functions"),
    ("select json '{}'", "42704", 'type "json" does not exist'),
    ("create function f(int) returns setof int stable as $$ select 1 $$ language sql", "42601", 'near "setof"'),
    ("create materialized view v as select 1 as a with no data", "42601", 'near "with"'),
]


@pytest.mark.parametrize(("sql", "sqlstate", "message"), OTHERS, ids=[sql for sql, *_ in OTHERS])
def test_what_no_table_tells_is_refused_too(sql: str, sqlstate: str, message: str) -> None:
    with pytest.raises(DialectError) as caught:
        rewrite(sql, Context())
    assert caught.value.sqlstate == sqlstate
    assert message in caught.value.message


RESERVED_WORDS = [
    ("select tag from t", "tag"),
    ("select a, delta, b from t", "delta"),
    ("select a from t where percent > 5", "percent"),
    ("select a from t group by snapshot", "snapshot"),
    ("insert into t (a, permissions) values (1, 2)", "permissions"),
    ("update t set open = 1", "open"),
    ("create table t (a int, tag varchar(10), b int)", "tag"),
    ("select top from t", "top"),
]


@pytest.mark.parametrize(("sql", "word"), RESERVED_WORDS, ids=[sql for sql, _ in RESERVED_WORDS])
def test_words_that_redshift_reserves_are_no_names(sql: str, word: str) -> None:
    with pytest.raises(DialectError) as caught:
        rewrite(sql, Context())
    assert caught.value.message == f'syntax error at or near "{word}"'
    assert rewrite(sql.replace(word, f'"{word}"'), Context())


LEADER = [
    ("select now() from t", True),
    ("insert into t select now()", True),
    ("create table c as select generate_series(1, 5)", True),
    ("select * from generate_series(1, 5) g, t", True),
    ("select now()", False),
    ("select * from generate_series(1, 5)", False),
    ("select now(), relname from pg_class", False),
    ("with a as (select now() as n) select * from a", False),
]


@pytest.mark.parametrize(("sql", "refused"), LEADER, ids=[sql for sql, _ in LEADER])
def test_leader_node_functions_cannot_meet_tables(sql: str, refused: bool) -> None:
    if not refused:
        assert rewrite(sql, Context())
        return
    with pytest.raises(DialectError, match="not supported on Redshift tables"):
        rewrite(sql, Context())


ACCEPTED = [
    "select 'insert returning, on conflict, string_agg(x), a -> b, ::jsonb, distinct on (x)'",
    "select 1 -- returning on conflict string_agg(x) for update",
    "select 1 /* lateral fetch first 5 rows only ::uuid */",
    'select "returning", "lateral", "filter" from "string_agg"',
    "select a as returning, b as filter, c as window, t.format, t.mode, t.path from t",
    "select 1 as uuid, t.json from t",
    "create table format (a int)",
    "insert into overlay (a) values (1)",
    "with point (a) as (select 1) select * from point",
    "select count(distinct a), count(*) from t where a is null and b is not null",
    "select a from t where b between 1 and 2 and c in (values_of_c)",
    "insert into t values (1), (2)",
    "select coalesce(a, b), nullif(a, b), greatest(a, b) from t group by a, b",
    "select sum(a) over (partition by b) from t",
    "select 1 from t where a ~ 'x' and b !~ 'y' and c <> 'z' and d similar to 'x%' escape '!'",
    "select a from t where exists (select 1 from u) and a = any (select b from u)",
    "select mode from t",
    "select 1 as tag, t.open, t.delta from t where t.percent > 1",
    "create table t (a int encode raw, b varchar(10) encode lzo, c int identity(1, 1)) backup no",
    "select sum(a) over (partition by b), lag(a) ignore nulls over (order by b) from t",
    "select 1 minus select 2",
    "create table u as select row_number() over (partition by a order by b) from t",
    "select x.format(1)",
    "select (a), (b || 'x') from t where (a, b) in ((1, 'x')) and (a, b) = (1, 'x')",
    "select listagg(a, ',') within group (order by b), sum(a) over (partition by (b) order by a rows 1 preceding)",
    "select * from t join u using (a) where t.row = 1 order by a offset 5",
    "select sum((select max(a) from t order by 1)), t.current_role from t",
    "select a from t order by abs(a), b",
    "fetch next from c",
    "select array['x'] from pg_catalog.pg_class where relkind = any (array['r', 'v'])",
    "select ('a' || 'b')::varchar(5), a::numeric(10,2), cast(b as double precision), c::super, d::varbyte from t",
]


@pytest.mark.parametrize("sql", ACCEPTED)
def test_what_merely_looks_like_it_is_not_refused(sql: str) -> None:
    assert rewrite(sql, Context())


def test_a_refusal_reaches_the_client_as_an_error_of_the_server(redshift: Any) -> None:
    with redshift.psycopg() as connection:
        connection.execute("create table t (a int)")
        with pytest.raises(psycopg.errors.SyntaxError) as caught:
            connection.execute("insert into t values (1) returning a")
        assert caught.value.diag.statement_position == "26"
        with pytest.raises(psycopg.errors.UndefinedFunction) as unknown:
            connection.execute("select string_agg(a, ',') from t")
        assert unknown.value.diag.message_hint == "Use LISTAGG."
        assert connection.execute("select count(*) from t").fetchone() == (0,)


def test_a_refusal_fails_the_transaction(redshift: Any) -> None:
    with redshift.psycopg() as connection:
        connection.execute("begin")
        with pytest.raises(psycopg.errors.FeatureNotSupported):
            connection.execute("select distinct on (a) a from (select 1 as a)")
        with pytest.raises(psycopg.errors.InFailedSqlTransaction):
            connection.execute("select 1")
        connection.execute("rollback")
        assert connection.execute("select 1").fetchone() == (1,)
