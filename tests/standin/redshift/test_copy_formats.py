"""COPY loads JSON, Avro, Parquet and ORC, and finds its files by prefix and by manifest."""

from __future__ import annotations

import gzip
import io
import json
from datetime import UTC, date, datetime
from decimal import Decimal

import psycopg
import pyarrow as pa
import pytest
from lake import ROLE, open_lake
from pyarrow import orc, parquet


@pytest.fixture(scope="module")
def lake(warehouse_factory, local_s3):
    with open_lake(warehouse_factory, local_s3) as lake:
        yield lake


ABC = "a int, b varchar(40), c decimal(10,4)"


@pytest.mark.parametrize(
    ("content", "options", "expected"),
    [
        (
            '{"c": 1.5000, "a": 1, "b": "x", "z": 0}\n{"a": 2}',
            "json 'auto'",
            [(1, "x", Decimal("1.5")), (2, None, None)],
        ),
        ('{"A": 1, "b": "x"}{"a": 2, "B": "y"}', "json", [(None, "x", None), (2, None, None)]),
        ('{"A": 1, "b": "x"}\n\n{"a": 2, "B": "y"}', "json 'auto ignorecase'", [(1, "x", None), (2, "y", None)]),
        ('{"a": 1,\n "b": "two\\nlines é \\u00e9"}\n', "json 'auto'", [(1, "two\nlines é é", None)]),
        ('{"a": true, "b": {"x": [1.10, null]}}', "json 'auto' maxerror 2", []),
        ('{"a": 3, "b": {"x": [1.10, null, true]}}', "json 'auto'", [(3, '{"x":[1.10,null,true]}', None)]),
        ('{"a": "4", "b": 5.50, "c": "6.12345"}', "json 'auto'", [(4, "5.50", Decimal("6.1234"))]),
        ('{"a": null, "b": "", "c": ""}', "json 'auto' emptyasnull", [(None, None, None)]),
        (gzip.compress(b'{"a": 1}', mtime=0), "json 'auto' gzip", [(1, None, None)]),
        ('{"a": 12345678901234567890}', "json 'auto' maxerror 2", []),
    ],
)
def test_json(lake, content, options, expected):
    lake.table(ABC)
    lake.execute(f"copy t from '{lake.put(content)}' {ROLE} {options}")
    assert lake.rows() == expected


def test_json_by_path(lake):
    lake.table(ABC)
    paths = lake.put(json.dumps({"jsonpaths": ["$.id", "$['names'][1]", "$.deep.er[0].c"]}), "paths.json")
    data = lake.put('{"id": 1, "names": ["x", "y"], "deep": {"er": [{"c": 2.5}]}}\n{"id": 2, "names": "z"}')
    lake.execute(f"copy t from '{data}' {ROLE} json '{paths}paths.json'")
    assert lake.rows() == [(1, "y", Decimal("2.5")), (2, None, None)]
    arrays = lake.put("[1, [2, 3]]\n[4]")
    paths = lake.put('{"jsonpaths": ["$[0]", "$[1][1]"]}', "p")
    lake.execute(f"copy t (a, c) from '{arrays}' {ROLE} json '{paths}p'")
    assert lake.rows()[2:] == [(1, None, Decimal(3)), (4, None, None)]
    with pytest.raises(psycopg.Error, match="JSONPath size: 2, Number of columns in table or column list: 3"):
        lake.execute(f"copy t from '{arrays}' {ROLE} json '{paths}p'")
    bad = lake.put('{"jsonpaths": ["$.a..b"]}', "p")
    with pytest.raises(psycopg.Error, match="Supported notations are 'dot-notation' and 'bracket-notation'"):
        lake.execute(f"copy t (a) from '{arrays}' {ROLE} json '{bad}p'")


