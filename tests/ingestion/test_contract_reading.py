"""Reading text: what a value is does not depend on its neighbours, its batch or its place in memory."""

from datetime import date, datetime, time
from decimal import Decimal
from typing import Annotated

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingestion.contract import ISO, Bits, Contract, Notation, Numeric, Row

NORDIC = Notation(decimal_mark=",", day_first=True, blank_is_null=True)
KINDS = {
    "int": int,
    "small": Annotated[int, Bits(16)],
    "decimal": Annotated[Decimal, Numeric(6, 2)],
    "whole_decimal": Annotated[Decimal, Numeric(5, 0)],
    "double": float,
    "bool": bool,
    "date": date,
    "timestamp": datetime,
    "time": time,
    "object": dict,
    "array": list,
    "text": str,
}
CONTRACTS = {
    kind: Contract.of(type(kind, (Row,), {"__annotations__": {"value": hint | None}})) for kind, hint in KINDS.items()
}
NEVER = "\ufdd0"
"""A value of no kind but text."""


def accepted(kind, texts, notation=ISO):
    """The value of each accepted text, by its position."""
    table = pa.table({"value": pa.array(texts, pa.string())})
    checked = CONTRACTS[kind].check(table, pa.array(range(len(texts)), pa.int64()), notation)
    assert sorted([*checked.rows.to_pylist(), *(r.row for r in checked.rejected)]) == list(range(len(texts)))
    return dict(zip(checked.rows.to_pylist(), checked.accepted.column("value").to_pylist(), strict=True))


letters = st.text(alphabet='0123456789+-.,:TZeExX tfrualse_{}[]"\n\x00ä٣', max_size=12)
CLOSE_CALLS = """
1 -0 +1 007 9223372036854775807 9223372036854775808 32767 -32769 0x1F 1e5 1E-2
1. .5 1.20 1.2000 1.201 9999.99 10000 -.0 NaN inf 1e400 1,5 1.5,2 1,2,3 true FALSE 0
2024-02-29 2023-02-29 0000-01-01 29.02.2024 29.02.2023 2.2.2024 10:00 10:00:00.1 1000
2024-02-29T10Z 2024-02-29T10:00:00.123456-0230 2024-02-30T10:00:00Z 2024-02-29T10:00:60Z
2024-02-29T10:00:00 2024-02-29T10:00:00.1234567Z 0001-01-01T00:00:00+02
{"a":1 "b":2} {"a":1} [1 2] 3,4,5 [[]] {} null
"""
close_calls = st.sampled_from([*CLOSE_CALLS.split(), "2024-02-29 10:00+02", " {} ", "", " ", "\u00a0"])
values = st.one_of(st.none(), close_calls, letters)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25)
@given(texts=st.lists(values, min_size=1, max_size=12), notation=st.sampled_from([ISO, NORDIC]))
def test_a_value_is_the_same_whatever_stands_beside_it(kind, texts, notation):
    alone = [accepted(kind, [text], notation) for text in texts]
    together = accepted(kind, texts, notation)
    beside_a_bad_one = accepted(kind, [*texts, NEVER], notation)
    for position, one in enumerate(alone):
        assert list(one.values()) == ([together[position]] if position in together else [])
        assert (position in beside_a_bad_one) == (0 in one)
        if one:
            assert beside_a_bad_one[position] == one[0]


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25)
@given(texts=st.lists(values, min_size=3, max_size=12))
def test_a_slice_of_a_column_reads_like_the_column(kind, texts):
    whole = pa.table({"value": pa.array(texts, pa.string())})
    part = whole.slice(1, len(texts) - 2)
    rows = pa.array(range(1, len(texts) - 1), pa.int64())
    checked = CONTRACTS[kind].check(part, rows, NORDIC)
    expected = accepted(kind, texts, NORDIC)
    found = dict(zip(checked.rows.to_pylist(), checked.accepted.column("value").to_pylist(), strict=True))
    assert found == {row: value for row, value in expected.items() if 1 <= row < len(texts) - 1}


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (
            "int",
            ["0", "-5", "007", "9223372036854775807"],
            ["+1", "0x1F", "0X1f", "1e3", "1_0", "٣", "9223372036854775808"],
        ),
        ("decimal", ["1.", ".5", "1.500", "0001.5", "+2"], ["1e2", "12.345", "10000", "NaN", "", ".", "1 "]),
        ("whole_decimal", ["5", "5.", "5.000", "99999"], ["5.1", "100000"]),
        ("double", [".5", "5.", "1e-3", "+1"], ["nan", "inf", "Infinity", "1e400", "0x1p3", "1d", "."]),
        ("bool", ["true", "FALSE", "True"], ["1", "0", "t", "yes", ""]),
        ("date", ["2024-02-29", "9999-12-31"], ["2023-02-29", "2024-2-9", "20240229", "0000-01-01", "2024-02-29T00"]),
        (
            "timestamp",
            ["2024-02-29T10Z", "2024-02-29 10:00+02", "2024-02-29T10:00:00.1-0330"],
            ["2024-02-29T10:00:00", "2024-02-29", "2024-02-29T24:00:00Z", "2024-02-29T10:00:00.1234567Z"],
        ),
    ],
)
def test_what_is_read_and_what_is_not(kind, good, bad):
    assert list(accepted(kind, good + bad)) == list(range(len(good)))


