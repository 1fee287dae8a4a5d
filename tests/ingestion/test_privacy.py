"""A person is erased and stays out, on both engines; killed at any moment, it is done once."""

import csv
import os
import subprocess
import sys
from typing import Annotated

import pyarrow as pa
import pyarrow.parquet
import pytest
from small_operator import target_of

from ingestion.contract import Contract, MaxBytes, Personal, Row
from ingestion.delivery import Request, Resource, Source
from ingestion.errors import IngestError, RunInProgressError
from ingestion.formats.csv import Csv
from ingestion.landing import land
from ingestion.ledger import run_lock
from ingestion.privacy import requests
from ingestion.privacy.erase import erase
from ingestion.privacy.identifiers import Key, canonical, patterns, words_of
from ingestion.transports.local import LocalFiles
from ingestion.warehouse import Staging

KEY = "of this test alone, and thirty-two bytes or more"


class Note(Row, key="note_id"):
    """What somebody said; of whom nobody knows, only where it came from."""

    note_id: int
    customer_id: Annotated[str, MaxBytes(20), Personal("customer")] | None
    email_address: Annotated[str, MaxBytes(320), Personal("email")] | None
    phone_number: Annotated[str, MaxBytes(32), Personal("phone")] | None
    device_id: Annotated[str, MaxBytes(64), Personal("device")] | None
    comment: Annotated[str, MaxBytes(400), Personal("text")] | None


class Invoice(Row, key="invoice_no"):
    """What has to stay."""

    invoice_no: Annotated[str, MaxBytes(20), Personal("bill")]
    customer_id: Annotated[str, MaxBytes(20), Personal("customer")]
    customer_name: Annotated[str, MaxBytes(400), Personal("name")]
    amount: int


NOTES = [
    ("note_id", "customer_id", "email_address", "phone_number", "device_id", "comment"),
    (1, "C100001", "Anna@Example.com", "+358 (0)40 123 4567", "phone-1", "hello"),
    (2, "", "anna@example.com", "", "", "I am nobody"),
    (3, "", "", "", "phone-1", "on her device"),
    (4, "C100002", "both@example.com", "", "d-shared", "Anna (0401234567) gave me this number"),
    (5, "C100001", "both@example.com", "", "d-shared", ""),
    (6, "", "both@example.com", "", "d-shared", "one of the two"),
    (7, "C1000010", "hanna@example.com", "", "", "C1000010 is not C100001's neighbour"),
    (8, "C1000010", "anna@example.com.au", "", "", "another's address"),
    ("x", "C100001", "anna@example.com", "", "", "cannot be read"),
]
INVOICES = [
    ("invoice_no", "customer_id", "customer_name", "amount"),
    ("I1", "C100001", "Anna Virtanen", 10),
    ("I2", "C100002", "Bo Berg", 20),
]
HERS = ("C100001", "anna@example.com", "phone-1", "Anna Virtanen", "040123", "0401234567")


@pytest.fixture(autouse=True)
def key(monkeypatch):
    monkeypatch.setenv("SOURCES__PRIVACY__KEY", KEY)


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


def shop(folder):
    for name, rows in (("notes", NOTES), ("invoices", INVOICES)):
        with (folder / f"{name}.csv").open("w", newline="") as stream:
            csv.writer(stream).writerows(rows)
    resources = (
        Resource("notes", Contract.of(Note), "notes"),
        Resource("invoices", Contract.of(Invoice), "invoices", kept_by_law="the law of this test"),
    )
    return Source(
        "shop",
        "a shop",
        resources,
        LocalFiles({name: (folder / f"{name}.csv", Csv()) for name in ("notes", "invoices")}),
    )


def query(target, sql):
    with target.connect() as connection:
        return [tuple(row) for row in connection.execute(sql).fetchall()]


def notes(target):
    return query(target, "select note_id, customer_id, comment from raw_shop.notes order by 1")