def test_json_into_super(lake):
    data = lake.put('{"a": {"b": [1.10, "x"]}, "s": "t"}\n{"a": "word", "s": null}')
    lake.table("a super, s super")
    lake.execute(f"copy t from '{data}' {ROLE} json 'auto'")
    assert lake.execute("select a.b[0]::varchar(9), a.b[1]::varchar(9), s::varchar(9) from t limit 1") == [
        ("1.10", "x", "t")
    ]
    assert lake.execute("select a::varchar(9), s is null from t offset 1") == [("word", True)]
    lake.table("whole super")
    lake.execute(f"copy t from '{data}' {ROLE} json 'noshred'")
    assert lake.execute("select whole.s::varchar(9) from t") == [("t",), (None,)]


def test_avro(lake):
    import fastavro

    schema = {
        "type": "record",
        "name": "r",
        "fields": [
            {"name": "a", "type": ["null", "int"]},
            {"name": "b", "type": {"type": "enum", "name": "e", "symbols": ["ONE", "TWO"]}},
            {"name": "c", "type": {"type": "map", "values": "double"}},
            {"name": "d", "type": "long"},
            {"name": "f", "type": "boolean"},
        ],
    }
    content = io.BytesIO()
    rows = [
        {"a": 1, "b": "ONE", "c": {"x": 1.5}, "d": 1772600767000, "f": True},
        {"a": None, "b": "TWO", "c": {}, "d": 0, "f": False},
    ]
    fastavro.writer(content, schema, rows, codec="deflate")
    lake.table("f bool, a int, b varchar(3), c varchar(20), d timestamp")
    place = lake.put(content.getvalue())
    lake.execute(f"copy t from '{place}' {ROLE} format as avro 'auto' timeformat 'epochmillisecs'")
    assert lake.rows() == [
        (True, 1, "ONE", '{"x":1.5}', datetime(2026, 3, 4, 5, 6, 7)),
        (False, None, "TWO", "{}", datetime(1970, 1, 1)),
    ]
    with pytest.raises(psycopg.Error, match="Invalid Avro file"):
        lake.execute(f"copy t from '{lake.put('not avro')}' {ROLE} avro")


TYPED = {
    "a smallint": pa.array([1, None], pa.int16()),
    "b int": pa.array([1, None], pa.int32()),
    "c bigint": pa.array([1, None], pa.int64()),
    "d decimal(12,3)": pa.array([Decimal("1.250"), None], pa.decimal128(10, 2 + 1)),
    "e real": pa.array([1.5, None], pa.float32()),
    "f float8": pa.array([1.5, None], pa.float64()),
    "g bool": pa.array([True, None]),
    "h date": pa.array([date(2026, 3, 4), None]),
    "i timestamp": pa.array([datetime(2026, 3, 4, 5, 6, 7, 8), None], pa.timestamp("ns")),
    "j timestamptz": pa.array([datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC), None], pa.timestamp("us", "UTC")),
    "k varchar(9)": pa.array(["é", None]),
    "l char(2)": pa.array(["xy", None]),
}
VALUES = (
    1,
    1,
    1,
    Decimal("1.250"),
    1.5,
    1.5,
    True,
    date(2026, 3, 4),
    datetime(2026, 3, 4, 5, 6, 7, 8),
    datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC),
    "é",
    "xy",
)


def written(table, kind="parquet"):
    content = io.BytesIO()
    if kind == "orc":
        orc.write_table(table, content)
    else:
        parquet.write_table(table, content, use_dictionary=["k"] if "k" in table.column_names else False)
    return content.getvalue()


@pytest.mark.parametrize("kind", ["parquet", "orc"])
def test_columnar_types_by_position(lake, kind):
    lake.table(", ".join(TYPED))
    table = pa.table(list(TYPED.values()), names=[f"{letter}" for letter in "klmnopqrstuv"])
    lake.execute(f"copy t from '{lake.put(written(table, kind))}' {ROLE} format as {kind}")
    assert lake.rows() == [VALUES, (None,) * len(VALUES)]


