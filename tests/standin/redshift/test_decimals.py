# ruff: noqa: E501 - a case is a line
"""Arithmetic on DECIMAL: precision and scale by the reference's rules, and quotients that are cut off at their scale."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from standin.redshift.dialect.arithmetic import combined, common, literal, named
from standin.redshift.process import Face
from standin.warehouse import Template, WarehouseFactory

SETUP = """
create table t (d decimal(8,2), e decimal(8,2), n int, f float, b bigint, w decimal(38,10), v varchar(7));
insert into t values (20, 3, 3, 1.5, 7, 5, 'a'), (1.25, -7.5, 3, 1.5, 7, 2, 'b');
"""


@pytest.fixture(scope="module")
def client(
    face: Face, warehouse_factory: WarehouseFactory, redshift_template: Template
) -> Iterator[psycopg.Connection]:
    """One connection for all."""
    with warehouse_factory.warehouse(template=redshift_template) as warehouse:
        url = f"postgresql://{warehouse.user}:{warehouse.password}@{face.host}:{face.port}/{warehouse.database}"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(SETUP.encode())
            yield connection


@pytest.mark.parametrize(
    ("left", "sign", "right", "made"),
    [
        ("numeric(8,2)", "/", "numeric(8,2)", "numeric(17,9)"),
        ("numeric(19,0)", "/", "numeric(19,0)", "numeric(38,19)"),
        ("numeric(19,2)", "/", "numeric(38,19)", "numeric(38,4)"),
        ("numeric(19,2)", "*", "numeric(38,19)", "numeric(38,21)"),
        ("numeric(8,2)", "*", "smallint", "numeric(14,2)"),
        ("numeric(8,2)", "+", "numeric(10,5)", "numeric(12,5)"),
        ("numeric(8,2)", "-", "bigint", "numeric(22,2)"),
        ("integer", "/", "bigint", "int8"),
        ("numeric(8,2)", "/", "real", "float"),
        ("integer", "^", "integer", "float"),
        ("date", "-", "numeric(8,2)", "None"),
    ],
)
def test_an_operator_gives_the_type_of_the_reference(left: str, sign: str, right: str, made: str) -> None:
    assert str(combined(sign, named(left), named(right))) == made


def test_set_operators_and_coalesce_take_the_larger_of_both_parts() -> None:
    assert str(common([named("decimal(7,2)"), named("decimal(15, 3)")])) == "numeric(15,3)"
    assert str(common([named("decimal(8,2)"), literal("0")])) == "numeric(12,2)"
    assert str(common([named("decimal(38,2)"), literal("0.125")])) == "numeric(38,3)"


QUOTIENTS = [
    (
        "select 2.0/3, 2/3.0, -2.0/3, 7/2, 1.5::decimal(5,2)/3",
        "0.666666666666|0.6666|-0.666666666666|3|0.5000000000000",
    ),
    (
        "select d/e, d/n, n/d, w/w, d/f from t where d > 2",
        "6.666666666|6.6666666666666|0.1500000|1.0000|13.3333333333333",
    ),
    # inside of one another, and from the left
    ("select d/e/n, d/(e/n), n*d/100.0 from t where d > 2", "2.22222222200000000000|20.000000000|0.600000"),
    (
        "select (-d)/e, (d + e) / n, case when d/e > 1 then d/e else 0 end from t where d > 2",
        "-6.666666666|7.6666666666666|6.666666666",
    ),
    # aggregates, windows and functions
    (
        "select sum(d)/count(*), avg(d)/2, sum(d)/sum(n), round(sum(d)/count(*), 2), max(d)/3 from t",
        "10.6250|5.3100000000000|3.5416|10.63|6.6666666666666",
    ),
    ("select distinct sum(d) over () / 7 from t", "3.0357"),
    (
        "select nullif(d, 0)/e, coalesce(d, 0)/e, nvl2(d, e, n)/3 from t where d > 2",
        "6.666666666|6.666666666|1.0000000000000",
    ),
    # through subqueries, common tables, unions and aliases
    ("select q.r/2 from (select d/e as r from t where d > 2) q", "3.33333333300000000000"),
    ("with s (x, y) as (select sum(d), count(*) from t) select x/y from s", "10.6250"),
    (
        "select r/3 from (select d as r from t where d > 2 union all select 1.0) as u order by 1 limit 1",
        "0.3333333333333",
    ),
    ("select d as money, money/3 as third, third * 2 from t where d > 2", "20.00|6.6666666666666|13.3333333333332"),
    ("select (select max(d) from t)/3, x.d/x.e from t x where x.d/x.e > 0", "6.6666666666666|6.666666666"),
    ("select a.d/b.e from t a join t b on a.d/2 = b.d/2 where a.d > 2", "6.666666666"),
    # what is not known stays with Postgres
    ("select json_parse('7') / 2, to_number('5', '9') / 2.0 from t where d > 2", "3|2.5000000000000000"),
]


def printed(client: psycopg.Connection, sql: str) -> list[str]:
    """The rows as the wire carries them, columns parted by `|`."""
    result = client.execute(sql.encode()).pgresult
    assert result is not None
    rows = range(result.ntuples)
    return ["|".join((result.get_value(row, at) or b"NULL").decode() for at in range(result.nfields)) for row in rows]


@pytest.mark.parametrize(("sql", "row"), QUOTIENTS, ids=[sql[:90] for sql, _ in QUOTIENTS])
def test_a_quotient_has_redshifts_scale(client: psycopg.Connection, sql: str, row: str) -> None:
    assert printed(client, sql) == [row]


def test_a_quotient_keeps_the_name_of_its_column(client: psycopg.Connection) -> None:
    cursor = client.execute("select d/e, d/e as q, round(d/e, 1), (d/e)::int, d/e + 1 from t")
    assert [column.name for column in cursor.description or ()] == ["?column?", "q", "round", "int4", "?column?"]


def test_changes_divide_alike(client: psycopg.Connection) -> None:
    client.execute("begin; create temp table changed (x decimal(20,10)); insert into changed values (2.0/3)")
    client.execute("insert into changed select d/e from t where d > 2")
    client.execute("update changed set x = x/3 where x/2 > 1")
    assert printed(client, "select x from changed order by 1") == ["0.6666666667", "2.2222222220"]
    client.execute("rollback")


def test_computed_columns_have_redshifts_types(client: psycopg.Connection) -> None:
    query = (
        "select d/e as q, d*n as p, sum(d) over () as s, avg(d) over () as a, round(d, 1) as r, coalesce(d, 0) as c, "
        "case when n > 1 then 1.5 else d end as k, d::decimal(10,4) as x, n/2 as i, v::varchar(3) as short, 1.50 as one from public.t"
    )
    types = [
        "numeric(17,9)", "numeric(19,2)", "numeric(38,2)", "numeric(19,2)", "numeric(8,1)", "numeric(12,2)",
        "numeric(8,2)", "numeric(10,4)", "integer", "character varying(3)", "numeric(3,2)",
    ]  # fmt: skip
    client.execute(f"begin; create table made as {query}".encode())
    shown = client.execute("""select "type" from pg_table_def where tablename = 'made'""").fetchall()
    assert [kind for (kind,) in shown] == types
    client.execute(f"create view seen as {query} with no schema binding".encode())
    lengths = client.execute(
        "select data_type, numeric_precision, numeric_scale from svv_columns where table_name = 'seen' order by ordinal_position"
    ).fetchall()
    assert lengths[:3] == [("numeric", 17, 9), ("numeric", 19, 2), ("numeric", 38, 2)]
    client.execute("rollback")


def test_a_query_that_asked_for_columns_is_committed(client: psycopg.Connection) -> None:
    """Questions of the gateway's leave no transaction open around a simple Query."""
    client.execute("create table kept as select d/e as q from t")
    with pytest.raises(psycopg.errors.UndefinedTable):
        client.execute("select * from nothing")
    assert client.execute("select count(*) from kept").fetchone() == (2,)
