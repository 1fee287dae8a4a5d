"""What is too old goes, a relation at a time, with a receipt; on both engines, killed or not."""

import csv
import os
import subprocess
import sys
from datetime import date, datetime
from typing import Annotated

import pytest
from small_operator import target_of

from ingestion.contract import Contract, MaxBytes, Row
from ingestion.delivery import Request, Resource, Source
from ingestion.errors import IngestError, RunInProgressError
from ingestion.formats.csv import Csv
from ingestion.landing import land
from ingestion.ledger import run_lock
from ingestion.privacy.retention import expire
from ingestion.transports.local import LocalFiles
from ingestion.warehouse import Staging

TODAY = date(2026, 10, 31)


class Sale(Row, key="sale_id"):
    """What was sold on a day."""

    sale_id: int
    sold_on: date


class SaleItem(Row, key="item_id"):
    """A part of a sale, without a day of its own."""

    item_id: int
    sale_id: int


class Call(Row, key="call_id"):
    """Somebody called at a time."""

    call_id: int
    called_at: datetime | None
    number: Annotated[str, MaxBytes(20)]


FILES = {
    "sales": [("sale_id", "sold_on"), (1, "2020-01-01"), (2, "2026-07-22"), (3, "2026-07-23"), (4, "2026-10-31")],
    "sale_items": [("item_id", "sale_id"), (11, 1), (12, 1), (21, 2), (31, 3), (91, 9)],
    "calls": [
        ("call_id", "called_at", "number"),
        (1, "2025-01-01T00:00:00Z", "1"),
        # of the last day that goes, by UTC and not by the clock that wrote it
        (2, "2026-10-21T01:30:00+02:00", "2"),
        (3, "2026-10-21T00:00:00Z", "3"),
        (4, "", "4"),
        ("x", "2026-10-21T00:00:00Z", "5"),
    ],
}
PERIODS = [
    ("raw_shop.sales", "sold_on", 100, None, None, "law A"),
    ("raw_shop.sale_items", None, None, "raw_shop.sales", "sale_id", "parts of it"),
    ("raw_shop.calls", "called_at", 10, None, None, "law B"),
    ("raw_*._quarantine", "rejected_at", 90, None, None, "to be mended"),
    ("raw_*._deliveries", None, None, None, None, "kept"),
    ("raw_other.things", "made_at", 1, None, None, "has not landed"),
    ("snapshots.sales", "dbt_valid_to", 30, None, None, "law C"),
    ("archive.shop", "dt", 10, None, None, "law B"),
]


@pytest.fixture
def target(request, warehouse, monkeypatch):
    if getattr(request, "param", "postgres") == "postgres":
        return target_of(warehouse)
    s3 = request.getfixturevalue("s3")
    for name, value in s3.s3.environment.items():
        monkeypatch.setenv(name, value)
    return target_of(warehouse, Staging(f"{s3.url}/staging"))


def shop(folder):
    for name, rows in FILES.items():
        with (folder / f"{name}.csv").open("w", newline="") as stream:
            csv.writer(stream).writerows(rows)
    resources = (
        Resource("sales", Contract.of(Sale), "sales"),
        Resource("sale_items", Contract.of(SaleItem), "their parts"),
        Resource("calls", Contract.of(Call), "calls", rejected_share_limit=1),
    )
    files = LocalFiles({name: (folder / f"{name}.csv", Csv()) for name in FILES})
    return Source("shop", "a shop", resources, files)


def query(target, statement, *values):
    with target.connect() as connection:
        return [tuple(row) for row in connection.execute(statement, values).fetchall()]


