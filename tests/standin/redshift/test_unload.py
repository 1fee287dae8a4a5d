"""UNLOAD writes the rows of a query to S3, in the files and forms that Redshift writes."""

from __future__ import annotations

import bz2
import gzip
import io
import json
from datetime import date, datetime
from decimal import Decimal

import psycopg
import pyarrow as pa
import pytest
from lake import ROLE, open_lake
from pyarrow import parquet


@pytest.fixture(scope="module")
def lake(warehouse_factory, local_s3):
    with open_lake(warehouse_factory, local_s3) as lake:
        yield lake


VALUES = (
    "select a::int, b::varchar(20), c::bool, d::decimal(5,2) from (select 1 as a, 'x|y,\"z\"' as b, 't' as c, 1.50 as d"
    " union all select 2, null, null, null union all select 3, '', 'f', -1) order by a"
)


def unload(lake, query, options="", place=None):
    place = place or lake.place()
    lake.execute(f"unload ($${query}$$) to '{place}' {ROLE} {options}")
    return lake.files(place)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("", b'1|x|y,"z"|t|1.50\n2|||\n3||f|-1.00\n'),
        ("csv", b'1,"x|y,""z""",t,1.50\n2,,,\n3,"",f,-1.00\n'),
        ("csv header delimiter '|'", b'a|b|c|d\n1|"x|y,""z"""|t|1.50\n2|||\n3|""|f|-1.00\n'),
        ("csv null as 'none'", b'1,"x|y,""z""",t,1.50\n2,none,none,none\n3,"",f,-1.00\n'),
        ("escape", b'1|x\\|y,"z"|t|1.50\n2|||\n3||f|-1.00\n'),
        (r"addquotes escape null as '\N'", b'"1"|"x\\|y,\\"z\\""|"t"|"1.50"\n"2"|\\N|\\N|\\N\n"3"|""|"f"|"-1.00"\n'),
        (r"delimiter '\t' header", b'a\tb\tc\td\n1\tx|y,"z"\tt\t1.50\n2\t\t\t\n3\t\tf\t-1.00\n'),
        ("fixedwidth 'a:2,b:8,c:1,d:6'", b'1 x|y,"z" t1.50  \n2                \n3         f-1.00 \n'),
        (
            "json",
            b'{"a":1,"b":"x|y,\\"z\\"","c":true,"d":1.50}\n{"a":2,"b":null,"c":null,"d":null}\n'
            b'{"a":3,"b":"","c":false,"d":-1.00}\n',
        ),
    ],
)  # fmt: skip
def test_text(lake, options, expected):
    assert unload(lake, VALUES, options) == {"0000_part_00": expected}


def test_types_as_text(lake):
    query = (
        "select date '2026-03-04' as a, timestamp '2026-03-04 05:06:07.5' as b, 0.1::float8 as c, 1e20::float8 as d,"
        " timestamptz '2026-03-04 05:06:07+02' as e, time '05:06:07' as f, from_hex('00ff')::varbyte as g,"
        ' json_parse(\'{"x": [1.10, "y"]}\') as h, 0.1::real as i'
    )
    files = unload(lake, query, "delimiter ';'")
    assert files["0000_part_00"].decode().split(";") == [
        "2026-03-04", "2026-03-04 05:06:07.5", "0.1", "1e+20", "2026-03-04 03:06:07+00", "05:06:07", "00ff",
        '{"x":[1.10,"y"]}', "0.1\n",
    ]  # fmt: skip


def test_quotes_inside_of_the_query(lake):
    place = lake.place()
    lake.execute(f"unload ('select ''it''''s'' as a -- a comment') to '{place}' {ROLE}")
    assert lake.files(place) == {"0000_part_00": b"it's\n"}


@pytest.mark.parametrize(
    ("options", "name", "unpack"),
    [
        ("gzip", "0000_part_00.gz", gzip.decompress),
        ("bzip2", "0000_part_00.bz2", bz2.decompress),
        ("zstd", "0000_part_00.zst", lambda content: pa.input_stream(io.BytesIO(content), compression="zstd").read()),
        ("parallel off", "000", bytes),
        ("parallel off gzip", "000.gz", gzip.decompress),
        ("gzip extension 'csv.gz'", "0000_part_00.csv.gz", gzip.decompress),
        ("allowoverwrite encrypted auto", "0000_part_00", bytes),
    ],
)
def test_names_and_compression(lake, options, name, unpack):
    files = unload(lake, VALUES, options)
    assert list(files) == [name]
    assert unpack(files[name]) == b'1|x|y,"z"|t|1.50\n2|||\n3||f|-1.00\n'


