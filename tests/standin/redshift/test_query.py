# ruff: noqa: E501 - a case is a line
"""Query clauses of Redshift's, run through the face."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from standin.redshift.process import Face
from standin.warehouse import Template, WarehouseFactory

SETUP = """
create table sales (id int, item varchar(20), qty int, price numeric(10,2), sold date);
insert into sales values (1, 'a', 3, 1.50, '2024-01-01'), (2, 'a', 5, 2.50, '2024-01-02'), (3, 'b', 7, 3.50, '2024-01-03'),
    (4, 'b', null, 4.50, '2024-01-04'), (5, 'c', 1, 5.50, '2024-01-05');
create table part (partname varchar, manufacturer varchar, quality int, price decimal(12, 2));
insert into part values ('prop', 'local parts co', 2, 10.00), ('prop', 'big parts co', null, 9.00),
    ('prop', 'small parts co', 1, 12.00), ('rudder', 'local parts co', 1, 2.50), ('rudder', 'big parts co', 2, 3.75),
    ('rudder', 'small parts co', null, 1.90), ('wing', 'local parts co', null, 7.50), ('wing', 'big parts co', 1, 15.20),
    ('wing', 'small parts co', null, 11.80);
create table count_by_color (quality varchar, red int, green int, blue int);
insert into count_by_color values ('high', 15, 20, 7), ('normal', 35, null, 40), ('low', 10, 23, null);
create table staff (id int, name varchar(10), boss int);
insert into staff values (1, 'ann', null), (2, 'bob', 1), (3, 'cid', 1), (4, 'dan', 2), (5, 'eve', 4);
"""


@pytest.fixture(scope="module")
def client(
    face: Face, warehouse_factory: WarehouseFactory, redshift_template: Template
) -> Iterator[psycopg.Connection]:
    """One connection for all: no query leaves anything behind."""
    with warehouse_factory.warehouse(template=redshift_template) as warehouse:
        url = f"postgresql://{warehouse.user}:{warehouse.password}@{face.host}:{face.port}/{warehouse.database}"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(SETUP.encode())
            yield connection


QUERIES: list[tuple[str, list[tuple[Any, ...]]]] = [
    # TOP
    ("select top 2 id from sales order by id desc", [(5,), (4,)]),
    ("select distinct top 2 item from sales order by item", [("a",), ("b",)]),
    ("select top 1 id from sales union all select top 1 id + 10 from sales order by 1", [(1,), (11,)]),
    ("select count(*) from (select top 3 * from sales)", [(3,)]),
    ("select t.top from (select 1 as top) t", [(1,)]),
    # EXCLUDE
    ("select * exclude (price, sold) from sales order by id limit 2", [(1, "a", 3), (2, "a", 5)]),
    ("select * exclude qty, price from sales s order by 1 limit 1", [(1, "a", date(2024, 1, 1))]),
    ("select a.* exclude (item, price, sold) from sales a join sales b using (id) order by 1 limit 1", [(1, 3)]),
    ("select * exclude (sold, price) from sales a join (select id, qty as q2 from sales) b using (id) order by 1 limit 1",
     [(1, "a", 3, 3)]),
    ("with c as (select id, qty from sales) select * exclude (qty) from c order by id limit 1", [(1,)]),
    # GROUP BY ALL
    ("select item, count(*) n, sum(qty) from sales group by all order by 1", [("a", 2, 8), ("b", 2, 7), ("c", 1, 1)]),
    ("select count(distinct item) from sales where qty is not null group by all", [(3,)]),
    ("select upper(item) as i, qty > 3, count(*) from sales where qty is not null group by all order by 1, 2",
     [("A", False, 1), ("A", True, 1), ("B", True, 1), ("C", False, 1)]),
    # QUALIFY
    ("select id from sales s qualify row_number() over (partition by item order by id desc) = 1 order by id", [(2,), (4,), (5,)]),
    ("select * from sales s qualify row_number() over (order by id) = 1", [(1, "a", 3, Decimal("1.50"), date(2024, 1, 1))]),
    ("select id, item from sales where qty > 1 qualify rank() over (partition by item order by price) = 1 order by price desc",
     [(3, "b"), (1, "a")]),
    ("select item, row_number() over (partition by item order by id) rn from sales s qualify rn = 2 order by item",
     [("a", 2), ("b", 2)]),
    ("select s.id, b.* from sales s, staff b where s.id = b.id qualify count(*) over (partition by s.item) > 1 order by s.id limit 2",
     [(1, 1, "ann", None), (2, 2, "bob", 1)]),
    ("select * from sales s join staff using (id) qualify row_number() over (order by id desc) = 1",
     [(5, "c", 1, Decimal("5.50"), date(2024, 1, 5), "eve", 4)]),
    ("select item, sum(qty) s from sales group by item qualify rank() over (order by sum(qty) desc) = 1", [("a", 8)]),
    ("with c as (select * from sales s qualify row_number() over (order by id) <= 2) select count(*) from c", [(2,)]),
    ("select id from sales s qualify row_number() over (order by id) = 1 union all select 9 order by 1", [(1,), (9,)]),
    ("select distinct item from sales s qualify count(*) over (partition by item) = 2 order by item", [("a",), ("b",)]),
    # lateral aliases
    ("select qty * 2 as dbl, dbl + 1 as more, more * 2 from sales where dbl > 6 order by more desc", [(14, 15, 30), (10, 11, 22)]),
    ("select upper(item) as item, item || 'x' as y from sales order by id limit 1", [("A", "ax")]),
    ("select sum(qty) as s, s * 2 as t from sales group by item having s > 7 order by t", [(8, 16)]),
    ("with x as (select id, qty from sales) select id as a, a + 1 as b from x order by b limit 1", [(1, 2)]),
    ("select case when qty > 2 then 'hi' else 'lo' end as size, count(*) from sales group by size order by 1", [("hi", 3), ("lo", 2)]),
    ("select 1 as a, a + 1 as b, (select a) from (select 7 as a)", [(1, 8, 7)]),
    ('select id as "Id2", "ID2" + 1 as z from sales order by 1 limit 1', [(1, 2)]),
    ("select id as qty, qty from sales where qty = 7", [(3, 7)]),
    ("select upper(item) as n, n || n as nn from sales where nn = 'CC'", [("C", "CC")]),
    # PIVOT, UNPIVOT: the reference's examples
    ("select * from (select partname, price from part) pivot (avg(price) for partname in ('prop', 'rudder', 'wing'))",
     [(Decimal("10.33"), Decimal("2.71"), Decimal("11.50"))]),
    ("select * from (select quality, manufacturer from part) pivot (count(*) for quality in (1, 2, null)) order by 1",
     [("big parts co", 1, 1, 1), ("local parts co", 1, 1, 1), ("small parts co", 1, 0, 2)]),
    ("select manufacturer, high_count, na_count from (select quality, manufacturer from part) "
     "pivot (count(*) as count for quality in (1 as high, 2 as low, null as na)) as p order by 1",
     [("big parts co", 1, 1), ("local parts co", 1, 1), ("small parts co", 1, 2)]),
    ("select * from part pivot (max(price) for partname in ('prop', 'wing')) where quality is null order by 1",
     [("big parts co", None, Decimal("9.00"), None), ("local parts co", None, None, Decimal("7.50")),
      ("small parts co", None, None, Decimal("11.80"))]),
    ("with p as (select partname, price from part) select p.prop from p pivot (sum(price) for partname in ('prop')) as p",
     [(Decimal("31.00"),)]),
    ("select * from count_by_color unpivot (cnt for color in (red as r, green as g, blue as b)) order by 1, 2",
     [("high", "b", 7), ("high", "g", 20), ("high", "r", 15), ("low", "g", 23), ("low", "r", 10), ("normal", "b", 40),
      ("normal", "r", 35)]),
    ("select * from (select red, green, blue from count_by_color) unpivot include nulls (cnt for color in (red, green, blue)) "
     "order by 1, 2", [("blue", 7), ("blue", 40), ("blue", None), ("green", 20), ("green", 23), ("green", None), ("red", 10),
                       ("red", 15), ("red", 35)]),
    # outer joins in WHERE
    ("select s.id, b.name from sales s, staff b where s.id = b.boss(+) and s.id < 4 order by 1, 2",
     [(1, "bob"), (1, "cid"), (2, "dan"), (3, None)]),
    ("select * from staff b, sales s where b.boss(+) = s.id and b.name(+) = 'cid' and s.id < 3 order by s.id",
     [(3, "cid", 1, 1, "a", 3, Decimal("1.50"), date(2024, 1, 1)),
      (None, None, None, 2, "a", 5, Decimal("2.50"), date(2024, 1, 2))]),
    ("select count(*) from staff a, staff b, staff c where a.id = b.boss(+) and b.id = c.boss(+)", [(6,)]),
    ("select count(*) from sales s, staff b where s.id = b.boss(+) and name(+) = 'bob'", [(5,)]),
    # set operators
    ("select id from sales minus select 3 order by 1", [(1,), (2,), (4,), (5,)]),
    ("select 1 union select 2 intersect select 3", [(1,)]),
    ("(select 1) minus (select 1)", []),
    # recursive queries
    ("with recursive r(n) as (select 1 union all select n + 1 from r where n < 3) select * from r", [(1,), (2,), (3,)]),
    ("with recursive a as (select 1 as x), b as (select x from a) select * from b", [(1,)]),
    ("(with recursive r(n) as (select 1 union all select n + 1 from r where n < 3) select max(n) from r)", [(3,)]),
    ("select id, name, level from staff start with boss is null connect by prior id = boss order by id",
     [(1, "ann", 1), (2, "bob", 2), (3, "cid", 2), (4, "dan", 3), (5, "eve", 4)]),
    ("select count(*) from staff start with name = 'bob' connect by boss = prior id", [(3,)]),
    ("select name, level from staff where level > 2 start with boss is null connect by prior id = boss and level < 4 order by 1",
     [("dan", 3)]),
    # window functions
    ("select first_value(qty ignore nulls) over (order by id desc rows between unbounded preceding and unbounded following) "
     "from sales order by id", [(1,)] * 5),
    ("select last_value(qty) ignore nulls over (order by id rows between unbounded preceding and current row) from sales order by id",
     [(3,), (5,), (7,), (7,), (1,)]),
    ("select lag(qty ignore nulls) over (order by id) from sales order by id", [(None,), (3,), (5,), (7,), (7,)]),
    ("select lag(qty, 2) ignore nulls over (order by id) from sales order by id", [(None,), (None,), (3,), (5,), (5,)]),
    ("select lead(qty, 1) ignore nulls over (order by id) from sales order by id", [(5,), (7,), (1,), (1,), (None,)]),
    ("select lead(qty) respect nulls over (order by id) from sales order by id", [(5,), (7,), (None,), (1,), (None,)]),
    ("select nth_value(qty, 3 ignore nulls) over (order by id desc rows between unbounded preceding and unbounded following) "
     "from sales order by id", [(5,)] * 5),
    ("select ratio_to_report(qty) over (partition by item) from sales order by id", [(0.375,), (0.625,), (1.0,), (None,), (1.0,)]),
    ("select sum(qty) over (partition by item order by id rows unbounded preceding) from sales order by id",
     [(3,), (8,), (7,), (7,), (1,)]),
    ("select count(*) over (partition by item) from sales order by id", [(2,), (2,), (2,), (2,), (1,)]),
    # nulls are larger than everything
    ("select qty from sales order by qty desc limit 1", [(None,)]),
    ("select qty from sales order by qty nulls first limit 1", [(None,)]),
    # grouping sets
    ("select item, count(*) from sales group by rollup (item) order by 1 limit 4", [("a", 2), ("b", 2), ("c", 1), (None, 5)]),
    ("select item, sold, grouping(item), grouping_id(item, sold) from sales where id < 2 group by cube (item, sold) order by 3, 4",
     [("a", date(2024, 1, 1), 0, 0), ("a", None, 0, 1), (None, date(2024, 1, 1), 1, 2), (None, None, 1, 3)]),
    # strings
    (r"select 'it\'s', 'a\\b', 'x_' like 'x\\_', 'xy' like 'x\\_'", [("it's", "a\\b", True, False)]),
    ("select 7 / 2, -7 / 2, 7 % 3, 2 ^ 3, |/ 16", [(3, -3, 1, 8.0, 4.0)]),
    ("select cast('5' as dec), 1.5::decimal, '1'::nvarchar(5), 'ab'::char(1), 'abc'::varchar(max)",
     [(Decimal(5), Decimal(2), "1", "a", "abc")]),
    ("select date '2024-01-31' + interval '1 month', interval '2' day", [(__import__("datetime").datetime(2024, 2, 29),
                                                                           __import__("datetime").timedelta(days=2))]),
    # PartiQL words are names elsewhere
    ("select at, index from (select 1 as at, 2 as index)", [(1, 2)]),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "rows"), QUERIES, ids=[sql[:90] for sql, _ in QUERIES])
def test_a_query_gives_redshifts_rows(client: psycopg.Connection, sql: str, rows: list[tuple[Any, ...]]) -> None:
    assert client.execute(sql.encode()).fetchall() == rows


NAMES = [
    ("select * exclude (price) from sales", ["id", "item", "qty", "sold"]),
    ("select * from sales s qualify row_number() over (order by id) = 1", ["id", "item", "qty", "price", "sold"]),
    ("select id as a, count(*) over () from sales s qualify a = 1", ["a", "count"]),
    ("select * from (select quality, manufacturer from part) pivot (count(*) for quality in (1, 2, null, 3 as Many))",
     ["manufacturer", "1", "2", "null", "many"]),
    ("select * from count_by_color unpivot (cnt for color in (red, green))", ["quality", "blue", "color", "cnt"]),
    ("select lag(qty) ignore nulls over (order by id), ratio_to_report(qty) over (), qty from sales", ["lag", "ratio_to_report", "qty"]),
    ('select id as "Upper", "ID" from sales', ["upper", "id"]),
    ("select top 1 id, qty + 1 as id2 from sales", ["id", "id2"]),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "names"), NAMES, ids=[sql[:90] for sql, _ in NAMES])
def test_columns_have_redshifts_names(client: psycopg.Connection, sql: str, names: list[str]) -> None:
    assert [column.name for column in client.execute(sql.encode()).description or ()] == names


ERRORS = [
    ("select sum(qty) over (order by id) from sales", "Aggregate window functions with an ORDER BY clause require a frame clause"),
    ("select first_value(qty) over (order by id) from sales",
     "Aggregate window functions with an ORDER BY clause require a frame clause"),
    ("select sum(qty) over (order by id range unbounded preceding) from sales", "Window frame RANGE is not supported"),
    ("select lag(qty, 1, 0) over (order by id) from sales", "Default parameter not be supported for window function lag"),
    ("select * exclude (nope) from sales", 'column "nope" specified in EXCLUDE list does not exist'),
    ("select a + 1 as b, b from sales", 'column "a" does not exist'),
    ("select id from sales s qualify", "syntax error at end of input"),
    ("select id from sales qualify row_number() over (order by id) = 1", 'syntax error at or near "row_number"'),
    ("select 1 from sales s, staff b where s.id(+) = b.id or s.id = 1",
     "Outer join operator (+) not allowed in operand of OR or IN."),
    ("select 1 from sales a, sales b, staff c where a.id(+) = b.id and a.id(+) = c.id",
     "A table may be outer joined to at most one other table."),
    ("with recursive r(n) as (select 1 union select n + 1 from r where n < 3) select * from r",
     'recursive common table expression "r" must be a UNION ALL'),
    ("with a as (select 1), recursive as (select 2) select * from a, recursive, nowhere", 'relation "nowhere" does not exist'),
    ("with recursive r as (select 1 as n union all select n + 1 from r where n < 3) select * from r",
     'recursive common table expression "r" must have a list of column names'),
    ("with recursive r(n) as (select 1 union all select n + 1 from r where n < 3 limit 2) select * from r",
     "cannot have ORDER BY or LIMIT in its recursive part"),
    ("select * from (with recursive r(n) as (select 1 union all select n + 1 from r where n < 3) select * from r) q",
     "recursive CTE in subquery are not supported"),
    ("select * from part pivot (stddev(price) for partname in ('prop'))", "PIVOT with stddev"),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "message"), ERRORS, ids=[sql[:90] for sql, _ in ERRORS])
def test_a_rule_of_redshifts_is_kept(client: psycopg.Connection, sql: str, message: str) -> None:
    with pytest.raises(psycopg.Error) as caught:
        client.execute(sql.encode())
    assert message in str(caught.value)


def test_a_prepared_query_with_parameters_is_rewritten(client: psycopg.Connection) -> None:
    sql = "select top 2 id, id + %s as more from sales where more > %s qualify row_number() over (order by id) < 9 order by id"
    assert client.execute(sql, [10, 12], prepare=True).fetchall() == [(3, 13), (4, 14)]
    assert client.execute(sql, [20, 24], prepare=True).fetchall() == [(5, 25)]


def test_case_sensitive_identifiers_keep_their_case(face: Face, client: psycopg.Connection) -> None:
    client.execute("set enable_case_sensitive_identifier to true")
    try:
        cursor = client.execute('select 1 as "MixedCase", 2 as Folded')
        assert [column.name for column in cursor.description or ()] == ["MixedCase", "folded"]
    finally:
        client.execute("reset enable_case_sensitive_identifier")
    cursor = client.execute('select 1 as "MixedCase"')
    assert [column.name for column in cursor.description or ()] == ["mixedcase"]
