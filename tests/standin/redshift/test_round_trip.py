"""What UNLOAD writes, COPY loads again: any table of any types, in every format and compression."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from lake import ROLE, open_lake

from standin.redshift.s3.jsontext import to_json


@pytest.fixture(scope="module")
def lake(warehouse_factory, local_s3):
    with open_lake(warehouse_factory, local_s3) as lake:
        yield lake


@pytest.fixture(scope="module")
def driver(lake):
    with lake.redshift.connect() as connection:
        yield connection.cursor()


# NUL is in no text of Postgres; "@" stands for NULL below
LETTERS = st.characters(codec="utf-8", exclude_characters="\0@", exclude_categories=("Cs",))


def text(length):
    return st.text(LETTERS, max_size=length).filter(lambda value: len(value.encode()) <= length)


def decimals(precision, scale):
    limit = 10**precision - 1
    return st.integers(-limit, limit).map(lambda number: Decimal(number).scaleb(-scale))


MOMENTS = st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30))
NESTED = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.decimals(-1000, 1000, places=2) | text(8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text(6), inner, max_size=3),
    max_leaves=6,
)
TYPES = {
    "smallint": st.integers(-(2**15), 2**15 - 1),
    "int": st.integers(-(2**31), 2**31 - 1),
    "bigint": st.integers(-(2**63), 2**63 - 1),
    "decimal(7,2)": decimals(7, 2),
    "decimal(38,19)": decimals(38, 19),
    "decimal(18,0)": decimals(18, 0),
    "real": st.floats(width=32, allow_nan=False, allow_infinity=False),
    "float8": st.floats(allow_nan=False, allow_infinity=False),
    "boolean": st.booleans(),
    "date": st.dates(),
    "timestamp": MOMENTS,
    "timestamptz": MOMENTS.map(lambda moment: moment.replace(tzinfo=UTC)),
    "time": st.times(),
    "varchar(40)": text(40),
    "varchar(65535)": text(300),
    "char(6)": st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="@"), max_size=6),
    "super": st.lists(NESTED, max_size=3) | st.dictionaries(text(6), NESTED, max_size=3),
    "varbyte": st.binary(max_size=30),
}
# how to unload, how to load, and what the format does not take
WAYS = {
    "csv": ("csv null as '@'", "csv null as '@'", ()),
    "csv with a header": ("csv header delimiter ';' null as '@'", "csv ignoreheader 1 delimiter ';' null as '@'", ()),
    "escaped": ("escape null as '@'", "escape null as '@'", ()),
    "quoted": (r"delimiter ',' addquotes escape null as '@'", "delimiter ',' removequotes escape null as '@'", ()),
    "json": ("json", "json 'auto'", ("varbyte",)),
    "parquet": ("parquet", "parquet serializetojson", ("varbyte",)),
    "serial": ("csv parallel off null as '@'", "csv null as '@'", ()),
}
COMPRESSIONS = ("", "gzip", "bzip2", "zstd")


@st.composite
def tables(draw):
    way = draw(st.sampled_from(sorted(WAYS)))
    kinds = sorted(kind for kind in TYPES if kind not in WAYS[way][2])
    columns = draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=9))
    row = st.tuples(*(st.none() | TYPES[kind] for kind in columns))
    compression = draw(st.sampled_from(COMPRESSIONS)) if way != "parquet" else ""
    return way, compression, columns, draw(st.lists(row, max_size=6))


def literal(kind, value):
    if value is None:
        return f"null::{kind}"
    if kind == "super":
        return "json_parse({})".format(literal("varchar", to_json(value)))
    if kind == "varbyte":
        return f"from_hex('{value.hex()}')"
    if isinstance(value, float):
        return f"'{value!r}'::{kind}"
    if isinstance(value, date | datetime | time):
        value = value.isoformat()
    return "'{}'::{}".format(str(value).replace("\\", "\\\\").replace("'", "''"), kind)


@settings(
    max_examples=25,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
    derandomize=True,
    suppress_health_check=list(HealthCheck),
)
@given(tables())
def test_any_table_survives(lake, driver, table):
    way, compression, columns, rows = table
    unload, load, _ = WAYS[way]
    names = [f"c{number}" for number in range(len(columns))]
    declared = ", ".join(f"{name} {kind}" for name, kind in zip(names, columns, strict=True))
    for name in ("there", "back"):
        driver.execute(f"drop table if exists {name}")
        driver.execute(f"create table {name} (n int, {declared})")
    if rows:
        values = ", ".join(
            f"({number}, " + ", ".join(map(literal, columns, row)) + ")" for number, row in enumerate(rows)
        )
        driver.execute(f"insert into there values {values}".replace("%", "%%"))
    place = lake.place()
    driver.execute(f"unload ('select * from there') to '{place}' {ROLE} {unload} {compression}")
    driver.execute(f"copy back from '{place}' {ROLE} {load} {compression}")
    shown = ", ".join(
        f"json_serialize({name})" if kind == "super" else f"to_hex({name})" if kind == "varbyte" else name
        for name, kind in zip(names, columns, strict=True)
    )
    found = []
    for name in ("there", "back"):
        driver.execute(f"select n, {shown} from {name} order by n")
        found.append([list(row) for row in driver.fetchall()])
    assert found[0] == found[1]
    assert len(found[1]) == len(rows)
    for index, kind in enumerate(columns):
        # and it was what we meant, not two times the same mistake
        if kind not in ("super", "char(6)", "varbyte", "real", "time"):
            expected = [row[index] for row in rows]
            assert [row[index + 1] for row in found[1]] == expected, kind


@pytest.mark.parametrize("way", ["csv", "escaped", "json"])
def test_numbers_that_are_none(lake, way):
    unload, load, _ = WAYS[way]
    lake.table("a float8, b real", "there")
    lake.execute("insert into there values ('nan', 'inf'), ('-inf', 'nan'), (null, 1)")
    place = lake.place()
    lake.execute(f"unload ('select * from there') to '{place}' {ROLE} {unload}")
    lake.table("a float8, b real", "back")
    lake.execute(f"copy back from '{place}' {ROLE} {load}")
    found = lake.rows("back")
    assert math.isnan(found[0][0])
    assert found[0][1] == math.inf
    assert found[1][0] == -math.inf
    assert math.isnan(found[1][1])
    assert found[2] == (None, 1.0)


def test_a_join_goes_out_and_comes_back(lake):
    """Extract, transform, load: what UNLOAD computes over joined tables is what COPY puts into the mart."""
    lake.table("customer_id int, name varchar(50), city varchar(20)", "customer")
    lake.table("bill_id bigint, customer_id int, amount decimal(12,2), billed_at timestamp", "bill")
    lake.execute(
        "insert into customer values (1, 'Aino, \"A\"', 'Oulu'), (2, 'Väinö | V', null), (3, 'nobody\\'s', 'Turku')"
    )
    lake.execute(
        "insert into bill select n, n % 2 + 1, n * 1.25, dateadd(hour, n, '2026-01-01'::timestamp)"
        f" from {lake.numbers(5000)}"
    )
    query = (
        "select c.customer_id, c.name, nvl(c.city, 'unknown') as city, count(b.bill_id) as bills,"
        " sum(b.amount)::decimal(14,2) as total, max(b.billed_at) as last_billed"
        " from customer as c left join bill as b using (customer_id) group by 1, 2, 3"
    )
    expected = lake.execute(f"{query} order by 1")
    assert len(expected) == 3
    for unload, load, _ in WAYS.values():
        place = lake.place()
        lake.execute(f"unload ($${query}$$) to '{place}' {ROLE} {unload} manifest")
        lake.table(
            "customer_id int, name varchar(50), city varchar(20), bills bigint, total decimal(14,2),"
            " last_billed timestamp",
            "mart",
        )
        lake.execute(f"copy mart from '{place}manifest' {ROLE} {load} manifest")
        assert lake.execute("select * from mart order by 1") == expected
