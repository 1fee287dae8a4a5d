"""The contract's one promise: every row comes out again, accepted in its declared types or rejected with a reason."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Literal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion.contract import MAX_PAYLOAD_BYTES, AtLeast, Contract, MaxBytes, Notation, Numeric, Row, storable


class Everything(Row):
    """One column of each kind."""

    key: Annotated[str, MaxBytes(5)]
    amount: Annotated[Decimal, Numeric(6, 2)] | None
    count: Annotated[int, AtLeast(0)] | None
    share: float | None
    happened_on: date | None
    happened_at: datetime | None
    good: bool | None
    kind: Literal["a", "bb"] | None


CONTRACT = Contract.of(Everything)
NORDIC = Notation(decimal_mark=",", day_first=True, blank_is_null=True)
COLUMNS = [column.name for column in CONTRACT.columns]


def check(notation=None, **columns):
    columns.setdefault("key", ["k"] * len(next(iter(columns.values()))))
    table = pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})
    rows = pa.array(range(1, len(table) + 1), pa.int64())
    return CONTRACT.check(table, rows, notation) if notation else CONTRACT.check(table, rows)


@pytest.mark.parametrize(
    ("column", "text", "value"),
    [
        ("amount", "1234.50", Decimal("1234.50")),
        ("amount", "-0.05", Decimal("-0.05")),
        ("amount", "7", Decimal("7.00")),
        ("count", "0", 0),
        ("count", "999999999999999999", 999999999999999999),
        ("share", "1e-3", 0.001),
        ("happened_on", "2024-02-29", date(2024, 2, 29)),
        ("happened_at", "2026-03-01T10:00:00+02:00", datetime(2026, 3, 1, 8, tzinfo=UTC)),
        ("happened_at", "2026-03-01 10:00:00.123456Z", datetime(2026, 3, 1, 10, 0, 0, 123456, tzinfo=UTC)),
        ("good", "True", True),
        ("good", "false", False),
        ("kind", "bb", "bb"),
        ("key", "äö", "äö"),
    ],
)
def test_text_becomes_the_declared_type(column, text, value):
    checked = check(**{column: [text]})
    assert checked.accepted.column(column).to_pylist() == [value]
    assert not checked.rejected


@pytest.mark.parametrize(
    ("column", "text", "rule", "reason"),
    [
        (
            "amount",
            "12.345",
            "amount:type",
            "amount '12.345' is not a decimal number of at most 4 digits before and 2 after the point",
        ),
        ("amount", "12345.00", "amount:type", "at most 4 digits before and 2 after"),
        ("amount", "12,50", "amount:type", "is not a decimal number"),
        ("amount", "NaN", "amount:type", "is not a decimal number"),
        ("count", "1.0", "count:type", "count '1.0' is not a whole number"),
        ("count", "0x1F", "count:type", "is not a whole number"),
        ("count", " 1", "count:type", "is not a whole number"),
        ("count", "-1", "count:range", "count '-1' is less than 0"),
        ("share", "inf", "share:type", "is not a number"),
        ("happened_on", "2023-02-29", "happened_on:type", "happened_on '2023-02-29' is not a date"),
        ("happened_on", "1.2.2023", "happened_on:type", "is not a date"),
        ("happened_at", "2026-03-01T10:00:00", "happened_at:type", "is not a time with a zone"),
        ("happened_at", "2026-03-01T25:00:00Z", "happened_at:type", "is not a time with a zone"),
        ("good", "yes", "good:type", "good 'yes' is not true or false"),
        ("kind", "c", "kind:one_of", "kind 'c' is not one of a, bb"),
        ("key", None, "key:required", "key is missing"),
        ("key", "äöå", "key:length", "key 'äöå' is longer than 5 bytes"),
        ("key", "a\x00b", "key:nul", "contains a NUL byte"),
    ],
)
def test_a_broken_rule_is_named_with_its_value(column, text, rule, reason):
    checked = check(**{column: [text]})
    assert len(checked.accepted) == 0
    (rejection,) = checked.rejected
    assert rejection.rule == rule
    assert reason in rejection.reason
    assert column in json.loads(rejection.payload)


def test_nordic_notation():
    checked = check(NORDIC, amount=["1234,50", "1.5", " "], happened_on=["31.12.2025", "30.02.2025", ""])
    assert checked.accepted.column("amount").to_pylist() == [Decimal("1234.50"), None]
    assert checked.accepted.column("happened_on").to_pylist() == [date(2025, 12, 31), None]
    (rejection,) = checked.rejected
    assert rejection.row == 2
    assert "'1.5'" in rejection.reason, "a point is no decimal mark where the comma is"
    assert "'30.02.2025'" in rejection.reason, "every broken rule of a row is told"


def test_a_column_that_is_missing_is_null_if_it_may_be_and_a_fault_if_not():
    table = pa.table({"amount": pa.array(["1.00"])})
    checked = CONTRACT.check(table, pa.array([1], pa.int64()))
    assert [rejection.rule for rejection in checked.rejected] == ["key:required"]


def test_a_new_column_lands_as_text_and_is_reported():
    checked = check(key=["k"], surprise=["42"])
    assert checked.new_columns == ("surprise",)
    assert checked.accepted.column_names == [*COLUMNS, "surprise"]
    assert checked.accepted.column("surprise").to_pylist() == ["42"]


def test_a_nul_is_refused_in_new_columns_too_and_kept_in_a_form_that_can_be_stored():
    checked = check(key=["a", "b"], surprise=["x\x00y", "z"])
    assert checked.accepted.column("key").to_pylist() == ["b"]
    (rejection,) = checked.rejected
    assert rejection.rule == "surprise:nul"
    assert json.loads(rejection.payload) == {"key": "a", "surprise": "x\ufffdy"}


def test_what_is_kept_of_a_row_fits_into_a_varchar():
    payload = check(key=["ä" * 50_000]).rejected[0].payload
    assert MAX_PAYLOAD_BYTES - 2 < len(payload.encode()) <= MAX_PAYLOAD_BYTES
    assert storable("a\x00b") == "a\ufffdb"


def test_typed_columns_are_cast_only_without_loss():
    table = pa.table(
        {
            "key": pa.array(["a", "b"]).dictionary_encode(),
            "amount": pa.array([Decimal("1.500"), Decimal("1.005")]),
            "count": pa.array([1, 2], pa.int32()),
            "happened_at": pa.array([datetime(2026, 1, 1, tzinfo=UTC)] * 2, pa.timestamp("ms", "Europe/Helsinki")),
        }
    )
    checked = CONTRACT.check(table, pa.array([1, 2], pa.int64()))
    assert checked.accepted.column("amount").to_pylist() == [Decimal("1.50")]
    assert checked.accepted.column("happened_at").to_pylist() == [datetime(2026, 1, 1, tzinfo=UTC)]
    assert "1.005" in checked.rejected[0].reason


def test_a_typed_time_without_a_zone_is_not_taken_for_utc():
    table = pa.table({"key": ["a"], "happened_at": pa.array([datetime(2026, 1, 1)], pa.timestamp("us"))})
    (rejection,) = CONTRACT.check(table, pa.array([1], pa.int64())).rejected
    assert "is not a time with a zone" in rejection.reason


def test_hints_carry_length_scale_and_nullability():
    assert CONTRACT.dlt_columns()[:3] == [
        {"name": "key", "nullable": False, "data_type": "text", "precision": 5},
        {"name": "amount", "nullable": True, "data_type": "decimal", "precision": 6, "scale": 2},
        {"name": "count", "nullable": True, "data_type": "bigint"},
    ]


def test_an_undeclarable_type_is_a_programming_error():
    class Odd(Row):
        amount: Decimal

    with pytest.raises(TypeError, match="decimals need Numeric"):
        Contract.of(Odd)


texts = st.one_of(
    st.none(),
    st.text(max_size=12),
    st.sampled_from(
        ["", " ", "1", "-1", "1.25", "2024-02-30", "2024-02-29", "2024-02-29T10:00:00Z", "true", "a", "bb"]
    ),
)


@given(st.lists(st.tuples(*[texts] * len(COLUMNS)), min_size=1, max_size=20), st.sampled_from([Notation(), NORDIC]))
def test_no_row_is_lost_whatever_comes(records, notation):
    table = pa.table(
        {name: pa.array(values, pa.string()) for name, values in zip(COLUMNS, zip(*records, strict=True), strict=True)}
    )
    rows = pa.array(range(1, len(table) + 1), pa.int64())
    checked = CONTRACT.check(table, rows, notation)
    told = [rejection.row for rejection in checked.rejected]
    assert sorted([*checked.rows.to_pylist(), *told]) == rows.to_pylist()
    assert checked.accepted.schema.names == COLUMNS
    assert all(rejection.reason for rejection in checked.rejected)
    assert all(key is not None and len(key.encode()) <= 5 for key in checked.accepted.column("key").to_pylist())
