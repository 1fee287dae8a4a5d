"""Quarantined rows: replayed once with the provenance that they came with, or purged; never lost, never twice."""

import csv
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Literal

import pyarrow as pa
import pyarrow.parquet
import pytest
from small_operator import target_of

from ingestion import ledger as ledgers
from ingestion.contract import Contract, Notation, Numeric, Row
from ingestion.delivery import Resource, Source
from ingestion.errors import IngestError, RunInProgressError
from ingestion.formats.csv import Csv
from ingestion.formats.parquet import Parquet
from ingestion.landing import land
from ingestion.loading import new_load_id
from ingestion.quarantine import PAGE_ROWS, Selection, purge, replay
from ingestion.transports.local import LocalFiles
from ingestion.warehouse import Staging

NORDIC = Notation(decimal_mark=",", day_first=True, blank_is_null=True)


class Payment(Row, key="payment_id"):
    """A payment, as it was first thought to be."""

    payment_id: int
    method: Literal["card"]
    amount: Annotated[Decimal, Numeric(8, 2)] | None
    paid_on: date | None


class Mended(Row, key="payment_id"):
    """A payment, as it turned out to be."""

    payment_id: int
    method: Literal["card", "cash", "bank"]
    amount: Annotated[Decimal, Numeric(8, 2)] | None
    paid_on: date | None


@pytest.fixture
def target(request, warehouse, monkeypatch):
    if getattr(request, "param", "postgres") == "postgres":
        return target_of(warehouse)
    s3 = request.getfixturevalue("s3")
    for name, value in s3.s3.environment.items():
        monkeypatch.setenv(name, value)
    return target_of(warehouse, Staging(f"{s3.url}/staging"))


on_both_engines = pytest.mark.parametrize(
    "target", ["postgres", pytest.param("redshift", marks=pytest.mark.warehouse(redshift=True))], indirect=True
)


def payments(path, row=Payment, file_format=None, lands="append"):
    file_format = file_format or Csv(delimiter=";", notation=NORDIC)
    resource = Resource("payments", Contract.of(row), "payments", rejected_share_limit=1.0, lands=lands)
    return Source("payments", "payments", (resource,), LocalFiles({"payments": (path, file_format)}))


def write(path, *rows):
    with path.open("w", newline="") as stream:
        csv.writer(stream, delimiter=";").writerows([("payment_id", "method", "amount", "paid_on"), *rows])
    return path


def query(target, sql):
    with target.connect() as connection:
        return [tuple(row) for row in connection.execute(sql).fetchall()]


def landed(target):
    return query(
        target,
        "select payment_id, method, amount, paid_on, _source_uri, _source_row from raw_payments.payments order by 1",
    )


def counts(target):
    (line,) = query(
        target, "select sum(fetched_count), sum(landed_count), sum(rejected_count) from raw_payments._deliveries"
    )
    (waiting,) = query(target, "select count(*) from raw_payments._quarantine")
    return (*map(int, line), *waiting)


@on_both_engines
def test_rows_that_pass_todays_contract_land_once_with_their_provenance(target, tmp_path):
    path = write(
        tmp_path / "a.csv", (1, "card", "1,50", "31.12.2025"), (2, "cash", "2,50", "30.12.2025"), (3, "bank", "", "")
    )
    land(payments(path), target)
    assert counts(target) == (3, 1, 2, 2)
    (report,) = replay(payments(path, Mended), target)
    assert (report.landed, report.still_broken, report.not_replayable, report.overtaken) == (2, 0, 0, 0)
    assert landed(target) == [
        (1, "card", Decimal("1.50"), date(2025, 12, 31), "file:a.csv", 1),
        (2, "cash", Decimal("2.50"), date(2025, 12, 30), "file:a.csv", 2),
        (3, "bank", None, None, "file:a.csv", 3),
    ]
    assert counts(target) == (3, 3, 0, 0)
    (delivered,), (replayed,) = query(target, "select load_id from raw_payments._dlt_loads order by inserted_at")
    by_load = query(target, "select payment_id, _dlt_load_id from raw_payments.payments order by 1")
    assert by_load == [(1, delivered), (2, replayed), (3, replayed)], "who reads new loads finds the rows"
    later = new_load_id()
    assert delivered < replayed < later
    assert float(delivered) == float(replayed), "a replayed row is as old as its delivery"
    assert replay(payments(path, Mended), target) == []
    assert counts(target) == (3, 3, 0, 0)
    assert land(payments(path, Mended), target).resources[0].fetched == 0


