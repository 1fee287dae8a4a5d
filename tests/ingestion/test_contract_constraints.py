"""Every constraint that a contract can be written in: what keeps it, what breaks it, and what is said then."""

import json
import re
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from ingestion.contract import (
    AtLeast,
    AtMost,
    Between,
    Bits,
    Contract,
    Field,
    MaxBytes,
    MinBytes,
    NotBlank,
    Numeric,
    Pattern,
    RequiredWhen,
    Row,
    Rule,
)


class Tariff(
    Row,
    key="tariff_id",
    rules=[
        Rule(
            "discount_needs_a_price",
            "there is a discount on no price",
            lambda tariff: pc.or_(pc.is_null(tariff["discount"]), pc.is_valid(tariff["price"])),
        )
    ],
):
    """What a service costs.

    The second paragraph is for programmers.
    """

    tariff_id: Annotated[str, MinBytes(2), MaxBytes(8), Pattern("[A-Z]+[0-9]*", "a tariff's code")]
    name: Annotated[str, NotBlank()] | None
    zone: Annotated[str, Pattern("[0-9]|x|")] | None
    level: Literal[1, 2, 3] | None
    slots: Annotated[int, Bits(16), Between(1, 400)] | None
    seconds: Annotated[int, Bits(32)] | None
    price: Annotated[Decimal, Numeric(8, 2), AtLeast(0), AtMost(Decimal("999.99"))] | None
    discount: Annotated[Decimal, Numeric(8, 2), AtMost(Field("price"))] | None
    factor: Annotated[float, AtLeast(0.5)] | None
    valid_from: Annotated[date, AtLeast(date(2000, 1, 1))] | None
    valid_to: Annotated[date, AtLeast(Field("valid_from"))] | None
    status: Literal["open", "closed", "gone"] | None
    closed_at: (
        Annotated[datetime, AtMost(datetime(2030, 1, 1, tzinfo=UTC)), RequiredWhen(status=("closed", "gone"))] | None
    )
    opens_at: time | None
    features: dict | None
    steps: list | None


CONTRACT = Contract.of(Tariff)


def check(**columns):
    columns = {name: [value] for name, value in {"tariff_id": "AB1", **columns}.items()}
    table = pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()})
    return CONTRACT.check(table, pa.array([1], pa.int64()))


@pytest.mark.parametrize(
    ("columns", "value"),
    [
        ({"tariff_id": "XY"}, "XY"),
        ({"name": " a "}, " a "),
        ({"zone": ""}, ""),
        ({"level": "3"}, 3),
        ({"slots": "400"}, 400),
        ({"seconds": "-2147483648"}, -(2**31)),
        ({"price": "0"}, Decimal("0.00")),
        ({"price": "999.99"}, Decimal("999.99")),
        ({"price": "2", "discount": "2"}, Decimal("2.00")),
        ({"factor": "0.5"}, 0.5),
        ({"valid_from": "2000-01-01"}, date(2000, 1, 1)),
        ({"valid_from": "2001-01-01", "valid_to": "2001-01-01"}, date(2001, 1, 1)),
        ({"valid_to": "1990-01-01"}, date(1990, 1, 1)),
        ({"status": "closed", "closed_at": "2029-12-31T23:00:00Z"}, datetime(2029, 12, 31, 23, tzinfo=UTC)),
        ({"status": "open"}, "open"),
        ({"opens_at": "08:30"}, time(8, 30)),
        ({"opens_at": "23:59:59.5"}, time(23, 59, 59, 500_000)),
        ({"features": '{"a": [1, {"b": null}]}'}, '{"a": [1, {"b": null}]}'),
        ({"features": r'{"path": "C:\\u0000"}'}, r'{"path": "C:\\u0000"}'),
        ({"steps": "[]"}, "[]"),
    ],
)
def test_a_row_that_keeps_the_constraint(columns, value):
    checked = check(**columns)
    assert not checked.rejected
    assert checked.accepted.column(list(columns)[-1]).to_pylist() == [value]


