"""A query without anything of Redshift's gives the same bytes directly and through the face."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from standin.redshift.process import Face
from standin.warehouse import Template, WarehouseFactory

SETUP = """
create table t (id int, n int, x numeric(10, 2), s varchar(20), d date, b boolean);
insert into t select i, nullif(i % 4, 3), i * 1.25, nullif(chr(97 + i % 5) || 'é', 'cé'), date '2024-02-27' + i,
    i % 3 = 0
from generate_series(1, 12) as i;
create table u (id int, other varchar(20));
insert into u select i, 'it''s ' || i from generate_series(0, 20, 3) as i;
"""


@pytest.fixture(scope="module")
def both(
    face: Face, warehouse_factory: WarehouseFactory, redshift_template: Template
) -> Iterator[tuple[psycopg.Connection, psycopg.Connection]]:
    """Two connections to one database: direct, and through the face."""
    with warehouse_factory.warehouse(template=redshift_template) as warehouse:
        server = warehouse_factory.server
        direct_url, url = (
            f"postgresql://{warehouse.user}:{warehouse.password}@{host}:{port}/{warehouse.database}"
            for host, port in ((server.host, server.port), (face.host, face.port))
        )
        with psycopg.connect(direct_url, autocommit=True) as direct, psycopg.connect(url, autocommit=True) as through:
            direct.execute(SETUP.encode())
            yield direct, through


NUMBER = st.recursive(
    st.sampled_from(["t.id", "n", "x", "7", "-2", "1.5", "coalesce(n, 0)", "length(s)", "abs(n)"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from("+-*"), inner).map(lambda p: f"({p[0]} {p[1]} {p[2]})"),
        st.tuples(inner, inner).map(lambda p: f"case when {p[0]} > {p[1]} then {p[0]} else {p[1]} end"),
        inner.map(lambda e: f"nullif({e}, 0)"),
    ),
    max_leaves=4,
)
TEXT = st.sampled_from(
    ["s", "other", "'it''s'", "'-- no comment'", "'/* nor this */ ; $1'", "'qualify top [0]'", "upper(s)", "s || '!'"]
)
CONDITION = st.one_of(
    st.tuples(NUMBER, st.sampled_from(["=", "<>", "<", ">="]), NUMBER).map(" ".join),
    st.sampled_from(
        ["s is null", "s like '%é'", "not b", "d between '2024-03-01' and '2024-03-04'", "t.id in (1, 3, 5)"]
    ),
    st.sampled_from(["exists (select 1 from u as v where v.id = t.id)", "s <> all (select 'bé')", "(b or n is null)"]),
)
EXPRESSION = st.one_of(NUMBER, TEXT, CONDITION.map(lambda c: f"({c})"), st.just("d"), st.just("t.id::bigint"))
WINDOW = st.sampled_from(
    [
        "row_number() over (order by t.id)",
        "sum(t.id) over (partition by n order by t.id rows unbounded preceding)",
        "lag(s) over (order by t.id)",
        "count(*) over ()",
    ]
)
AGGREGATE = st.sampled_from(["count(*)", "sum(n)", "max(s)", "min(d)", "count(distinct n)"])
SPACE = st.sampled_from([" ", "\n", " /* why */ ", " -- so\n"])


@st.composite
def queries(draw: st.DrawFn) -> str:
    """A query over t and u; ordered by all its columns."""
    space = draw(SPACE)
    source = "t left join u on u.id = t.id"
    if draw(st.booleans()):
        keys = draw(st.lists(EXPRESSION, min_size=1, max_size=2))
        made = draw(
            st.lists(st.sampled_from(["count(*)", "sum(n)", "max(s)", "min(d)", "count(distinct n)"]), max_size=2)
        )
        listed = keys + made
        tail = "group by " + ", ".join(str(number + 1) for number in range(len(keys)))
    else:
        listed, tail = draw(st.lists(EXPRESSION | WINDOW, min_size=1, max_size=4)), ""
    where = "where " + draw(CONDITION) if draw(st.booleans()) else ""
    columns = ", ".join(f"{each} as c{number}" for number, each in enumerate(listed))
    query = space.join(part for part in (f"select {columns}", f"from {source}", where, tail) if part)
    if draw(st.booleans()):
        query = f"with w as ({query}) select w.* from w union all select * from w where c0 is not null"
    order = ", ".join(str(number + 1) for number in range(len(listed)))
    return f"{query}{space}order by {order}" + draw(st.sampled_from(["", " limit 5", " limit 3 offset 2"]))


def _answer(connection: psycopg.Connection, sql: str) -> Any:
    try:
        cursor = connection.execute(sql.encode())
    except psycopg.Error as error:
        return error.sqlstate
    result = cursor.pgresult
    assert result is not None
    values = [[result.get_value(row, column) for column in range(result.nfields)] for row in range(result.ntuples)]
    names = [(result.fname(column), result.ftype(column)) for column in range(result.nfields)]
    return names, values, result.command_status


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(sql=queries())
def test_answers_are_the_same_bytes(both: tuple[psycopg.Connection, psycopg.Connection], sql: str) -> None:
    direct, through = both
    assert _answer(through, sql) == _answer(direct, sql)
