"""Any file lands, with a contract that is inferred once and frozen."""

import gzip
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from small_operator import target_of

from ingestion.errors import IngestError
from ingestion.run import run

REAL_FILES = Path(__file__).parents[3] / "shared" / "data"
needs_real_files = pytest.mark.skipif(
    not REAL_FILES.is_dir(), reason="the public data files are not beside the project; nothing of them is proven here"
)


@pytest.fixture
def target(warehouse):
    return target_of(warehouse)


def query(target, sql):
    with target.connect() as connection:
        return connection.execute(sql).fetchall()


def types(target, table):
    found = query(
        target,
        f"select column_name, data_type from raw_files._contracts where resource = '{table}' order by position",
    )
    return dict(found)


def test_types_are_inferred_from_the_whole_file(target, tmp_path):
    (path := tmp_path / "Mixed Bag.csv").write_text(
        "n;amount;share;on;at;good;phone;note;void\n"
        "1;2.50;1e-3;2026-01-31;2026-01-31T10:00:00Z;true;0401234567;a;\n"
        "-2; ;0.5;2026-02-01;2026-01-31T10:00:00+02:00;FALSE;0407654321;7;\n"
    )
    run("files", target, paths=[path])
    assert types(target, "mixed_bag") == {
        "n": "bigint",
        "amount": "decimal",
        "share": "double",
        "on": "date",
        "at": "timestamp",
        "good": "bool",
        # a leading zero: an identifier
        "phone": "text",
        "note": "text",
        "void": "text",
    }
    assert query(target, 'select n, amount, "on", at, good, phone, void from raw_files.mixed_bag order by n desc') == [
        (1, Decimal("2.5"), date(2026, 1, 31), datetime(2026, 1, 31, 10, tzinfo=UTC), True, "0401234567", None),
        (-2, None, date(2026, 2, 1), datetime(2026, 1, 31, 8, tzinfo=UTC), False, "0407654321", None),
    ]


def test_a_later_file_is_held_against_the_frozen_contract(target, tmp_path):
    (path := tmp_path / "readings.csv").write_text("n,value\n1,10\n2,20\n")
    run("files", target, paths=[path])
    path.write_text("n,value,unit\n1,10,kWh\n2,20.5,kWh\n3,30,kWh\n")
    report = run("files", target, paths=[path]).resources[0]
    assert (report.fetched, report.landed, report.rejected, report.new_columns) == (3, 2, 1, ["unit"])
    assert types(target, "readings") == {"n": "bigint", "value": "bigint"}
    (reason,) = query(target, "select reason from raw_files._quarantine")
    assert reason == ("value '20.5' is not a whole number",)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("t.jsonl", b'{"n": 1, "name": "a"}\n{"n": 2, "name": null}\n'),
        ("t.jsonl.gz", gzip.compress(b'{"n": 1, "name": "a"}\n{"n": 2}\n')),
        ("t.csv.gz", gzip.compress(b"n,name\n1,a\n2,\n")),
        ("t.csv", b"n\tname\n1\ta\n2\t\n"),
    ],
    ids=["jsonl", "jsonl.gz", "csv.gz", "tab-separated"],
)
def test_kinds_of_files(target, tmp_path, name, content):
    (path := tmp_path / name).write_bytes(content)
    run("files", target, paths=[path])
    assert query(target, "select n, name from raw_files.t order by n") == [(1, "a"), (2, None)]


def test_parquet_keeps_its_types(target, tmp_path):
    pq.write_table(pa.table({"n": [1], "share": [0.25], "text": ["x"]}), tmp_path / "t.parquet")
    run("files", target, paths=[tmp_path / "t.parquet"])
    assert types(target, "t") == {"n": "bigint", "share": "double", "text": "text"}


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["missing.csv"], "is no file"),
        (["a.xlsx"], "a file is .csv"),
        (["a.csv", "a.jsonl"], "would both land in raw_files.a"),
        ([], "--path FILE"),
    ],
)
def test_what_cannot_be_landed_is_told(target, tmp_path, names, message):
    for name in ("a.xlsx", "a.csv", "a.jsonl"):
        (tmp_path / name).write_text('{"a": 1}\n' * 2)
    with pytest.raises(IngestError, match=message):
        run("files", target, paths=[tmp_path / name for name in names])


@needs_real_files
def test_the_public_churn_file(target):
    """IBM's sample: 7,043 customers of whom 1,869 left; 11 have not been billed yet, and say so with a blank."""
    path = REAL_FILES / "telco_churn" / "Telco-Customer-Churn.csv"
    report = run("files", target, paths=[path]).resources[0]
    assert (report.fetched, report.landed, report.rejected) == (7043, 7043, 0)
    assert query(
        target,
        "select count(*), count(*) filter (where churn = 'Yes'), count(*) filter (where total_charges is null),"
        " min(tenure) filter (where total_charges is null), max(tenure) filter (where total_charges is null)"
        " from raw_files.telco_customer_churn",
    ) == [(7043, 1869, 11, 0, 0)]


@needs_real_files
def test_the_real_phone_bill(target):
    report = run("files", target, paths=[REAL_FILES / "phone_usage" / "phone_data.csv"]).resources[0]
    assert (report.landed, report.rejected) == (830, 0)
    assert types(target, "phone_data")["duration"] == "decimal"