@pytest.mark.parametrize(
    ("columns", "rule", "reason"),
    [
        ({"tariff_id": "A"}, "tariff_id:length", "tariff_id 'A' is shorter than 2 bytes"),
        ({"tariff_id": "ABCDEFGHI"}, "tariff_id:length", "tariff_id 'ABCDEFGHI' is longer than 8 bytes"),
        ({"tariff_id": "AB-1"}, "tariff_id:pattern", "tariff_id 'AB-1' is not a tariff's code"),
        ({"tariff_id": "AB1\n"}, "tariff_id:pattern", r"tariff_id 'AB1\n' is not a tariff's code"),
        ({"name": " \u00a0"}, "name:blank", "is blank"),
        ({"name": ""}, "name:blank", "name '' is blank"),
        ({"zone": "12"}, "zone:pattern", "zone '12' is not of the form [0-9]|x|"),
        ({"level": "4"}, "level:one_of", "level '4' is not one of 1, 2, 3"),
        ({"level": "one"}, "level:type", "level 'one' is not a whole number"),
        ({"slots": "0"}, "slots:range", "slots '0' is less than 1"),
        ({"slots": "401"}, "slots:range", "slots '401' is more than 400"),
        ({"slots": "32768"}, "slots:type", "slots '32768' is not a whole number of at most 16 bits"),
        ({"seconds": "2147483648"}, "seconds:type", "is not a whole number of at most 32 bits"),
        ({"price": "-0.01"}, "price:range", "price '-0.01' is less than 0"),
        ({"price": "1000"}, "price:range", "price '1000.00' is more than 999.99"),
        ({"price": "2", "discount": "3"}, "discount:order", "discount '3.00' is more than price '2.00'"),
        ({"discount": "3"}, "row:discount_needs_a_price", "there is a discount on no price"),
        ({"factor": "0.4"}, "factor:range", "factor '0.4' is less than 0.5"),
        ({"valid_from": "1999-12-31"}, "valid_from:range", "valid_from '1999-12-31' is before 2000-01-01"),
        (
            {"valid_from": "2001-01-02", "valid_to": "2001-01-01"},
            "valid_to:order",
            "valid_to '2001-01-01' is before valid_from '2001-01-02'",
        ),
        ({"status": "gone"}, "closed_at:required", "closed_at is missing, and required when status is 'gone'"),
        ({"closed_at": "2030-01-01T00:00:01Z"}, "closed_at:range", "is after 2030-01-01 00:00:00+00:00"),
        ({"opens_at": "24:00"}, "opens_at:type", "opens_at '24:00' is not a time of day"),
        ({"opens_at": "8:00"}, "opens_at:type", "is not a time of day"),
        ({"opens_at": "08:00Z"}, "opens_at:type", "is not a time of day"),
        ({"features": "[]"}, "features:type", "features '[]' is not a JSON object"),
        ({"features": '{"a":1},{"b":2}'}, "features:type", "is not a JSON object"),
        ({"features": '{"a": NaN}'}, "features:type", "is not a JSON object"),
        ({"features": r'{"a": "\u0000"}'}, "features:nul", "contains a NUL byte"),
        ({"steps": '{"a": 1}'}, "steps:type", "is not a JSON array"),
    ],
)
def test_a_row_that_breaks_it_is_told_why(columns, rule, reason):
    checked = check(**columns)
    assert len(checked.accepted) == 0
    (rejection,) = checked.rejected
    assert rejection.rule == rule
    assert reason in rejection.reason
    assert json.loads(rejection.payload)["tariff_id"] == columns.get("tariff_id", "AB1")


def test_typed_columns_are_held_against_the_same_bounds():
    table = pa.table(
        {
            "tariff_id": ["AA", "BB", "CC", "DD"],
            "slots": pa.array([1, 70_000, 500, None], pa.int64()),
            "valid_from": pa.array([date(2020, 1, 1), None, date(2020, 1, 1), date(1990, 1, 1)]),
            "opens_at": pa.array([time(1), time(2), None, None], pa.time32("s")),
            "steps": pa.array([[{"a": 1}], [], None, []]),
        }
    )
    checked = CONTRACT.check(table, pa.array([10, 20, 30, 40], pa.int64()))
    assert [(r.row, r.rule) for r in checked.rejected] == [
        (20, "slots:type"),
        (30, "slots:range"),
        (40, "valid_from:range"),
    ]
    assert checked.accepted.select(["slots", "opens_at", "steps"]).to_pylist() == [
        {"slots": 1, "opens_at": time(1), "steps": '[{"a":1}]'}
    ]


def test_a_batch_of_good_rows_keeps_its_very_row_numbers():
    rows = pa.array([7, 9], pa.int64())
    checked = CONTRACT.check(pa.table({"tariff_id": ["AA", "BB"]}), rows)
    assert checked.rows is rows
    assert checked.accepted.schema == CONTRACT.schema()
    assert checked.rejected == []


def test_a_rule_whose_values_are_missing_is_kept():
    contract = Contract.of(
        type(
            "Pair",
            (Row,),
            {"__annotations__": {"low": int | None, "high": int | None}},
            rules=[Rule("ordered", "low is above high", lambda pair: pc.less_equal(pair["low"], pair["high"]))],
        )
    )
    table = pa.table({"low": [1, 5, None], "high": [2, 4, 1]})
    checked = contract.check(table, pa.array([1, 2, 3], pa.int64()))
    assert [(r.row, r.rule, r.reason) for r in checked.rejected] == [(2, "row:ordered", "low is above high")]