def test_parquet_with_a_column_list_and_nested_values(lake):
    table = pa.table(
        {
            "x": pa.array([[{"y": 1, "z": "a"}], None]),
            "m": pa.array([[("k", 1.5)], []], pa.map_(pa.string(), pa.float64())),
            "j": ['{"q": [1.0]}', "plain"],
        }
    )
    place = lake.put(written(table))
    lake.table("j super, skipped int default 7, m super, x super")
    with pytest.raises(psycopg.Error, match=r"incompatible Parquet schema for column 'x'\. Column type: SUPER"):
        lake.execute(f"copy t (x, m, j) from '{place}' {ROLE} parquet")
    lake.execute(f"copy t (x, m, j) from '{place}' {ROLE} parquet serializetojson")
    assert lake.execute("select x[0].z::varchar(9), m.k::varchar(9), skipped from t limit 1") == [("a", "1.5", 7)]
    assert lake.execute("select j.q[0]::varchar(9) from t limit 1") == [("1.0",)]
    assert lake.execute("select x is null, j::varchar(9) from t offset 1") == [(True, "plain")]


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        (
            "a int",
            pa.array([1], pa.int64()),
            "incompatible Parquet schema for column 'a'. Column type: INT4, Parquet schema: optional int64",
        ),
        ("a int", pa.array(["1"]), "Parquet schema: optional string"),
        ("a varchar(9)", pa.array([1]), "Column type: VARCHAR, Parquet schema: optional int64"),
        ("a decimal(5,2)", pa.array([1.5]), "Parquet schema: optional double"),
        ("a decimal(5,2)", pa.array([Decimal("1.234")]), "Parquet schema: optional decimal128"),
        ("a real", pa.array([1.5]), "Parquet schema: optional double"),
        ("a date", pa.array([datetime(2026, 1, 1)]), "Parquet schema: optional timestamp"),
        (
            "a varchar(3)",
            pa.array(["abcd"]),
            "The length of the data column a is longer than the length defined in the table. Table: 3, Data: 4, ",
        ),
        (
            "a int, b int",
            pa.array([1], pa.int32()),
            "Unmatched number of columns between table and file. Table columns: 2, Data columns: 1, File name: s3://",
        ),
        ("a varchar(9)", pa.array([b"a\xff"]), "Bad UTF8 hex sequence: ff (error 3)"),
        ("a int not null", pa.array([None], pa.int32()), "Cannot insert a NULL value into column a"),
    ],
)
def test_parquet_that_does_not_fit(lake, column, values, message):
    lake.table(column)
    with pytest.raises(psycopg.Error) as caught:
        lake.execute(f"copy t from '{lake.put(written(pa.table({'a': values})))}' {ROLE} parquet")
    assert message in caught.value.diag.message_primary
    assert lake.rows() == []


def test_parquet_with_invalid_characters(lake):
    lake.table("a varchar(9)")
    place = lake.put(written(pa.table({"a": pa.array([b"a\xff", b"b", None])})))
    lake.execute(f"copy t from '{place}' {ROLE} parquet acceptinvchars as '#'")
    assert lake.rows() == [("a#",), ("b",), (None,)]


def test_parquet_that_lacks_columns_at_the_end(lake):
    lake.table("a int, b varchar(9), c date")
    place = lake.put(written(pa.table({"a": pa.array([1], pa.int32())})))
    lake.execute(f"copy t from '{place}' {ROLE} parquet fillrecord")
    assert lake.rows() == [(1, None, None)]
    with pytest.raises(psycopg.Error, match="Unmatched number of columns"):
        lake.execute(f"copy t from '{lake.put(written(pa.table({'a': pa.array([], pa.int32())})))}' {ROLE} parquet")


def test_what_is_no_parquet(lake):
    lake.table("a int")
    for kind in ("parquet", "orc"):
        with pytest.raises(psycopg.Error, match=f"could not be read as {kind.upper()}"):
            lake.execute(f"copy t from '{lake.put('no such thing, whatever its name says')}' {ROLE} {kind}")