def test_day_first_dates_are_turned_in_place():
    texts = ["31.12.2025", None, "01.02.2003"]
    assert accepted("date", texts, NORDIC) == {0: date(2025, 12, 31), 1: None, 2: date(2003, 2, 1)}
    assert accepted("date", [*texts, "2025-12-31"], NORDIC).keys() == {0, 1, 2}


def test_blank_text_is_null_where_the_notation_says_so():
    assert accepted("text", ["a", " ", ""], NORDIC) == {0: "a", 1: None, 2: None}
    assert accepted("text", ["a", " ", ""]) == {0: "a", 1: " ", 2: ""}


def _strings(*values):
    """A string column whose bytes nobody has looked at, as a Parquet file may hold one."""
    return pa.table({"value": pa.Array.from_buffers(pa.string(), len(values), pa.array(values, pa.binary()).buffers())})


def test_text_that_is_no_utf8_is_quarantined_row_by_row():
    table = _strings(b"good", b"b\xe4d", b"\xff", "hyvä".encode())
    checked = CONTRACTS["text"].check(table, pa.array([1, 2, 3, 4], pa.int64()))
    assert checked.accepted.column("value").to_pylist() == ["good", "hyvä"]
    assert [(r.row, r.rule) for r in checked.rejected] == [(2, "value:encoding"), (3, "value:encoding")]
    assert checked.rejected[0].reason == "value 'b\ufffdd' is not in UTF-8"
    assert checked.rejected[0].payload == '{"value":"b\ufffdd"}'


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "text"])
@pytest.mark.parametrize("notation", [ISO, NORDIC])
def test_bytes_that_are_no_utf8_are_no_value_of_any_kind(kind, notation):
    checked = CONTRACTS[kind].check(_strings(b"\xff1.5", b"\xe4", b"", b"12.\xff"), pa.array([1, 2, 3, 4]), notation)
    assert [r.row for r in checked.rejected if r.rule == "value:encoding"] == [1, 2, 4]


def test_blanks_are_found_beside_bytes_that_are_no_utf8():
    checked = CONTRACTS["text"].check(_strings(b"\xff", b" ", b"a"), pa.array([1, 2, 3]), NORDIC)
    assert checked.accepted.column("value").to_pylist() == [None, "a"]
    assert [r.rule for r in checked.rejected] == ["value:encoding"]


@pytest.mark.parametrize(
    ("kind", "column", "quoted"),
    [
        ("date", pa.array([-719_163, 0], pa.int32()).view(pa.date32()), "0000-12-31"),
        ("timestamp", pa.array([1 << 60, 0], pa.int64()).view(pa.timestamp("us", "UTC")), "06.846976Z"),
        ("timestamp", pa.array([1, 0], pa.int64()).view(pa.timestamp("ns", "UTC")), "1970-01-01 00:00:00.000000001Z"),
    ],
)
def test_typed_dates_that_python_cannot_show_are_quarantined_not_fatal(kind, column, quoted):
    checked = CONTRACTS[kind].check(pa.table({"value": column}), pa.array([1, 2], pa.int64()))
    (rejection,) = checked.rejected
    assert (rejection.row, rejection.rule) == (1, "value:type")
    assert quoted in rejection.reason
    assert quoted in rejection.payload
    assert len(checked.accepted) == 1


@pytest.mark.parametrize(
    "column",
    [
        pa.array(["1", "2"], pa.large_string()),
        pa.array(["1", "2"], pa.string_view()),
        pa.array([b"1", b"2"], pa.binary()),
        pa.array([b"1", b"2"], pa.binary(1)),
        pa.array(["1", "2"]).dictionary_encode(),
        pa.chunked_array([["1"], ["2"]]),
        pa.array([1, 2], pa.uint64()),
    ],
)
def test_whatever_arrow_calls_text(column):
    table = pa.table({"value": column})
    for kind, wanted in (("int", [1, 2]), ("text", ["1", "2"]), ("decimal", [Decimal("1.00"), Decimal("2.00")])):
        checked = CONTRACTS[kind].check(table, pa.array([1, 2], pa.int64()))
        assert checked.accepted.column("value").to_pylist() == wanted


def test_text_longer_than_any_varchar_is_quarantined_in_new_columns_too():
    table = pa.table({"value": ["a", "b" * 65_536], "new": ["c" * 65_536, "d"]})
    checked = CONTRACTS["text"].check(table, pa.array([1, 2], pa.int64()))
    assert [r.rule for r in checked.rejected] == ["new:length", "value:length"]