def balance(target):
    """Fetched, landed, rejected by the ledger; rows that are there; rows in quarantine."""
    (line,) = query(
        target,
        "select sum(fetched_count), sum(landed_count), sum(rejected_count) from raw_shop._deliveries where _dlt_load_id"
        " = (select max(_dlt_load_id) from raw_shop._deliveries) and resource = 'notes'",
    )
    ((rows,),) = query(target, "select count(*) from raw_shop.notes")
    ((waiting,),) = query(target, "select count(*) from raw_shop._quarantine")
    return (*map(int, line), rows, waiting)


def taken_down(target, scope="person"):
    with target.connect() as connection:
        return requests.request(connection, "C100001", "an agent", "GDPR, article 17(1)(b)", scope).request_id


def said(target):
    """Everything that the raw tables and the schema `privacy` say."""
    names = query(
        target,
        "select table_schema, table_name from information_schema.tables"
        " where table_schema in ('raw_shop', 'privacy', 'work') and table_type = 'BASE TABLE'",
    )
    return "\n".join(str(query(target, f'select * from {schema}."{name}"')) for schema, name in names)


def traces(target):
    """What of hers is still said; others have what looks like hers."""
    left = said(target).lower()
    for anothers in ("c1000010", "hanna@example.com", "anna@example.com.au"):
        left = left.replace(anothers, "")
    return [one for one in HERS if one.lower() in left]


STAYS = [
    (4, "C100002", None),
    (6, None, "one of the two"),
    (7, "C1000010", None),
    (8, "C1000010", "another's address"),
]


@on_both_engines
def test_a_person_is_erased_and_a_file_that_comes_again_does_not_bring_her_back(target, tmp_path):
    source = shop(tmp_path)
    land(source, target)
    query_work(target)
    request_id = taken_down(target)

    before = said(target)
    would = erase([source], target, request_id, dry_run=True)
    assert said(target) == before, "a dry run changes nothing"

    receipt = erase([source], target, request_id)
    assert receipt.lines == would.lines
    assert {(line.place, line.action): line.row_count for line in receipt.lines} == {
        ("raw_shop.notes", "deleted"): 4,
        ("raw_shop.notes", "blanked"): 2,
        ("raw_shop.invoices", "anonymised"): 1,
        ("raw_shop._quarantine", "deleted"): 1,
        ("work.scratch", "deleted"): 1,
    }
    assert notes(target) == STAYS
    assert balance(target) == (9, 4, 5, 4, 0), "her rows count as rejected, and are not in quarantine"
    assert traces(target) == []
    token = Key(KEY.encode()).token("C100001")
    invoices = [("I1", token, "[erased]", 10), ("I2", "C100002", "Bo Berg", 20)]
    columns = "invoice_no, customer_id, customer_name, amount"
    assert query(target, f"select {columns} from raw_shop.invoices order by 1") == invoices

    again = land(shop(tmp_path), target, request=Request(full=True), allow_shrink=True)
    assert {line.resource: line.suppressed for line in again.resources} == {"notes": 5, "invoices": 0}
    assert notes(target) == STAYS
    assert query(target, f"select {columns} from raw_shop.invoices order by 1") == invoices
    assert balance(target) == (9, 4, 5, 4, 0)
    assert traces(target) == []

    assert erase([source], target, request_id) == receipt, "done is done"
    assert len(query(target, "select * from privacy.erasure_receipts")) == 1


def query_work(target):
    """A table that nobody has described."""
    with target.connect() as connection:
        connection.execute("create schema work")
        connection.execute("create table work.scratch (whoever varchar(100))")
        connection.execute("insert into work.scratch values ('call ANNA@example.com'), ('call the shop')")


KILLED = """
import os, signal, sys
sys.path[:0] = {path!r}
from pathlib import Path
from test_privacy import shop
from ingestion.privacy.erase import erase
from ingestion.warehouse import Warehouse

def say(sentence):
    if sentence == {at!r}:
        os.kill(os.getpid(), signal.SIGKILL)

erase([shop(Path({folder!r}))], Warehouse.from_environment(), {request_id!r}, say=say)
"""


