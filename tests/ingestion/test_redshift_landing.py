"""The same landing into Redshift: Parquet on S3 and COPY, through the stand-in's Redshift face."""

import csv
from dataclasses import replace

import pytest
from servers.events import Topic, consuming, events, until
from servers.reading import configure

from ingestion import ledger as ledgers
from ingestion import sources, status
from ingestion.contract import Contract, Row
from ingestion.delivery import Resource, Source
from ingestion.errors import IngestError, RunInProgressError, UnreadableDeliveryError
from ingestion.formats.csv import Csv
from ingestion.formats.json import Json, same_names
from ingestion.landing import land
from ingestion.transports.local import LocalFiles
from ingestion.warehouse import Staging, Warehouse
from standin.local_kafka import running

pytestmark = pytest.mark.warehouse(redshift=True)


class Payment(Row, key="payment_id"):
    """A payment, small enough to write by hand."""

    payment_id: int
    method: str


@pytest.fixture
def target(warehouse, s3, monkeypatch):
    for name, value in s3.s3.environment.items():
        monkeypatch.setenv(name, value)
    where = (warehouse.host, warehouse.port, warehouse.user, warehouse.password, warehouse.database)
    return Warehouse(*where, engine="redshift", staging=Staging(f"{s3.url}/staging"), sslmode="disable")


def payments(*paths, lands="append"):
    transport = LocalFiles({f"payments_{n}" if n else "payments": (path, Csv()) for n, path in enumerate(paths)})
    resources = tuple(Resource(name, Contract.of(Payment), "payments", lands=lands) for name in transport.files)
    return Source("payments", "payments", resources, transport)


def write(path, ids, method="card"):
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([("payment_id", "method"), *((n, method) for n in ids)])
    return path


def query(target, sql):
    with target.connect() as connection:
        return [tuple(row) for row in connection.execute(sql).fetchall()]


def ids(target):
    return [n for (n,) in query(target, "select payment_id from raw_payments.payments order by 1")]


def test_rows_rejections_and_the_ledger_land_in_one_transaction(target, s3, tmp_path):
    report = land(payments(write(tmp_path / "a.csv", [1, "two", 3])), target)
    assert (report.resources[0].landed, report.resources[0].rejected) == (2, 1)
    rows = query(target, "select payment_id, method, _source_uri, _source_row from raw_payments.payments order by 1")
    assert rows == [(1, "card", "file:a.csv", 1), (3, "card", "file:a.csv", 3)]
    assert query(target, "select rule, payload from raw_payments._quarantine") == [
        ("payment_id:type", '{"payment_id":"two","method":"card"}')
    ]
    with target.connect() as connection:
        (line,) = status.resources(connection)
    assert (line.source, line.resource, line.fetched, line.landed, line.rejected) == ("payments", "payments", 3, 2, 1)
    assert s3.keys() == []
    assert land(payments(tmp_path / "a.csv"), target).resources[0].fetched == 0


def test_a_changed_file_replaces_its_rows_and_a_new_column_lands(target, tmp_path):
    land(payments(write(tmp_path / "a.csv", range(3))), target)
    land(payments(write(tmp_path / "b.csv", range(10, 13))), target)
    (tmp_path / "a.csv").write_text("payment_id,method,reference\n0,card,x\n1,card,\n7,cash,y\n")
    report = land(payments(tmp_path / "a.csv"), target)
    assert (report.replaced, report.resources[0].new_columns) == (3, ["reference"])
    assert ids(target) == [0, 1, 7, 10, 11, 12]
    assert query(target, "select reference from raw_payments.payments where payment_id in (1, 7) order by 1") == [
        ("y",),
        (None,),
    ]


def test_a_merged_table_holds_the_latest_row_of_each_key(target, tmp_path):
    land(payments(write(tmp_path / "a.csv", [1, 2, 3]), lands="merge"), target)
    (tmp_path / "b.csv").write_text("payment_id,method\n2,cash\n4,card\n2,transfer\n")
    land(payments(tmp_path / "b.csv", lands="merge"), target)
    assert query(target, "select payment_id, method from raw_payments.payments order by 1") == [
        (1, "card"),
        (2, "transfer"),
        (3, "card"),
        (4, "card"),
    ]


def test_an_unreadable_file_is_set_aside_and_the_others_land(target, s3, tmp_path):
    good = write(tmp_path / "a.csv", range(3))
    (bad := tmp_path / "b.csv").write_bytes(b"")
    with pytest.raises(UnreadableDeliveryError, match=r"file:b.csv: the file is empty"):
        land(payments(good, bad), target)
    assert ids(target) == [0, 1, 2]
    assert s3.keys() == []


def test_json_lands_as_super(target, tmp_path):
    class Document(Row):
        document_id: int
        body: dict

    (path := tmp_path / "a.jsonl").write_text('{"document_id":1,"body":{"a":[1,{"b":"ä"}]}}\n')
    transport = LocalFiles({"documents": (path, Json(columns=same_names("document_id", "body")))})
    source = Source("documents", "documents", (Resource("documents", Contract.of(Document), "documents"),), transport)
    land(source, target)
    assert query(target, "select d.body.a[1].b::varchar from raw_documents.documents as d") == [("ä",)]


def test_what_the_cluster_refuses_leaves_nothing_and_tells_no_key(target, s3, tmp_path):
    land(payments(write(tmp_path / "a.csv", [1])), target)
    nowhere = replace(target, staging=Staging("s3://no-such-bucket/staging"))
    with pytest.raises(IngestError, match=r"cannot be used, so nothing was loaded.*NoSuchBucket") as told:
        land(payments(write(tmp_path / "b.csv", [2])), nowhere)
    assert s3.s3.environment["AWS_SECRET_ACCESS_KEY"] not in str(told.value)
    assert ids(target) == [1]


def test_two_runs_of_a_source_do_not_meet(target, tmp_path):
    source = payments(write(tmp_path / "a.csv", [1]))
    with (
        target.connect() as connection,
        ledgers.run_lock(connection, target, "raw_payments"),
        pytest.raises(RunInProgressError, match="another run into raw_payments is under way"),
    ):
        land(source, target)
    land(source, target)
    assert ids(target) == [1]


def fetched(consumer):
    return consumer.progress.report.resources[0].fetched


def test_a_stream_lands_micro_batch_by_micro_batch(target, s3, monkeypatch):
    """Leases, their check within the load's transaction, and a ledger's line that grows: as Redshift has them."""
    with running() as broker:
        topic = Topic(broker.bootstrap_servers)
        configure(monkeypatch, "events", **topic.settings(batch_seconds=0.3, lease_seconds=2))
        with consuming(target) as first:
            until(lambda: len(first.scopes) == 4)
            topic.send([*events(10), b"no JSON"])
            until(lambda: fetched(first) == 11)
            with consuming(target) as second:
                until(lambda: (len(first.scopes), len(second.scopes)) == (2, 2))
                topic.send(events(10))
                until(lambda: fetched(first) + fetched(second) == 21)
        topic.send(events(5))
        assert land(sources.find("events"), target).resources[0].fetched == 5
    landed = [one for (one,) in query(target, "select event_id from raw_events.events")]
    assert (len(landed), set(landed)) == (25, topic.sent)
    counts = "select count(*), sum(fetched_count), sum(landed_count), sum(rejected_count) from raw_events._deliveries"
    ((lines, *sums),) = query(target, counts)
    assert sums == [26, 25, 1]
    assert lines <= 12
    assert query(target, "select distinct holder from raw_events._leases") == [(None,)]
    assert s3.keys() == []