def test_parquet(lake):
    query = (
        "select 1::smallint as a, 2::int as b, 3::bigint as c, 1.5::real as d, 2.5::float8 as e, true as f,"
        " 'x'::varchar(9) as g, 1.50::decimal(5,2) as h, date '2026-03-04' as i,"
        " timestamp '2026-03-04 05:06:07.000008' as j, timestamptz '2026-03-04 05:06:07+02' as k,"
        " json_parse('[1.10]') as l, null::int as m"
    )
    files = unload(lake, query, "format as parquet")
    table = parquet.read_table(io.BytesIO(files["0000_part_00.parquet"]))
    moment = datetime(2026, 3, 4, 5, 6, 7, 8)
    assert [str(kind) for kind in table.schema.types] == [
        "int16", "int32", "int64", "float", "double", "bool", "string", "decimal128(5, 2)", "date32[day]",
        "timestamp[us]", "timestamp[us]", "string", "int32",
    ]  # fmt: skip
    assert [column[0].as_py() for column in table.columns] == [
        1, 2, 3, 1.5, 2.5, True, "x", Decimal("1.50"), date(2026, 3, 4), moment, datetime(2026, 3, 4, 3, 6, 7),
        "[1.10]", None,
    ]  # fmt: skip
    metadata = parquet.read_metadata(io.BytesIO(files["0000_part_00.parquet"]))
    assert metadata.row_group(0).column(0).compression == "SNAPPY"


def test_no_rows(lake):
    query = "select 1 as a, 'x'::varchar(3) as b where false"
    assert unload(lake, query, "csv header") == {"0000_part_00": b"a,b\n"}
    files = unload(lake, query, "parquet")
    assert parquet.read_table(io.BytesIO(files["0000_part_00.parquet"])).schema.names == ["a", "b"]


def test_partitions(lake):
    query = (
        "select * from (select 1 as id, 'a/b'::varchar(9) as kind, date '2026-03-04' as day"
        " union all select 2, 'a/b', date '2026-03-05' union all select 3, null, date '2026-03-04'"
        " union all select 4, 'a/b', date '2026-03-04') order by id"
    )
    place = lake.place()
    lake.execute(f"unload ($${query}$$) to '{place.rstrip('/')}' {ROLE} csv header partition by (day, kind)")
    assert lake.files(place) == {
        "day=2026-03-04/kind=a%2Fb/0000_part_00": b"id\n1\n4\n",
        "day=2026-03-05/kind=a%2Fb/0000_part_00": b"id\n2\n",
        "day=2026-03-04/kind=__HIVE_DEFAULT_PARTITION__/0000_part_00": b"id\n3\n",
    }
    files = unload(lake, query, "parquet partition by (day) include")
    table = parquet.ParquetFile(io.BytesIO(files["day=2026-03-05/0000_part_00.parquet"])).read()
    assert table.to_pylist() == [{"id": 2, "kind": "a/b", "day": date(2026, 3, 5)}]
    for clause, message in [
        ("partition by (nosuch)", 'Partition column "nosuch" is not a column of the query'),
        ("partition by (id, kind, day)", "at least one column that is not partitioned by"),
    ]:
        with pytest.raises(psycopg.Error, match=message):
            unload(lake, query, clause)


def test_more_partitions_than_open_files(lake):
    files = unload(lake, f"select n, n % 50 as p from {lake.numbers(500)}", "partition by (p)")
    assert sum(content.count(b"\n") for content in files.values()) == 500
    assert len(files) >= 50


def test_manifest(lake):
    place = lake.place() + "x_"
    lake.execute(f"unload ($${VALUES}$$) to '{place}' {ROLE} manifest header")
    files = lake.files(place)
    listed = json.loads(files["manifest"])
    assert listed == {
        "entries": [{"url": f"{place}0000_part_00", "meta": {"content_length": len(files["0000_part_00"])}}]
    }
    lake.execute(f"unload ($${VALUES}$$) to '{place}' {ROLE} manifest verbose header allowoverwrite")
    listed = json.loads(lake.files(place)["manifest"])
    assert listed["entries"][0]["meta"]["record_count"] == 4
    assert listed["meta"] == {"content_length": len(files["0000_part_00"]), "record_count": 4}
    assert listed["schema"]["elements"] == [
        {"name": "a", "type": {"base": "integer"}},
        {"name": "b", "type": {"base": "character varying", "max_length": 20}},
        {"name": "c", "type": {"base": "boolean"}},
        {"name": "d", "type": {"base": "numeric", "precision": 5, "scale": 2}},
    ]
    assert listed["author"]["name"] == "Amazon Redshift"
    lake.table("a int, b varchar(20), c bool, d decimal(5,2)")
    lake.execute(
        f"copy t from '{place}manifest' {ROLE} manifest ignoreheader 1 delimiter '|' fillrecord ignoreallerrors"
    )
    assert len(lake.rows()) == 2


