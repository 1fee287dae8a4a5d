# ruff: noqa: E501 - a case is a line
"""SUPER: navigation and unnesting, by the examples of the reference, through the face."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from standin.redshift.process import Face
from standin.warehouse import Template, WarehouseFactory

SETUP = r"""
create table customers (id int, name varchar, orders super, address super);
insert into customers select 1, 'ann',
    json_parse('[{"k":5,"status":"P","lines":[{"q":1},{"q":2}]},{"k":6,"status":"O","lines":[]}]'),
    json_parse('{"city":"Turku","geo":{"lat":60.5,"lon":22}}');
insert into customers select 2, 'bob', json_parse('[]'), null;
create table bar as select json_parse('{"scalar_array": [1, 2.3, 45000000]}') as data;
create table foo as select json_parse('[[1.1, 1.2], [2.1, 2.2]]') as multi_level_array;
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


QUERIES: list[tuple[str, list[tuple[Any, ...]]]] = [
    ("select orders[0].k from customers order by id", [("5",), (None,)]),
    ("select c.orders[1].status from customers as c order by id", [('"O"',), (None,)]),
    ("select public.customers.address.geo.lat from public.customers where public.customers.id = 1", [("60.5",)]),
    ("select count(*) from customers where orders[0].k is not null", [(1,)]),
    ("select orders[0].status, count(*) from customers where orders[0].k is not null group by orders[0].status "
     "order by orders[0].status", [('"P"', 1)]),
    ("select id from customers where orders[0].status = 'P'", [(1,)]),
    ("select id from customers where orders[0].k = 5 and address.geo.lon > 20", [(1,)]),
    ("select orders[0].k + 1, orders[0].k::int + 1 from customers where id = 1", [("6", 6)]),
    ("select orders[0].status::varchar || '!' from customers where id = 1", [("P!",)]),
    ("select orders.something, orders[9][9], name from customers where id = 1", [(None, None, "ann")]),
    ("select c.address.city, c.address.geo from customers c where c.id = 1", [('"Turku"', '{"lat":60.5,"lon":22}')]),
    # names are folded, quoted or not
    ('select address."CITY", Address.Geo.LAT from customers where id = 1', [('"Turku"', "60.5")]),
    # a cast to what the value is not gives null, in a table and in a constant
    ("select orders[0].status::int, orders[0].k::int, orders[0].status::date, orders::float, address.city::boolean from customers "
     "where id = 1", [(None, 5, None, None, None)]),
    ("select json_parse('\"P\"')::int, json_parse('\"1.5\"')::decimal(5,2), json_parse('99999')::smallint, json_parse('\"x\"')::date",
     [(None, "1.50", None, None)]),
    ("select -orders[0].k, -address.city from customers where id = 1", [("-5", None)]),
    # unnesting
    ("select c.id, o.k from customers c, c.orders o order by 2", [(1, "5"), (1, "6")]),
    ("select c.id, o.k, l.q from customers c, c.orders o, o.lines l order by 3", [(1, "5", "1"), (1, "5", "2")]),
    ("select name, o.k as key, i from customers c, c.orders as o at i order by i", [("ann", "5", 0), ("ann", "6", 1)]),
    ("select index, element from bar as b, b.data.scalar_array as element at index",
     [(0, "1"), (1, "2.3"), (2, "45000000")]),
    ("select array, element from foo as f, f.multi_level_array as array, array as element where element > 1.1 and element < 2.2",
     [("[1.1,1.2]", "1.2"), ("[2.1,2.2]", "2.1")]),
    ("select (select count(*) from c.orders o where o.k > 5) as n from customers c order by id", [(1,), (0,)]),
    ("select c.id, o.k from customers c left join c.orders o on true order by 1, 2", [(1, "5"), (1, "6"), (2, None)]),
    ("select key, value from customers c, unpivot c.address as value at key where c.id = 1 order by 1",
     [("city", '"Turku"'), ("geo", '{"lat":60.5,"lon":22}')]),
    ("select o.k as key, key + 1 from customers c, c.orders o qualify row_number() over (order by o.k desc) = 1", [("6", "7")]),
    ("select attr, json_typeof(val) from customers c, c.orders as o, unpivot o as val at attr where o.k = 6 order by 1",
     [("k", "number"), ("lines", "array"), ("status", "string")]),
    ("with c as (select id, orders from customers) select o.status from c, c.orders o where o.k = 6", [('"O"',)]),
    ("select listagg(o.status::varchar, ',') within group (order by o.k::int) from customers c, c.orders o", [("P,O",)]),
    ("select j.a.b from (select json_parse('{\"a\":{\"b\":3}}') as j)", [("3",)]),
    ("select json_parse('[1,2]') as j, j[1] as second", [("[1,2]", "2")]),
    # what is no navigation stays what it is
    ("select c.name, customers.id from customers c, customers where c.id = customers.id order by 2", [("ann", 1), ("bob", 2)]),
    ("select c.relkind from pg_catalog.pg_class as c where c.relname = 'foo'", [("r",)]),
    ("select current_database() is not null, pg_catalog.upper('a')", [(True, "A")]),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "rows"), QUERIES, ids=[sql[:90] for sql, _ in QUERIES])