def test_a_rule_that_gives_no_boolean_column_is_a_programming_error():
    class Odd(Row, rules=[Rule("odd", "odd", lambda row: row["number"])]):
        number: int

    with pytest.raises(TypeError, match="the rule 'odd' must give a boolean array"):
        Contract.of(Odd).check(pa.table({"number": [1]}), pa.array([1], pa.int64()))


def test_a_contract_knows_its_key_and_what_a_row_is():
    assert CONTRACT.key == ("tariff_id",)
    assert CONTRACT.description == "What a service costs."

    class Provenance(Row):
        _source_uri: str

    more = CONTRACT.including(Provenance)
    assert (more.key, more.columns[-1].name) == (("tariff_id",), "_source_uri")


def test_the_contract_in_the_guide_is_one():
    guide = (Path(__file__).resolve().parents[2] / "docs" / "add-a-source.md").read_text("utf-8")
    names = {"enough": lambda point: pc.less_equal(point["spent"], point["earned"]), **globals()}
    exec(re.search(r"```python\n(.*?)```", guide, re.DOTALL)[1], names)  # noqa: S102 - our own page
    contract = Contract.of(names["Point"])
    assert contract.key == ("point_id",)
    row = {
        "point_id": "P1",
        "customer_id": "C",
        "status": "spent",
        "earned": "1",
        "spent": "2",
        "valid_from": "2026-01-01",
    }
    checked = contract.check(pa.Table.from_pylist([row]), pa.array([1], pa.int64()))
    assert checked.rejected[0].reason == (
        "spent_at is missing, and required when status is 'spent'; more is spent than was earned"
    )


def test_hints_carry_the_size_of_numbers_and_what_is_json():
    hints = {hint["name"]: hint for hint in CONTRACT.dlt_columns()}
    assert hints["slots"] == {"name": "slots", "nullable": True, "data_type": "bigint", "precision": 16}
    assert hints["seconds"]["precision"] == 32
    assert hints["status"]["precision"] == 50, "an enumeration has room for values to come"
    assert hints["level"] == {"name": "level", "nullable": True, "data_type": "bigint"}
    assert hints["opens_at"]["data_type"] == "time"
    assert {hints[name]["data_type"] for name in ("features", "steps")} == {"json"}


@pytest.mark.parametrize(
    ("annotations", "words", "told"),
    [
        ({"a": Annotated[int, MaxBytes(3)]}, {}, "says nothing about a int"),
        ({"a": Annotated[str, AtLeast(1)]}, {}, "says nothing about a str"),
        ({"a": Annotated[str, Numeric(3, 1)]}, {}, "says nothing about a str"),
        ({"a": Annotated[Literal["x"], MaxBytes(3)]}, {}, "says nothing that Literal does not"),
        ({"a": Annotated[int, Bits(24)]}, {}, "Bits of 16, 32 or 64"),
        ({"a": Annotated[Decimal, Numeric(39, 2)]}, {}, "no precision of at most 38 digits"),
        ({"a": Annotated[Decimal, Numeric(3, 4)]}, {}, "with a scale within it"),
        ({"a": Annotated[date, AtLeast(3)]}, {}, "3 is no bound for a date"),
        ({"a": Annotated[datetime, AtLeast(datetime(2026, 1, 1))]}, {}, "has no time zone"),
        ({"a": Annotated[int, AtLeast(Field("b"))]}, {}, "a is compared with b, which is not declared"),
        ({"a": Annotated[int, AtLeast(Field("b"))], "b": date}, {}, "which is of another type"),
        ({"a": Annotated[str, RequiredWhen(b=1)] | None}, {}, "a is required by b, which is not declared"),
        ({"a": Annotated[str, RequiredWhen(b=1)], "b": int}, {}, "RequiredWhen is for columns that may be null"),
        ({"a": Annotated[str, Pattern("(?=x)")]}, {}, "is no pattern of RE2"),
        ({"a": int | str}, {}, "one type, or one type and None"),
        ({"a": complex}, {}, "is no type that a contract knows"),
        ({"a": int}, {"key": "b"}, "the key column b is not declared"),
        ({"a": int | None}, {"key": ("a",)}, "the key column a may be null"),
    ],
)
def test_a_declaration_that_contradicts_itself_is_a_programming_error(annotations, words, told):
    row = type("Odd", (Row,), {"__annotations__": annotations}, **words)
    with pytest.raises(TypeError, match=told):
        Contract.of(row)