def test_large_results_are_split(lake):
    query = f"select n, repeat('x', 100)::varchar(100) as t from {lake.numbers(150_000)} order by n"
    files = unload(lake, query, "maxfilesize 5 mb")
    assert {"0000_part_00", "0000_part_01", "0001_part_00"} <= set(files)
    assert max(map(len, files.values())) <= 5 * 1024**2
    lines = sorted(int(line.split(b"|")[0]) for content in files.values() for line in content.splitlines())
    assert lines == list(range(1, 150_001))
    serial = unload(lake, query, "maxfilesize 5 mb parallel off")
    assert list(serial) == ["000", "001", "002", "003"]
    assert b"".join(serial.values()).splitlines()[-1].startswith(b"150000|")


def test_a_place_that_is_not_empty(lake):
    place = lake.put("old", "0000_part_00")
    lake.bucket.put(lake.key(place) + "other", b"old")
    with pytest.raises(psycopg.Error, match="Specified unload destination on S3 is not empty"):
        unload(lake, "select 1", place=place)
    assert unload(lake, "select 1", "allowoverwrite", place) == {"0000_part_00": b"1\n", "other": b"old"}
    assert unload(lake, "select 2", "cleanpath", place) == {"0000_part_00": b"2\n"}
    lake.bucket.put(lake.key(place) + "p=1/old", b"old")
    lake.bucket.put(lake.key(place) + "p=2/old", b"old")
    assert unload(lake, "select 1 as p, 2 as q", "cleanpath partition by (p)", place) == {
        "0000_part_00": b"2\n", "p=1/0000_part_00": b"2\n", "p=2/old": b"old",
    }  # fmt: skip


def test_a_failed_unload_leaves_nothing(lake):
    place = lake.place()
    query = f"select n, repeat('x', 60)::varchar(60), 1 / (150000 - n) as x from {lake.numbers(150_000)} order by n"
    with pytest.raises(psycopg.Error, match=r"(?i)divi"):
        unload(lake, query, place=place)
    assert lake.files(place) == {}
    with pytest.raises(psycopg.Error, match="bucket does not exist"):
        unload(lake, "select 1", place="s3://no-such-bucket/x")
    with pytest.raises(psycopg.Error, match="does not exist"):
        unload(lake, "select nosuch from nowhere", place=place)


@pytest.mark.parametrize(
    ("query", "options", "message"),
    [
        ("select 1 as a, 2 as a", "json", "unique column names"),
        ("select from_hex('00')::varbyte as a", "parquet", "UNLOAD of VARBYTE as PARQUET is not supported"),
        ("select 1 as a", "fixedwidth 'a:1,b:1'", "Fixed width specification has 2 columns, the query has 1"),
        ("select 'abc'::varchar(9) as a", "fixedwidth 'a:2'", "A value of column a is 3 characters long"),
        ("select 1 limit 1", "", "Limit clause is not supported"),
        ("delete from t", "", "syntax error"),
        ("select 1; select 2", "", "syntax error"),
    ],
)
def test_refused(lake, query, options, message):
    place = lake.place()
    with pytest.raises(psycopg.Error, match=message):
        unload(lake, query, options, place)
    assert lake.files(place) == {}


def test_history_and_notices(lake):
    place = lake.place()
    heard = []
    with lake.redshift.psycopg() as connection:
        connection.add_notice_handler(lambda notice: heard.append(notice.message_primary))
        cursor = connection.execute(f"unload ($${VALUES}$$) to '{place}' {ROLE}")
        assert cursor.statusmessage == "UNLOAD"
        assert connection.execute("select pg_last_unload_count()").fetchall() == [(3,)]
    assert heard == ["UNLOAD completed, 3 record(s) unloaded successfully."]
    assert lake.execute(
        f"select trim(path), line_count, transfer_size from stl_unload_log where path like '{place}%'"
    ) == [(f"{place}0000_part_00", 3, 33)]


def test_inside_of_a_transaction_it_sees_what_is_not_committed(lake):
    place = lake.place()
    lake.table("a int")
    with lake.redshift.psycopg(autocommit=False) as connection:
        connection.execute("insert into t values (1), (2)")
        connection.execute(f"unload ('select * from t order by a') to '{place}' {ROLE}")
        connection.rollback()
    assert lake.files(place) == {"0000_part_00": b"1\n2\n"}