def test_killed_at_any_moment_it_is_done_by_the_next_run_and_written_once(warehouse, tmp_path):
    target, source = target_of(warehouse), shop(tmp_path)
    land(source, target)
    request_id = taken_down(target)
    before = said(target)
    for at in ("raw_shop._quarantine", "searching everything once more"):
        program = KILLED.format(path=sys.path, at=at, folder=str(tmp_path), request_id=request_id)
        killed = subprocess.run([sys.executable, "-c", program], env={**os.environ, **warehouse.environment()})
        assert killed.returncode == -9
        assert said(target) == before
    erase([source], target, request_id)
    erase([source], target, request_id)
    assert notes(target) == STAYS
    assert len(query(target, "select * from privacy.erasure_receipts")) == 1


def test_the_archive_is_rewritten_without_her(target, tmp_path, s3, monkeypatch):
    for name, value in {
        "ARCHIVE_URL": f"{s3.url}/archive",
        "REGION": s3.s3.environment["AWS_DEFAULT_REGION"],
        "ENDPOINT_URL": s3.s3.environment["AWS_ENDPOINT_URL"],
        "AWS_ACCESS_KEY_ID": s3.s3.environment["AWS_ACCESS_KEY_ID"],
        "AWS_SECRET_ACCESS_KEY": s3.s3.environment["AWS_SECRET_ACCESS_KEY"],
    }.items():
        monkeypatch.setenv(f"SOURCES__SHOP__{name}", value)
    source = shop(tmp_path)
    land(source, target)
    hours = {
        "archive/mixed.parquet": [
            ("phone-1", None),
            ("d-9", b'{"page_url": "/?mail=anna%40example.com"}'),
            ("d-9", b'{"page_url": "/"}'),
        ],
        "archive/hers.parquet": [("phone-1", None)],
        "archive/others.parquet": [("d-9", b'{"page_url": "/"}')],
    }
    for name, rows in hours.items():
        table = pa.table(
            {"device_id": [one for one, _ in rows], "value": pa.array([one for _, one in rows], pa.binary())}
        )
        body = pa.BufferOutputStream()
        pa.parquet.write_table(table, body)
        s3.put(name, body.getvalue().to_pybytes())
    receipt = erase([source], target, taken_down(target))
    assert {line.place.rpartition("/")[2]: line.row_count for line in receipt.lines if "s3:" in line.place} == {
        "mixed.parquet": 2,
        "hers.parquet": 1,
    }
    others = [{"device_id": "d-9", "value": b'{"page_url": "/"}'}]
    for name, left in {"mixed": others, "hers": [], "others": others}.items():
        body = pa.BufferReader(s3.get(f"archive/{name}.parquet"))
        assert pa.parquet.read_table(body).to_pylist() == left


def test_what_is_refused(target, tmp_path, monkeypatch):
    source = shop(tmp_path)
    land(source, target)
    request_id = taken_down(target)
    with target.connect() as connection, run_lock(connection, target, "raw_shop"), pytest.raises(RunInProgressError):
        erase([source], target, request_id)
    with target.connect() as connection:
        unknown = requests.request(connection, "C999999", "an agent", "none")
    with pytest.raises(IngestError, match="no raw table knows"):
        erase([source], target, unknown.request_id)
    erase([source], target, request_id)
    monkeypatch.delenv("SOURCES__PRIVACY__KEY")
    with pytest.raises(IngestError, match="SOURCES__PRIVACY__KEY"):
        land(shop(tmp_path), target, request=Request(full=True))
    monkeypatch.setenv("SOURCES__PRIVACY__KEY", "short")
    with pytest.raises(IngestError, match="too short") as refused:
        land(shop(tmp_path), target, request=Request(full=True))
    assert "short'" not in str(refused.value)
    assert KEY not in repr(Key(KEY.encode()))


@pytest.mark.parametrize(
    "written", ["+358401234567", "040 123 4567", "00358-40-1234567", "+358 (0)40 123 4567", "358.40.1234567"]
)
def test_a_number_is_found_however_it_is_written(written):
    import re

    assert canonical("phone", written) == "358401234567"
    assert "358401234567" in set(words_of(f"call {written}, please"))
    (pattern,) = patterns({"phone": ["358401234567"]})
    assert re.search(pattern, f"call {written}, please")
    assert not re.search(pattern, f"order 9{written.lstrip('+')}1")