def prepared(target, folder, periods=PERIODS):
    """The shop, landed; a snapshot; the periods as `dbt seed` leaves them."""
    source = shop(folder)
    land(source, target)
    with target.connect() as connection:
        connection.execute("create schema snapshots")
        connection.execute("create table snapshots.sales (sale_id int, dbt_valid_to timestamp)")
        connection.execute(
            "insert into snapshots.sales values (1, '2026-09-30 23:59:59'), (2, '2026-10-01 00:00:00'), (3, null)"
        )
        connection.execute("create schema seeds")
        connection.execute(
            "create table seeds.retention_periods (relation_name varchar(255), time_column varchar(63),"
            " retained_days int, parent_relation varchar(255), parent_column varchar(63), reason varchar(256))"
        )
        for line in periods:
            connection.execute("insert into seeds.retention_periods values (%s, %s, %s, %s, %s, %s)", line)
    return source


def left(target):
    return {
        "sales": query(target, "select sale_id from raw_shop.sales order by 1"),
        "items": query(target, "select item_id from raw_shop.sale_items order by 1"),
        "calls": query(target, "select call_id from raw_shop.calls order by 1"),
        "quarantine": query(target, "select count(*) from raw_shop._quarantine"),
        "snapshot": query(target, "select sale_id from snapshots.sales order by 1"),
    }


def counts(done):
    return {one.relation: one.count for one in done}


GONE = {
    "raw_shop.sales": 2,
    "raw_shop.sale_items": 3,
    "raw_shop.calls": 2,
    "raw_shop._quarantine": 0,
    "snapshots.sales": 1,
    "archive.shop": 0,
}
STAYS = {
    "sales": [(3,), (4,)],
    # of a sale that is not there nobody knows the day
    "items": [(31,), (91,)],
    "calls": [(3,), (4,)],
    "quarantine": [(1,)],
    "snapshot": [(2,), (3,)],
}


@pytest.mark.parametrize(
    "target", ["postgres", pytest.param("redshift", marks=pytest.mark.warehouse(redshift=True))], indirect=True
)
def test_what_is_too_old_goes_to_the_day_and_a_receipt_stays(target, tmp_path):
    source = prepared(target, tmp_path)
    before, ledger = left(target), query(target, "select * from raw_shop._deliveries order by uri")

    assert counts(expire([source], target, today=TODAY, dry_run=True)) == GONE
    assert left(target) == before
    made = "select count(*) from information_schema.tables where table_schema = 'privacy'"
    assert query(target, made) == [(0,)], "a dry run leaves nothing behind"

    assert counts(expire([source], target, today=TODAY)) == GONE
    assert left(target) == STAYS
    assert query(target, "select * from raw_shop._deliveries order by uri") == ledger
    receipt = query(target, "select relation_name, kept_from_on, row_count, reason from privacy.retention_receipts")
    assert {name: count for name, _, count, _ in receipt} == GONE
    assert ("raw_shop.sale_items", date(2026, 7, 23), 3, "law A") in receipt

    assert set(counts(expire([source], target, today=TODAY)).values()) == {0}
    assert query(target, "select count(distinct run_id) from privacy.retention_receipts") == [(2,)]


def test_the_quarantine_goes_by_the_time_of_the_rejection(target, tmp_path):
    source = prepared(target, tmp_path)
    (rejected,) = query(target, "select cast(rejected_at as date) from raw_shop._quarantine")
    assert (
        counts(expire([source], target, today=date.fromordinal(rejected[0].toordinal() + 90)))["raw_shop._quarantine"]
        == 0
    )
    assert (
        counts(expire([source], target, today=date.fromordinal(rejected[0].toordinal() + 91)))["raw_shop._quarantine"]
        == 1
    )


KILLED = """
import os, signal, sys
sys.path[:0] = {path!r}
from datetime import date
from pathlib import Path
from test_retention import shop
from ingestion.privacy.retention import expire
from ingestion.warehouse import Warehouse

def say(sentence):
    if sentence == "raw_shop.sales":
        os.kill(os.getpid(), signal.SIGKILL)

list(expire([shop(Path({folder!r}))], Warehouse.from_environment(), today=date(2026, 10, 31), say=say))
"""