def test_rows_that_still_break_the_contract_stay_and_tell_why(target, tmp_path):
    path = write(tmp_path / "a.csv", (1, "cheque", "", ""), ("x", "cash", "", ""), (3, "cash", "", ""))
    land(payments(path), target)
    (report,) = replay(payments(path, Mended), target)
    assert (report.landed, report.still_broken) == (1, 2)
    assert report.reasons == {
        "method 'cheque' is not one of card, cash, bank": 1,
        "payment_id 'x' is not a whole number": 1,
    }
    assert counts(target) == (3, 1, 2, 2)


def test_a_dry_run_only_tells(target, tmp_path):
    path = write(tmp_path / "a.csv", (1, "cash", "", ""), (2, "cheque", "", ""))
    land(payments(path), target)
    (report,) = replay(payments(path, Mended), target, dry_run=True)
    assert (report.landed, report.still_broken) == (1, 1)
    assert counts(target) == (2, 0, 2, 2)
    assert landed(target) == []


def test_what_the_quarantine_could_not_keep_whole_is_not_replayed(target, tmp_path):
    path = write(tmp_path / "a.csv", (1, "c" * 70_000, "", ""), (2, "c\x00a", "", ""), (3, "cash", "", ""))
    path.write_text(path.read_text() + "4;cash\n")
    land(payments(path), target)
    (report,) = replay(payments(path, Mended), target)
    assert (report.landed, report.not_replayable) == (1, 3)
    assert report.reasons == {"its payload is not all of what came; the source has to send it again": 3}
    assert [line[0] for line in landed(target)] == [3]


def test_a_selection_names_the_rows(target, tmp_path):
    path = write(tmp_path / "a.csv", (1, "cash", "", ""), (2, "cash", "", ""), (3, "cash", "", ""))
    land(payments(path), target)
    ids = dict(query(target, "select _source_row, quarantine_id from raw_payments._quarantine"))
    replay(payments(path, Mended), target, Selection(ids=(ids[1][:12], ids[3])))
    assert [line[0] for line in landed(target)] == [1, 3]
    with pytest.raises(IngestError, match="payments has no table 'refunds'; it has payments"):
        replay(payments(path, Mended), target, Selection(resource="refunds"))


def test_a_resent_file_replaces_replayed_rows_and_quarantined_ones(target, tmp_path):
    path = write(tmp_path / "a.csv", (1, "cash", "", ""), (2, "cheque", "", ""))
    land(payments(path), target)
    replay(payments(path, Mended), target)
    write(path, (1, "card", "", ""), (2, "card", "", ""))
    land(payments(path), target)
    assert [line[:2] for line in landed(target)] == [(1, "card"), (2, "card")]
    assert query(target, "select count(*) from raw_payments._quarantine") == [(0,)]


def test_a_row_whose_delivery_was_replaced_is_not_landed_again(target, tmp_path):
    path = write(tmp_path / "a.csv", (1, "cash", "", ""))
    land(payments(path), target)
    with target.connect() as connection:
        # a newer version of the file that landed while its old rejections were kept
        connection.execute(
            "insert into raw_payments._deliveries (resource, uri, identity, fetched_count, landed_count,"
            " rejected_count, landed_at, _dlt_load_id)"
            " values ('payments', 'file:a.csv', 'newer', 0, 0, 0, now(), '1.0')"
        )
    (report,) = replay(payments(path, Mended), target)
    assert (report.landed, report.overtaken) == (0, 1)
    assert report.reasons == {"a newer delivery has replaced it": 1}
    assert landed(target) == []


def test_many_rows_are_replayed_in_pages_and_a_replay_that_dies_has_not_happened(target, tmp_path):
    many = PAGE_ROWS + 200
    path = write(tmp_path / "a.csv", *((n, "cash", "", "") for n in range(many)))
    land(payments(path), target)

    def die_on_the_second_page(sentence):
        if f"{many:,}" in sentence:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        replay(payments(path, Mended), target, say=die_on_the_second_page)
    assert counts(target) == (many, 0, many, many)
    assert landed(target) == []
    (report,) = replay(payments(path, Mended), target)
    assert report.landed == many
    assert counts(target) == (many, many, 0, 0)
    assert query(target, "select count(distinct _source_row) from raw_payments.payments") == [(many,)]