def test_many_row_groups(lake):
    rows = 200_000
    content = io.BytesIO()
    table = pa.table({"a": range(rows), "b": [f"row {row}" for row in range(rows)]})
    parquet.write_table(table, content, row_group_size=30_000, compression="zstd")
    lake.table("a bigint, b varchar(20)")
    lake.execute(f"copy t from '{lake.put(content.getvalue())}' {ROLE} parquet")
    assert lake.execute("select count(*), sum(a), max(b) from t") == [(rows, rows * (rows - 1) // 2, "row 99999")]


# ------------------------------------------------------------------------------------------------------------- sources


def test_a_prefix_is_all_that_begins_so(lake):
    lake.table("a int")
    place = lake.place()
    for name in ("x/1", "x/2", "x1", "x/deeper/3", "x/empty", "y"):
        lake.bucket.put(lake.key(place) + name, b"" if name == "x/empty" else b"1\n")
    lake.execute(f"copy t from '{place}x' {ROLE}")
    assert lake.execute("select count(*) from t") == [(4,)]
    lake.execute(f"copy t from '{place}x/1' {ROLE}")
    assert lake.execute("select count(*) from t") == [(5,)]
    commits = lake.execute(f"select trim(filename), lines_scanned from stl_load_commits where filename like '{place}%'")
    assert sorted(commits) == [
        (f"{place}x/1", 1), (f"{place}x/1", 1), (f"{place}x/2", 1), (f"{place}x/deeper/3", 1), (f"{place}x1", 1),
    ]  # fmt: skip


def manifest(lake, *entries):
    return lake.put(json.dumps({"entries": entries}), "manifest") + "manifest"


def test_manifests(lake):
    lake.table("a int")
    one, two = lake.put("1\n") + "1", lake.put("2\n3\n") + "1"
    missing = lake.place() + "1"
    listed = manifest(lake, {"url": two, "mandatory": True}, {"url": one}, {"url": missing}, {"url": one})
    lake.execute(f"copy t from '{listed}' {ROLE} manifest")
    assert lake.rows() == [(2,), (3,), (1,), (1,)]
    for entries, message in [
        ([{"url": missing, "mandatory": True}], f"Mandatory url is not present in S3: {missing}"),
        ([{"url": missing}], "no file of the manifest is there"),
        ([{"url": one, "meta": {"content_length": 99}}], "content_length 99 does not match"),
        ([{"url": "http://x/y"}], "Manifest file is not in correct json format"),
        ([{"nourl": 1}], "Manifest file is not in correct json format"),
        ([{"url": lake.place()}], "COPY with MANIFEST parameter requires full path of an S3 object"),
    ]:
        with pytest.raises(psycopg.Error) as caught:
            lake.execute(f"copy t from '{manifest(lake, *entries)}' {ROLE} manifest")
        assert message in caught.value.diag.message_primary
    with pytest.raises(psycopg.Error, match="Problem reading manifest file"):
        lake.execute(f"copy t from '{missing}' {ROLE} manifest")
    with pytest.raises(psycopg.Error, match="Manifest file is not in correct json format"):
        lake.execute(f"copy t from '{one}' {ROLE} manifest")


def test_manifests_of_parquet_need_sizes(lake):
    lake.table("a int")
    content = written(pa.table({"a": pa.array([1], pa.int32())}))
    file = lake.put(content) + "1"
    with pytest.raises(psycopg.Error, match="content_length"):
        lake.execute(f"copy t from '{manifest(lake, {'url': file})}' {ROLE} manifest parquet")
    listed = manifest(lake, {"url": file, "meta": {"content_length": len(content)}})
    lake.execute(f"copy t from '{listed}' {ROLE} manifest parquet")
    assert lake.rows() == [(1,)]


def test_parquet_ignores_hidden_files(lake):
    lake.table("a int")
    place = lake.put(written(pa.table({"a": pa.array([1], pa.int32())})), "part.parquet")
    lake.bucket.put(lake.key(place) + "_SUCCESS", b"done")
    lake.execute(f"copy t from '{place}' {ROLE} parquet")
    assert lake.rows() == [(1,)]