def test_killed_half_way_it_has_done_whole_relations_and_the_next_run_does_the_rest(warehouse, tmp_path):
    target = target_of(warehouse)
    source = prepared(target, tmp_path)
    program = KILLED.format(path=sys.path, folder=str(tmp_path))
    killed = subprocess.run([sys.executable, "-c", program], env={**os.environ, **warehouse.environment()})
    assert killed.returncode == -9
    noted = dict(query(target, "select relation_name, row_count from privacy.retention_receipts"))
    assert noted["raw_shop.sale_items"] == 3
    assert "raw_shop.sales" not in noted
    assert left(target)["sales"] == [(1,), (2,), (3,), (4,)]

    rest = counts(expire([source], target, today=TODAY))
    assert left(target) == STAYS
    both = {name: noted.get(name, 0) + count for name, count in rest.items()}
    assert both == GONE


def test_what_is_older_than_its_period_and_landed_again_goes_again(target, tmp_path):
    source = prepared(target, tmp_path)
    list(expire([source], target, today=TODAY))
    land(shop(tmp_path), target, request=Request(full=True), allow_shrink=True)
    assert left(target)["sales"] == [(1,), (2,), (3,), (4,)]
    list(expire([source], target, today=TODAY))
    assert left(target) == STAYS


def test_days_of_the_archive_go_by_their_names(target, tmp_path, s3, monkeypatch):
    source = prepared(target, tmp_path)
    for name, value in {
        "ARCHIVE_URL": f"{s3.url}/archive",
        "REGION": s3.s3.environment["AWS_DEFAULT_REGION"],
        "ENDPOINT_URL": s3.s3.environment["AWS_ENDPOINT_URL"],
        "AWS_ACCESS_KEY_ID": s3.s3.environment["AWS_ACCESS_KEY_ID"],
        "AWS_SECRET_ACCESS_KEY": s3.s3.environment["AWS_SECRET_ACCESS_KEY"],
    }.items():
        monkeypatch.setenv(f"SOURCES__SHOP__{name}", value)
    old, young, others = (
        "archive/dt=2026-10-20/hour=23/a.parquet",
        "archive/dt=2026-10-21/hour=00/b.parquet",
        "archive/notes/2020-01-01.txt",
    )
    for key in (old, young, others):
        s3.put(key, b"")
    with target.connect() as connection:
        connection.execute("create table raw_shop._archive (uri varchar(1000), object varchar(1000))")
        connection.execute(
            "insert into raw_shop._archive values ('a', %s), ('b', %s)", (f"{s3.url}/{old}", f"{s3.url}/{young}")
        )
    assert counts(expire([source], target, today=TODAY, dry_run=True))["archive.shop"] == 1
    assert set(s3.keys()) >= {old, young, others}

    assert counts(expire([source], target, today=TODAY))["archive.shop"] == 1
    assert set(s3.keys()) & {old, young, others} == {young, others}
    assert query(target, "select uri, object from raw_shop._archive order by 1") == [
        ("a", None),
        ("b", f"{s3.url}/{young}"),
    ]


def test_what_is_refused(target, tmp_path):
    source = shop(tmp_path)
    land(source, target)
    with pytest.raises(IngestError, match="dbt seed --select retention_periods"):
        list(expire([source], target))
    prepared(target, tmp_path, [PERIODS[0]])
    with (
        target.connect() as connection,
        run_lock(connection, target, "raw_shop"),
        pytest.raises(RunInProgressError),
    ):
        list(expire([source], target, today=TODAY))
    for change, said in {
        "time_column = 'sold_at'": "counted from sold_at: no such column",
        "retained_days = 0": "one at least",
        "time_column = null": "not whole",
        "time_column = null, retained_days = null, parent_relation = 'raw_shop.calls', parent_column = 'sale_id'": (
            "raw_shop.calls, which has no retention period"
        ),
    }.items():
        with target.connect() as connection:
            connection.execute("update seeds.retention_periods set retained_days = 100, time_column = 'sold_on'")
            connection.execute(f"update seeds.retention_periods set {change}")
        with pytest.raises(IngestError, match=said):
            list(expire([source], target, today=TODAY))
    assert left(target)["sales"] == [(1,), (2,), (3,), (4,)]