@on_both_engines
def test_an_old_row_does_not_replace_a_newer_one_of_its_key(target, tmp_path):
    def deliver(name, *rows):
        land(payments(write(tmp_path / name, *rows), lands="merge"), target)

    deliver("a.csv", (1, "cash", "1,00", ""), (2, "card", "1,00", ""), (3, "cash", "1,00", ""), (4, "cash", "", ""))
    deliver("b.csv", (1, "card", "2,00", ""), (2, "cash", "2,00", ""), (3, "cash", "2,00", ""))
    (report,) = replay(payments(tmp_path / "a.csv", Mended, lands="merge"), target)
    assert [line[:3] for line in landed(target)] == [
        (1, "card", Decimal("2.00")),
        (2, "cash", Decimal("2.00")),
        (3, "cash", Decimal("2.00")),
        (4, "cash", None),
    ]
    assert (report.landed, report.overtaken) == (3, 2)
    assert report.reasons == {"a newer row of the same key has come": 2}


def test_a_replayed_row_is_as_old_as_the_delivery_that_brought_it(target, tmp_path):
    for name in ("a.csv", "b.csv"):
        land(payments(write(tmp_path / name, (1, "cash", f"{ord(name[0])},00", "")), lands="merge"), target)
    source = payments(tmp_path / "a.csv", Mended, lands="merge")
    of_a, of_b = (
        query(target, f"select quarantine_id from raw_payments._quarantine where _source_uri = 'file:{name}'")[0]
        for name in ("a.csv", "b.csv")
    )
    replay(source, target, Selection(ids=of_a))
    assert landed(target)[0][4] == "file:a.csv"
    (report,) = replay(source, target, Selection(ids=of_b))
    assert (report.landed, report.overtaken) == (1, 0), "that a.csv was replayed just now does not make it newer"
    assert landed(target)[0][4] == "file:b.csv"


def test_typed_values_come_back_as_they_were(target, tmp_path):
    (path := tmp_path / "a.parquet").parent.mkdir(exist_ok=True)
    table = pa.table(
        {
            "payment_id": pa.array([1, 2], pa.int32()),
            "method": ["cash", "card"],
            "amount": pa.array([Decimal("1.25"), Decimal("2.25")]),
            "paid_on": pa.array([date(2026, 1, 2), None]),
            "Terminal": pa.array([True, False]),
        }
    )
    pyarrow.parquet.write_table(table, path)
    land(payments(path, file_format=Parquet()), target)
    replay(payments(path, Mended, file_format=Parquet()), target)
    assert landed(target)[0][:4] == (1, "cash", Decimal("1.25"), date(2026, 1, 2))
    assert query(target, "select payment_id, terminal from raw_payments.payments order by 1") == [
        (1, "true"),
        (2, "false"),
    ]


@on_both_engines
def test_rows_are_purged_by_what_is_said_of_them(target, tmp_path):
    path = write(tmp_path / "a.csv", (1, "cash", "", ""), (2, "cash", "", ""), (3, "cash", "", ""))
    source = payments(path)
    land(source, target)
    with target.connect() as connection:
        connection.execute(
            "update raw_payments._quarantine set rejected_at = '2026-01-01 00:00:00+00' where _source_row = 1"
        )
    old = Selection(before=datetime(2026, 1, 2, tzinfo=UTC))
    assert purge(source, target, old, dry_run=True) == 1
    assert counts(target)[3] == 3
    assert purge(source, target, old) == 1
    assert purge(source, target, Selection(resource="payments")) == 2
    assert counts(target) == (3, 0, 3, 0), "the ledger remembers how many were rejected"


def test_a_replay_and_a_run_do_not_meet(target, tmp_path):
    source = payments(write(tmp_path / "a.csv", (1, "cash", "", "")))
    land(source, target)
    with target.connect() as connection, ledgers.run_lock(connection, target, "raw_payments"):
        with pytest.raises(RunInProgressError):
            replay(source, target)
        with pytest.raises(RunInProgressError):
            purge(source, target, Selection())


def test_nothing_has_ever_landed(target, tmp_path):
    with pytest.raises(IngestError, match="nothing has landed from 'payments'"):
        replay(payments(tmp_path / "a.csv"), target)
