"""Calls are rewritten where they are calls, and nothing else is touched."""

from __future__ import annotations

import pytest

from standin.redshift.dialect import Context, DialectError, rewrite
from standin.redshift.dialect.lexer import lex


def tokens(sql: str) -> list[str]:
    """What the text says, without its white space."""
    return [token.text for token in lex(sql)]


def rewritten(sql: str) -> str:
    (statement,) = rewrite(sql, Context())
    return statement.text


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("select dateadd(yrs, 1, d) from t", "select pg_catalog.date_add('year', 1, d) from t"),
        ("select datediff('QTR', a, b) from t", "select pg_catalog.date_diff('quarter', a, b) from t"),
        ("select dateadd(day, $1, d) from t", "select pg_catalog.date_add('day', $1::bigint, d) from t"),
        ("select dateadd(day, datediff(w, a, b), d) from t",
         "select pg_catalog.date_add('day', pg_catalog.date_diff('week', a, b), d) from t"),
        ("select extract(epoch from d) from t", "select pg_catalog.date_part('epoch', d, 0::bigint) from t"),
        ("select date_trunc('mons', d) from t", "select date_trunc('month', d) from t"),
        ("select nvl(a, b) from t", "select coalesce(a, b) from t"),
        ("select nvl2(a, b, c) from t", "select case when (a) is not null then b else c end from t"),
        ("select decode(a, 1, 'x', null, 'y', b, 'z', 'w') from t",
         "select case when (a) = 1 then 'x' when (a) is null then 'y' when (a) is not distinct from (b) then 'z' "
         "else 'w' end from t"),
        ("select convert(varchar(max), a) from t", "select cast(a as varchar(65535)) from t"),
        ("select sysdate, current_user_id from t", "select pg_catalog.sysdate(), pg_catalog.current_user_id() from t"),
        ("select approximate count(distinct a) from t", "select count(distinct a) from t"),
        ("select listagg(a, ',') within group (order by b desc) from t",
         "select listagg(a, ',' order by b desc) from t"),
        ("select json_serialize(a) from t", 'select "json_serialize"(a) from t'),
        ("select '[1]'::super", "select '[1]'::varchar::super"),
        ("""insert into t values ('{"a": 1}', json_parse('{"b": 2}'), 'x')""",
         """insert into t values ('{"a": 1}'::varchar, json_parse('{"b": 2}'), 'x')"""),
    ],
)  # fmt: skip
def test_a_call_becomes_what_postgres_takes(sql: str, expected: str) -> None:
    assert tokens(rewritten(sql)) == tokens(expected)


@pytest.mark.parametrize(
    "sql",
    [
        "select 'nvl(a, b) and dateadd(day, 1, x)' from t",
        'select "sysdate", t.sysdate, "nvl" from t',
        "select 1 /* dateadd(foo, 1, x) */ as nvl from t -- sysdate",
        "select a as sysdate from t",
        "insert into st_length (a) select 1",
        "select st_of_our_own(1)",
        "select my.dateadd(a, b, c) from t",
        "insert into t (a) select '{\"a\": 1}' from u",
    ],
)
def test_what_only_looks_like_a_call_stays_as_it_is(sql: str) -> None:
    assert rewritten(sql) == sql


def test_a_wrong_date_part_is_reported_where_it_stands() -> None:
    with pytest.raises(DialectError) as raised:
        rewritten("select dateadd(fortnight, 1, d) from t")
    assert raised.value.position == len("select dateadd(") + 1


def test_a_window_takes_its_values_gathered() -> None:
    text = rewritten("select listagg(distinct a, ',') within group (order by b desc, c) over (partition by d) from t")
    assert "array_agg(" in text
    assert "over (partition by d)" in text
    assert text.endswith(", true, array[true, false]) from t")


@pytest.mark.parametrize(
    "sql",
    [
        "select listagg(a) within group (order by b), listagg(b) within group (order by a) from t",
        "select percentile_cont(0.6) within group (order by a), median(b) from t",
        "select x from (select listagg(a) within group (order by b), median(c) from t) s",
    ],
)
def test_a_query_sorts_its_aggregates_in_one_way(sql: str) -> None:
    with pytest.raises(DialectError, match="within group ORDER BY clauses"):
        rewritten(sql)


@pytest.mark.parametrize(
    "sql",
    [
        "select listagg(a) within group (order by b), listagg(b) within group (order by t.b asc) from t",
        "select listagg(a) within group (order by b), listagg(c) from t",
        "select median(a), percentile_cont(0.5) within group (order by a) from t",
        "select median(a), (select median(b) from u) from t",
        "select median(a) from t union all select median(b) from t",
        "select median(a) over (), median(b) over () from t",
    ],
)
def test_aggregates_of_one_order_are_taken(sql: str) -> None:
    assert rewritten(sql)
