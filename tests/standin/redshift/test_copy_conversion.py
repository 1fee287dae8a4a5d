"""Columns that are converted at once come out as if each value had been looked at by itself."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from standin.redshift.s3 import conversion, values
from standin.redshift.s3.blocks import cut_escaped_lines, cut_quoted_lines, whole_records, without_lines
from standin.redshift.s3.columns import Column
from standin.redshift.s3.commands import CopyOptions
from standin.redshift.s3.delimited import Block, TextReader
from standin.redshift.s3.objects import as_field, by_arrow, picker, read_json

COLUMNS = [
    Column("a", "int2"),
    Column("a", "int8", not_null=True),
    Column("a", "numeric", (9 << 16 | 2) + 4),
    Column("a", "numeric", (38 << 16 | 0) + 4),
    Column("a", "float4"),
    Column("a", "float8"),
    Column("a", "bool"),
    Column("a", "date"),
    Column("a", "time"),
    Column("a", "timestamp"),
    Column("a", "timestamptz"),
    Column("a", "varchar", 9),
    Column("a", "bpchar", 9),
    Column("a", "text", not_null=True),
]
DIGITS = st.text("0123456789+-.eExX_ ", max_size=8)
WORDS = st.sampled_from(
    ["", " ", "  ", "t", "F", "TRUE", "no", "nan", "inf", "-Infinity", r"\N", "NULL", "é", "ääkkö", "abcdef", "0x1F",
     "32768", "9" * 40, "1e400", "3.5e38", "-0", "1.005", "99999999.99", "9999999.999", "24:00:00", "5:06",
     "05:06:07.1234567"]
)  # fmt: skip
TIMES = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(
        ["2026-03-04", "2026-3-4", "0001-01-01", "9999-12-31", "2026-02-30", "20260304", "J2461104", "04/03/2026"]
    ),
    st.sampled_from(["", " ", "T", "  "]),
    st.sampled_from(["", "05:06", "05:06:07", "5:06:07", "05:06:07.5", "05:06:07.1234567", "25:00:00", "05"]),
    st.sampled_from(["", "Z", "+02", " +0200", "-08:00", " PST", "x"]),
)
FIELDS = st.lists(
    (DIGITS | WORDS | TIMES).map(str.encode) | st.binary(max_size=3).filter(lambda raw: b"\0" not in raw), max_size=4
)
OPTIONS = st.builds(
    CopyOptions,
    blanks_as_null=st.booleans(),
    empty_as_null=st.booleans(),
    trim_blanks=st.booleans(),
    truncate_columns=st.booleans(),
    round_decimals=st.booleans(),
    accept_any_date=st.booleans(),
    accept_invalid_chars=st.sampled_from([None, "?"]),
    null_as=st.sampled_from([None, "", "NULL"]),
    date_format=st.sampled_from([None, "auto", "YYYY-MM-DD", "DD/MM/YYYY"]),
    time_format=st.sampled_from([None, "auto", "YYYY-MM-DD HH:MI:SS"]),
)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.sampled_from(COLUMNS), OPTIONS, FIELDS)
def test_at_once_and_one_by_one_agree(column, options, fields):
    found, bad = conversion.convert_text(pa.array(fields, pa.binary()), column, options)
    null = r"\N" if options.null_as is None else options.null_as
    expected, refused = [], []
    for row, raw in enumerate(fields):
        try:
            text = values.decode(raw, column, options)
            expected.append(values.convert(None if text == null else text, column, options))
        except values.BadValueError as error:
            refused.append((row, error.code, error.reason))
            expected.append(None)
    assert [tuple(each) for each in bad] == refused
    assert repr(found.to_pylist()) == repr(pa.array(expected, column.arrow()).to_pylist())


# a value as JSON writes it, and what no JSON is
WRITTEN = st.one_of(
    st.sampled_from(
        ["null", "true", "false", "1", "-0", "1.5", "1e2", "12.345", "99999", "9223372036854775808", "1e999", "NaN",
         "01", "-Infinity", '""', '"x"', '"true"', '"1"', '"1.5"', '"2026-03-04"', '"2026-03-04T05:06:07Z"', '"05:06"',
         r'"\u00e9"', r'"\ud800"', r'"\u0000"', r'"a\tb"', '"a\tb"', r'"\/"', '"NULL"', "{}", "[1]", '{"a": 1}', "nope"]
    ),
    st.integers(-(10**6), 10**6).map(str),
    st.decimals(-(10**6), 10**6, places=3).map(str),
)  # fmt: skip
MEMBERS = st.lists(st.tuples(st.sampled_from(["a", "a", "a", "A", "z"]), WRITTEN), max_size=2)
LINES = st.one_of(
    MEMBERS.map(lambda found: "{" + ", ".join(f'"{name}": {value}' for name, value in found) + "}"),
    st.sampled_from(["", "[1]", "1", '{"a": 1', '{"a":\n1}', "{} {}", ' {"a" : 1 } ', '{"é": "é"}', "{}\r"]),
)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.sampled_from(COLUMNS), OPTIONS, st.lists(LINES, max_size=3))
def test_json_that_arrow_reads_is_what_we_read(column, options, lines):
    content = "\n".join([*lines, ""]).encode()
    read = by_arrow(content, [column])
    done = conversion.convert_typed(read[0], column, options) if read else None
    if done is None:
        return
    items = [item for batch in read_json(iter([content]), "file", lambda _: None) for item in batch]
    assert [item.fault for item in items] == [None] * len(items)
    pick = picker([column], None, "auto")
    fields = [as_field(pick(item.value)[0], column, epochs=False) for item in items]
    expected, bad = conversion.convert_objects(fields, column, options)
    assert (bad, done.type) == ([], expected.type)
    assert repr(done.to_pylist()) == repr(expected.to_pylist())


def test_plain_json_is_read_at_once():
    lines = [f'{{"n": {n}, "b": "x", "a": {n}.25, "z": [1]}}' for n in range(3)]
    columns = [
        Column("n", "int4"),
        Column("a", "numeric", (9 << 16 | 2) + 4),
        Column("b", "varchar", 9),
        Column("c", "bool"),
    ]
    found = by_arrow("\n".join([*lines, ""]).encode(), columns)
    assert found is not None
    assert [[str(value) for value in column.to_pylist()] for column in found] == [
        ["0", "1", "2"], ["0.25", "1.25", "2.25"], ["x"] * 3, ["None"] * 3,
    ]  # fmt: skip


NATIVE = st.lists(
    st.one_of(st.none(), st.booleans(), st.integers(-40000, 40000), st.floats(), st.text(max_size=4)), max_size=3
)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.sampled_from(COLUMNS), OPTIONS, NATIVE)
def test_values_put_in_as_they_are_are_those_that_text_would_give(column, options, found):
    done = conversion.convert_native(found, column, options)
    if done is not None:
        fields = [as_field(value, column, epochs=False) for value in found]
        expected, bad = conversion.convert_objects(fields, column, options)
        assert (bad, done.type) == ([], expected.type)
        assert repr(done.to_pylist()) == repr(expected.to_pylist())


# ----------------------------------------------------------------------------------------------------- reading of text

CONTENT = st.text("ab,|\"'\\\n\r é", max_size=40).map(str.encode)
READERS = [
    CopyOptions(format="csv"),
    CopyOptions(format="csv", quote="'", delimiter="|"),
    CopyOptions(),
    CopyOptions(delimiter=","),
    CopyOptions(ignore_blank_lines=True),
    CopyOptions(escape=True),
    CopyOptions(remove_quotes=True, escape=True),
    CopyOptions(fill_record=True),
]


@settings(max_examples=150, deadline=None, derandomize=True)
@given(st.sampled_from(READERS), st.integers(1, 3), CONTENT)
def test_blocks_read_at_once_hold_the_same_fields(options, width, content):
    reader = TextReader(options, width)
    records = [record for record in reader.records(content, 1) if not record.fault]
    block = Block(reader, content, 1)
    found = [column.to_pylist() for column in block.columns]
    assert [list(row) for row in zip(*found, strict=True)] == [record.fields for record in records]
    rows = range(len(records))
    assert {row: record.raw for row, record in block.located(rows).items()} == {row: records[row].raw for row in rows}
    assert [block.located([row])[row].line for row in rows] == [record.line for record in records]


@settings(deadline=None, derandomize=True)
@given(st.sampled_from(READERS), st.lists(CONTENT, max_size=5))
def test_cutting_into_blocks_loses_nothing(options, pieces):
    cut = cut_quoted_lines(b'"') if options.format == "csv" else cut_escaped_lines
    assert b"".join(whole_records(iter(pieces), cut, "file")) == b"".join(pieces)


@settings(deadline=None, derandomize=True)
@given(st.lists(CONTENT, max_size=5), st.integers(0, 4))
def test_header_lines_are_left_out_wherever_the_pieces_break(pieces, count):
    lines = b"".join(pieces).split(b"\n")
    assert b"".join(without_lines(iter(pieces), count)) == b"\n".join(lines[count:])


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_json_that_spans_lines_and_blocks(size):
    content = '{"a": 1}\n{"b":\n [1.50, "x\\ny é"]}  {"c": {}}\n\n[1]\n{"d": nope}\n{"e": 2'.encode()
    pieces = (content[at : at + size] for at in range(0, len(content), size))
    items = [item for batch in read_json(pieces, "file", lambda _: None) for item in batch]
    assert [(item.line, item.value, item.fault) for item in items] == [
        (1, {"a": "1"}, None),
        (2, {"b": ["1.50", "x\ny é"]}, None),
        (3, {"c": {}}, None),
        (5, ["1"], None),
        (6, None, "Invalid JSON format: Expecting value"),
        (7, None, "Invalid JSON format: the object has no end"),
    ]