def test_a_path_gives_redshifts_rows(client: psycopg.Connection, sql: str, rows: list[tuple[Any, ...]]) -> None:
    shown = [tuple(v if v is None or isinstance(v, (int, bool)) else str(v) for v in row)
             for row in client.execute(sql.encode()).fetchall()]  # fmt: skip
    assert shown == rows


def test_a_path_names_its_column(client: psycopg.Connection) -> None:
    cursor = client.execute(
        "select orders[0].k, c.address.geo, orders[1], orders[0].k + 1, orders[0].k::int, c.address.city::varchar(9), "
        "orders[0].k::int + 1 from customers c"
    )
    assert [column.name for column in cursor.description or ()] == [
        "k", "geo", "orders", "?column?", "k", "city", "?column?",
    ]  # fmt: skip


def test_paths_work_in_update_and_delete(client: psycopg.Connection) -> None:
    client.execute("begin")
    client.execute("update customers set name = address.city::varchar where orders[0].k = 5")
    assert client.execute("select name from customers order by id").fetchall() == [("Turku",), ("bob",)]
    assert client.execute("delete from customers where customers.address.geo.lat > 60").rowcount == 1
    client.execute("rollback")


def test_a_string_put_into_a_column_is_a_string(client: psycopg.Connection) -> None:
    """Only JSON_PARSE reads JSON; a literal that looks like it is a string, quotes and all."""
    client.execute("begin; create table put (n int, s super)")
    client.execute(
        """insert into put values (1, 'abc'), (2, '12'), (3, 'true'), (4, '{"a":1}'), (5, '"q"'), (6, null), (7, 8)"""
    )
    client.execute("insert into put (s, n) values ('1.5', '8'), (%s, 9)", ["a b"])
    client.execute("insert into put select 10, 'x'; insert into put select 11, json_parse('12')")
    client.execute("update put set s = 'new' where n = 1")
    shown = client.execute("select s::text, json_typeof(s) from put order by n").fetchall()
    assert [kind for _, kind in shown] == ["string"] * 5 + ["null", "number", "string", "string", "string", "number"]
    rows = client.execute("select json_serialize(s) from put where s is not null order by n").fetchall()
    assert [text for (text,) in rows] == [
        '"new"', '"12"', '"true"', r'"{\"a\":1}"', r'"\"q\""', "8", '"1.5"', '"a b"', '"x"', "12",
    ]  # fmt: skip
    wire = client.execute("select s from put where n in (1, 4) order by n").pgresult
    assert wire is not None
    assert [wire.get_value(row, 0) for row in (0, 1)] == [b'"new"', rb'"{\"a\":1}"']
    client.execute("create table copied as select s from put; insert into copied values ('plain')")
    assert client.execute("select count(*) from copied where is_varchar(s)").fetchone() == (9,)
    client.execute("alter table copied add column more super; update copied set more = 'x'")
    assert client.execute("select distinct json_serialize(more) from copied").fetchall() == [('"x"',)]
    kinds = client.execute("""select "type" from pg_table_def where tablename = 'copied'""").fetchall()
    assert kinds == [("super",), ("super",)]
    client.execute("rollback")


def test_quotes_keep_the_case_of_attributes_in_a_session_that_asks_for_it(redshift):
    query = 'select s."Aa", s.aa, s.Aa, s."Bb"[0]."Cc" from sup'
    with redshift.session() as execute:
        execute("""create table sup as select json_parse('{"Aa": 1, "aa": 2, "Bb": [{"Cc": 3}]}') as s""")
        assert execute(query) == [("2", "2", "2", None)]
        execute("set enable_case_sensitive_super_attribute to true")
        assert execute(query) == [("1", "2", "2", "3")]
        assert execute('select b."Cc" from sup as t, t.s."Bb" as b') == [("3",)]
        execute("reset enable_case_sensitive_super_attribute")
        assert execute(query) == [("2", "2", "2", None)]


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("coalesce(s.a, 0)", "1"),
        ("coalesce(s.no, n)", "5"),
        ("coalesce(s.no, 1.5)", "1.5"),
        ("nvl(s.no, 'none')", '"none"'),
        ("nvl(s.no, v)", '"q"'),
        ("coalesce(s.no, s.none, null, 'it''s')", '"it\'s"'),
        ("coalesce(s.f, false)", "true"),
        ("coalesce(coalesce(s.no, s.l[7]), s.l[0], 0)", "3"),
        ("coalesce(s.no, n)::int + 1", 6),
        ("coalesce(s.no, 'x')::varchar", "x"),
        ("case when n = 5 then s.a else 0 end", "1"),
        ("case when n = 6 then s.a when n = 5 then case when v = 'q' then 7 else s.a end end", "7"),
        ("case s.a when 1 then 'one' end", "one"),
        ("nvl2(s.no, s.a, 'x')", '"x"'),
        ("decode(n, 4, s.a, 5, 'five', 0)", '"five"'),
        ("greatest(s.a, n, 2)", "5"),
        ("coalesce(s.a, 0) > 0", True),
    ],
)
def test_other_values_become_super_beside_a_path(some, expression, value):
    assert some(f"select {expression} from mixed") == [(value,)]


@pytest.fixture(scope="module")
def some(warehouse_factory):
    with warehouse_factory.warehouse(redshift=True) as warehouse, warehouse.session() as execute:
        execute(
            """create table mixed as
            select json_parse('{"a": 1, "f": true, "l": [3]}') as s, 5 as n, 'q'::varchar(5) as v"""
        )
        yield execute
