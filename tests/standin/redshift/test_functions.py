"""Functions give what the SQL reference says they give, with its names and types, and fail as it says.

Each line of the files in `values/` is an expression, `=>` and the text that a client receives; NULL is an SQL null. A
query stands for itself: its rows are parted by `;;`, its columns by `|`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from standin.redshift.process import Face
from standin.warehouse import Template, WarehouseFactory

# of the reference's page "Window functions"
WINSALES = b"""
    create table winsales (salesid int, dateid date, sellerid int, buyerid char(10), qty int, qty_shipped int);
    insert into winsales values
        (30001, '8/2/2003', 3, 'b', 10, 10), (10001, '12/24/2003', 1, 'c', 10, 10),
        (10005, '12/24/2003', 1, 'a', 30, null), (40001, '1/9/2004', 4, 'a', 40, null),
        (10006, '1/18/2004', 1, 'c', 10, null), (20001, '2/12/2004', 2, 'b', 20, 20),
        (40005, '2/12/2004', 4, 'a', 10, 10), (20002, '2/16/2004', 2, 'c', 20, 20),
        (30003, '4/18/2004', 3, 'b', 15, null), (30004, '4/18/2004', 3, 'b', 20, null),
        (30007, '9/7/2004', 3, 'c', 30, null)
"""
VALUES = Path(__file__).parent / "values"


def _cases() -> Iterator[Any]:
    for file in sorted(VALUES.glob("*.txt")):
        for line in file.read_text().splitlines():
            if line and not line.startswith("#"):
                expression, _, expected = line.rpartition(" =>")
                yield pytest.param(expression, expected[1:].split(" ;; "), id=f"{file.stem}: {expression}"[:120])


@pytest.fixture(scope="module")
def client(
    face: Face, warehouse_factory: WarehouseFactory, redshift_template: Template
) -> Iterator[psycopg.Connection]:
    """One connection for all: no case leaves anything behind."""
    with warehouse_factory.warehouse(template=redshift_template) as warehouse:
        url = f"postgresql://{warehouse.user}:{warehouse.password}@{face.host}:{face.port}/{warehouse.database}"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(WINSALES)
            yield connection


def printed(connection: psycopg.Connection, sql: str) -> list[str]:
    """The rows as psql would print them, without its frame; the null of a single column is NULL."""
    result = connection.execute(sql.encode()).pgresult
    assert result is not None
    rows = []
    for row in range(result.ntuples):
        values = [result.get_value(row, column) for column in range(result.nfields)]
        null = "NULL" if len(values) == 1 else ""
        rows.append("|".join(null if value is None else value.decode() for value in values))
    return rows


@pytest.mark.parametrize(("expression", "expected"), list(_cases()))
def test_an_expression_gives_the_documented_result(
    client: psycopg.Connection, expression: str, expected: list[str]
) -> None:
    query = expression if expression.startswith(("select", "with")) else f"select {expression}"
    assert printed(client, query) == expected


NAMES_AND_TYPES = [
    ("dateadd(day, 1, date '2020-01-01')", "date_add", "timestamp"),
    ("dateadd(day, 1, timestamptz '2020-01-01')", "date_add", "timestamptz"),
    ("dateadd(hour, 1, time '10:00')", "date_add", "time"),
    ("datediff(day, '2020-01-01', '2020-01-02')", "date_diff", "int8"),
    ("extract(year from timestamp '2020-01-01')", "date_part", "int4"),
    ("extract(year from timestamptz '2020-01-01')", "date_part", "float8"),
    ("date_part(year, timestamp '2020-01-01')", "pgdate_part", "float8"),
    ("date_trunc('month', date '2020-01-31')", "date_trunc", "timestamp"),
    ("trunc(getdate())", "trunc", "date"),
    ("getdate()", "getdate", "timestamp"),
    ("sysdate", "sysdate", "timestamp"),
    ("add_months(date '2020-01-31', 1)", "add_months", "timestamp"),
    ("months_between('2020-01-31', '2020-01-01')", "months_between", "float8"),
    ("last_day('2020-01-31')", "last_day", "date"),
    ("convert_timezone('EST', timestamptz '2020-01-31')", "convert_timezone", "timestamp"),
    ("to_timestamp('2020', 'YYYY')", "to_timestamp", "timestamptz"),
    ("nvl(null, 1)", "coalesce", "int4"),
    ("decode(1, 1, 'a')", "case", "varchar"),
    ("len('a')", "len", "int4"),
    ("avg(1)", "avg", "int8"),
    ("avg(1::bigint)", "avg", "numeric"),
    ("avg(1.5)", "avg", "numeric"),
    ("sum(1)", "sum", "int8"),
    ("sum(1::bigint)", "sum", "numeric"),
    ("stddev(1)", "stddev", "float8"),
    ("var_pop(1.5)", "var_pop", "float8"),
    ("median(1)", "median", "numeric"),
    ("percentile_cont(0.5) within group (order by 1.5::float8)", "percentile_cont", "float8"),
    ("listagg('a', ',') within group (order by 1)", "listagg", "varchar"),
    ("sqrt(2.25)", "sqrt", "float8"),
    ("round(1.5)", "round", "numeric"),
    ("round(2)", "round", "int4"),
    ("json_parse('[1]')", "json_parse", "super"),
    ("array(1, 2)", "array", "super"),
    ("object('a', 1)", "object", "super"),
    ("json_serialize(json_parse('[1]'))", "json_serialize", "varchar"),
    ("from_hex('61')", "from_hex", "varbyte"),
    ("fnv_hash('a')", "fnv_hash", "int8"),
    ("pg_last_copy_count()", "pg_last_copy_count", "int8"),
    ("version()", "version", "varchar"),
]
# text is what Postgres calls a VARCHAR without a limit
NUMBERS = {
    16: "bool", 20: "int8", 23: "int4", 25: "varchar", 701: "float8", 1043: "varchar", 1082: "date", 1083: "time",
    1114: "timestamp", 1184: "timestamptz", 1700: "numeric", 4000: "super", 6551: "varbyte",
}  # fmt: skip


def test_columns_have_the_names_and_types_that_redshift_gives_them(client: psycopg.Connection) -> None:
    found = []
    for expression, _, _ in NAMES_AND_TYPES:
        (column,) = client.execute(f"select {expression}".encode()).description or ()
        found.append((expression, column.name, NUMBERS[column.type_code]))
    assert found == NAMES_AND_TYPES


@pytest.mark.parametrize(
    ("expression", "sqlstate", "said"),
    [
        ("dateadd(fortnight, 1, '2020-01-01')", "22023", '"fortnight" is not a valid date part'),
        ("datediff(day, time '10:00', time '11:00')", "22023", '"day" is not a valid date part'),
        ("to_date('20010631', 'YYYYMMDD', true)", "22008", "out of range"),
        ("to_timestamp('2011-12-18 24:38:15', 'YYYY-MM-DD HH24:MI:SS', true)", "22008", "out of range"),
        ("next_day('2020-01-01', 'someday')", "22023", "Invalid day of week"),
        ("split_part('a,b', ',', -1)", "22023", "field position must be greater than zero"),
        ("concat('a', 'b', 'c')", "42883", "concat"),
        ("decode(1, 2)", "42883", "decode"),
        ("strtol('9', 8)", "22023", "not valid to be converted to base 8"),
        ("strtol('ffffffffffffffffff', 16)", "22003", "out of range"),
        ("regexp_substr('a', 'a', 1, 1, 'x')", "22023", "Invalid regular expression parameters"),
        ("json_parse('{')", "22P02", "JSON parsing error"),
        ("json_extract_path_text('{', 'a')", "22P02", "JSON parsing error"),
        ("object('k', date '2008-12-31')", "42846", "OBJECT could not convert type date to super"),
        ("collate('a', 'case_insensitive')", "0A000", "COLLATE"),
        ("st_union(null, null)", "0A000", "ST_UNION"),
        ("listagg(repeat('x', 40000)) from (select 1 union all select 2)", "54000", "exceeds LISTAGG limit"),
        ("percentile_cont(2) within group (order by 1)", "22003", "is not between 0 and 1"),
        ("to_varbyte('x', 'rot13')", "22023", "Unknown format"),
        ("sum(true)", "42883", "function sum(boolean) does not exist"),
        ("max(b) from (select true as b where false)", "42883", "function max(boolean) does not exist"),
        ("min(b) over () from (select true as b)", "42883", "function min(boolean) does not exist"),
        ("abs(true)", "42883", "function abs(boolean) does not exist"),
        ("1 || true", "42883", "operator does not exist: integer || boolean"),
    ],
)
def test_what_makes_no_sense_is_an_error(client: psycopg.Connection, expression: str, sqlstate: str, said: str) -> None:
    with pytest.raises(psycopg.Error) as raised:
        client.execute(f"select {expression}".encode())
    assert raised.value.sqlstate == sqlstate
    assert said in str(raised.value)


def test_varbyte_is_printed_in_plain_hexadecimal(client: psycopg.Connection, redshift: Any) -> None:
    query = "select from_hex('6162'), 1, null::varbyte, 'abc'::varbyte"
    assert printed(client, query) == ["6162|1||616263"]
    assert (
        client.execute(b"select from_hex('6162') where 1 = %s", [1], prepare=True).pgresult.get_value(0, 0) == b"6162"
    )
    assert client.execute(b"select from_hex('6162') as b, 2 as n", binary=True).fetchone() == (b"ab", 2)
    assert printed(client, "select '\\\\x41'") == ["\\x41"]
    with redshift.connect() as connection, connection.cursor() as cursor:
        for _ in range(2):
            cursor.execute(query)
            assert cursor.fetchone() == ["ab", 1, None, "abc"]


def test_the_session_knows_its_last_copy_and_unload(redshift: Any, s3: Any) -> None:
    s3.put("in/a.csv", b"1\n2\n3\n")
    with redshift.session() as run:
        run("create table counted (id int)")
        assert run("select pg_last_copy_count(), pg_last_copy_id()") == [(0, -1)]
        run(f"copy counted from '{s3.url}/in/' iam_role default csv")
        assert run("select pg_last_copy_count(), pg_last_copy_id() > 0") == [(3, True)]
        run(f"unload ('select id from counted where id > 1') to '{s3.url}/out/' iam_role default")
        assert run("select pg_last_unload_count(), pg_last_unload_id() > 0") == [(2, True)]
    assert redshift.execute("select pg_last_copy_count(), pg_last_unload_count()") == [(0, 0)]
