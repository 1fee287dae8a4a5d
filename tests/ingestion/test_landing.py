"""The landing discipline, on a real warehouse: nothing lost, nothing twice, and nothing half."""

import csv
import gzip
import itertools
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from decimal import Decimal
from functools import partial
from typing import Annotated

import pytest
from small_operator import target_of

from ingestion import ledger as ledgers
from ingestion import status
from ingestion.contract import Contract, Numeric, Row
from ingestion.delivery import EVERYTHING_NEW, Delivery, Request, Resource, Source, read_file
from ingestion.errors import (
    IngestError,
    LoadRefusedError,
    RunInProgressError,
    SourceUnavailableError,
    UnreadableDeliveryError,
)
from ingestion.formats.archive import Gzip
from ingestion.formats.csv import Csv
from ingestion.formats.json import Json, same_names
from ingestion.landing import land
from ingestion.run import run
from ingestion.transports.local import LocalFiles
from ingestion.warehouse import Warehouse


class Payment(Row):
    """A payment, small enough to write by hand."""

    payment_id: int
    method: str


@pytest.fixture
def target(warehouse):
    return target_of(warehouse)


def payments(*paths):
    """A source of one table whose files are the given ones."""
    transport = LocalFiles({f"payments_{n}" if n else "payments": (path, Csv()) for n, path in enumerate(paths)})
    resources = tuple(Resource(name, Contract.of(Payment), "payments") for name in transport.files)
    return Source("payments", "payments", resources, transport)


def write(path, ids, method="card"):
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([("payment_id", "method"), *((n, method) for n in ids)])
    return path


def query(target, sql):
    with target.connect() as connection:
        return connection.execute(sql).fetchall()


def ids(target):
    return [n for (n,) in query(target, "select payment_id from raw_payments.payments order by 1")]


def test_rows_land_with_their_provenance_and_the_ledger_tells(target, tmp_path):
    report = land(payments(write(tmp_path / "a.csv", range(1, 4))), target)
    assert (report.resources[0].fetched, report.resources[0].landed, report.resources[0].rejected) == (3, 3, 0)
    landed = query(target, "select payment_id, _source_uri, _source_row from raw_payments.payments order by 1")
    assert landed == [(1, "file:a.csv", 1), (2, "file:a.csv", 2), (3, "file:a.csv", 3)]
    with target.connect() as connection:
        (line,) = status.resources(connection)
    assert (line.source, line.resource, line.deliveries, line.landed) == ("payments", "payments", 1, 3)


def test_landing_again_lands_nothing_twice(target, tmp_path):
    source = payments(write(tmp_path / "a.csv", range(3)))
    land(source, target)
    again = land(source, target)
    assert again.resources[0].fetched == 0
    assert ids(target) == [0, 1, 2]


def test_a_file_that_changed_under_its_name_replaces_its_own_rows_only(target, tmp_path):
    land(payments(write(tmp_path / "a.csv", range(3))), target)
    land(payments(write(tmp_path / "b.csv", range(10, 13))), target)
    report = land(payments(write(tmp_path / "a.csv", [0, 1, 7])), target)
    assert ids(target) == [0, 1, 7, 10, 11, 12]
    assert report.replaced == 3


def test_a_resent_file_takes_its_old_rejections_along(target, tmp_path):
    land(payments(write(tmp_path / "a.csv", ["x", 1])), target)
    land(payments(write(tmp_path / "a.csv", [0, 1])), target)
    assert ids(target) == [0, 1]
    assert query(target, "select count(*) from raw_payments._quarantine") == [(0,)]


def test_malformed_rows_are_quarantined_with_reason_and_the_others_land(target, tmp_path):
    path = write(tmp_path / "a.csv", [1, "two", 3])
    path.write_text(path.read_text() + "4\n5,card\n")
    report = land(payments(path), target).resources[0]
    assert (report.fetched, report.landed, report.rejected) == (5, 3, 2)
    assert ids(target) == [1, 3, 5]
    with target.connect() as connection:
        rows = {row.row: row for row in status.quarantined(connection, "payments")}
    assert rows[2].reason == "payment_id 'two' is not a whole number"
    assert rows[2].payload == '{"payment_id":"two","method":"card"}'
    assert (rows[4].rule, rows[4].payload) == ("format", "4")


def test_bytes_that_no_warehouse_holds_end_in_quarantine(target, tmp_path):
    path = write(tmp_path / "a.csv", [1, 2])
    path.write_bytes(path.read_bytes() + b"3,c\x00rd\r\n4,a,\x00\r\n5,card\r\n")
    report = land(payments(path), target).resources[0]
    assert (report.landed, report.rejected) == (3, 2)
    assert ids(target) == [1, 2, 5]
    assert query(target, "select rule from raw_payments._quarantine order by _source_row") == [
        ("method:nul",),
        ("format",),
    ]


def test_too_many_malformed_rows_refuse_the_load_whole(target, tmp_path):
    with pytest.raises(LoadRefusedError, match=r"30 of 100 rows of payments .* payment_id 'x' is not a whole number"):
        land(payments(write(tmp_path / "a.csv", [*range(70), *["x"] * 30])), target)
    with target.connect() as connection:
        assert status.resources(connection) == []


def test_a_delivery_that_shrank_is_refused_until_somebody_allows_it(target, tmp_path):
    land(payments(write(tmp_path / "a.csv", range(100))), target)
    cut = payments(write(tmp_path / "a.csv", range(10)))
    with pytest.raises(LoadRefusedError, match="had 100 rows and now has 10"):
        land(cut, target)
    assert len(ids(target)) == 100
    land(cut, target, allow_shrink=True)
    assert len(ids(target)) == 10


def test_an_unreadable_file_is_set_aside_and_the_others_land(target, tmp_path):
    good, last = write(tmp_path / "a.csv", range(3)), write(tmp_path / "c.csv", range(3, 6))
    # its first batch can be read; its end cannot
    bad = tmp_path / "b.csv.gz"
    bad.write_bytes(gzip.compress(write(tmp_path / "b.csv", range(100, 90_000)).read_bytes())[:-9])
    source = payments(good, bad, last)
    source.transport.files["payments_1"] = (bad, Gzip(Csv()))
    with pytest.raises(
        UnreadableDeliveryError, match=r"1 of what payments handed over .* file:b.csv.gz: .*cut short"
    ) as told:
        land(source, target)
    report = told.value.report
    assert [one.uri for one in report.set_aside] == ["file:b.csv.gz"]
    assert [(line.resource, line.landed) for line in report.resources] == [
        ("payments", 3),
        ("payments_1", 0),
        ("payments_2", 3),
    ]
    assert query(target, "select count(*) from raw_payments.payments_1") == [(0,)]
    bad.write_bytes(gzip.compress(write(tmp_path / "b.csv", range(100, 110)).read_bytes()))
    again = land(source, target)
    assert [line.landed for line in again.resources] == [0, 10, 0]


def test_a_source_that_breaks_off_lands_what_it_had_handed_over(target, tmp_path):
    class Breaks(LocalFiles):
        def deliveries(self, ledger, folder, say, request=EVERYTHING_NEW):
            yield from list(super().deliveries(ledger, folder, say, request))[:1]
            raise SourceUnavailableError("payments: the line is dead")

    files = {"payments": (write(tmp_path / "a.csv", range(3)), Csv())}
    source = replace(payments(tmp_path / "a.csv"), transport=Breaks(files))
    with pytest.raises(SourceUnavailableError, match="the line is dead") as told:
        land(source, target)
    assert told.value.report.resources[0].landed == 3
    assert ids(target) == [0, 1, 2]


class Windows(LocalFiles):
    """Hands its files over as windows of changes, each from where the last one ended."""

    def deliveries(self, ledger, folder, say, request=EVERYTHING_NEW):
        since = None if request.full else ledger.cursor("payments", "changes")
        for name, (path, file_format) in sorted(self.files.items()):
            if since and name <= since:
                continue
            uri = f"changes?since={since or ''}"
            read = partial(read_file, file_format, path, uri)
            yield Delivery("payments", uri, uri, read, file_format.notation, cursor_scope="changes", cursor_value=name)
            since = name


def test_a_window_that_cannot_be_read_ends_the_run_and_the_cursor_stays(target, tmp_path):
    files = {f"{n}": (write(tmp_path / f"{n}.csv", [n]), Csv()) for n in range(3)}
    source = replace(payments(tmp_path / "0.csv"), transport=Windows(files))
    (tmp_path / "1.csv").write_bytes(b"")
    with pytest.raises(IngestError, match="the file is empty"):
        land(source, target)
    assert ids(target) == [0]
    write(tmp_path / "1.csv", [1])
    land(source, target)
    assert ids(target) == [0, 1, 2]


def test_a_full_run_replaces_all_windows(target, tmp_path):
    files = {f"{n}": (write(tmp_path / f"{n}.csv", [n, n + 10]), Csv()) for n in range(3)}
    source = replace(payments(tmp_path / "0.csv"), transport=Windows(files))
    land(source, target)
    whole = {"9": (write(tmp_path / "9.csv", [0, 1, 2, 3]), Csv())}
    report = land(replace(source, transport=Windows(whole)), target, request=Request(full=True))
    assert report.replaced == 6
    assert ids(target) == [0, 1, 2, 3]


def test_a_run_that_is_told_to_stop_leaves_the_rest_for_the_next(target, tmp_path):
    source = payments(*(write(tmp_path / f"{n}.csv", [n]) for n in range(4)))
    asked = itertools.count(1)
    report = land(source, target, stop=lambda: next(asked) > 2)
    assert report.stopped
    assert [line.landed for line in report.resources] == [1, 1, 0, 0]
    rest = land(source, target)
    assert not rest.stopped
    assert [line.landed for line in rest.resources] == [0, 0, 1, 1]


def test_a_long_run_commits_on_the_way(target, tmp_path):
    source = payments(*(write(tmp_path / f"{n}.csv", range(6)) for n in range(5)))
    report = land(source, target, load_rows=10)
    assert [line.landed for line in report.resources] == [6] * 5
    assert query(target, "select count(*), count(distinct load_id) from raw_payments._dlt_loads") == [(3, 3)]


def test_a_merged_table_holds_the_latest_row_of_each_key(target, tmp_path):
    source = payments(write(tmp_path / "a.csv", [1, 2, 3]))
    contract = replace(Contract.of(Payment), key=("payment_id",))
    merged = replace(source, resources=(Resource("payments", contract, "payments", lands="merge"),))
    land(merged, target)
    (path := tmp_path / "a.csv").rename(tmp_path / "old.csv")
    path = tmp_path / "b.csv"
    path.write_text("payment_id,method,reference\n2,cash,x\n4,card,y\n2,transfer,z\n")
    transport = LocalFiles({"payments": (path, Csv())})
    report = land(replace(merged, transport=transport), target)
    assert report.resources[0].new_columns == ["reference"]
    assert query(target, "select payment_id, method, reference from raw_payments.payments order by 1") == [
        (1, "card", None),
        (2, "transfer", "z"),
        (3, "card", None),
        (4, "card", "y"),
    ]


def test_json_lands_as_json(target, tmp_path):
    class Document(Row):
        document_id: int
        body: dict
        tags: list | None

    (path := tmp_path / "a.jsonl").write_text(
        '{"document_id":1,"body":{"a":[1,{"b":"ä"}]}}\n{"document_id":2,"body":7}\n'
    )
    transport = LocalFiles({"documents": (path, Json(columns=same_names("document_id", "body", "tags")))})
    source = Source("documents", "documents", (Resource("documents", Contract.of(Document), "documents"),), transport)
    report = land(source, target)
    assert (report.resources[0].landed, report.resources[0].rejected) == (1, 1)
    assert query(target, "select body, body->'a'->1->>'b', tags from raw_documents.documents") == [
        ({"a": [1, {"b": "ä"}]}, "ä", None)
    ]


def test_a_contract_that_the_table_cannot_hold_is_refused_before_anything_is_read(target, tmp_path):
    source = payments(write(tmp_path / "a.csv", [1]))
    land(source, target)

    class Wider(Row):
        payment_id: Annotated[Decimal, Numeric(18, 4)]
        method: str

    changed = replace(source, resources=(Resource("payments", Contract.of(Wider), "payments"),))
    write(tmp_path / "a.csv", [2])
    with pytest.raises(LoadRefusedError, match=r"raw_payments.payments.payment_id has another type.*numeric\(18,4\)"):
        land(changed, target)
    assert ids(target) == [1]


def test_a_new_column_lands_and_is_reported(target, tmp_path):
    land(payments(write(tmp_path / "a.csv", [1])), target)
    (path := tmp_path / "b.csv").write_text("payment_id,method,Reference Number\n2,card,RF18\n")
    report = land(payments(path), target)
    assert report.resources[0].new_columns == ["reference_number"]
    found = query(target, "select payment_id, reference_number from raw_payments.payments order by 1")
    assert found == [(1, None), (2, "RF18")]
    assert query(target, "select new_columns from raw_payments._deliveries order by landed_at") == [
        (None,),
        ("reference_number",),
    ]


def test_every_declared_table_exists_from_the_first_load_on(target, tmp_path):
    source = payments(write(tmp_path / "a.csv", [1]))
    never = Resource("refunds", Contract.of(Payment), "nothing comes for it")
    land(replace(source, resources=(*source.resources, never)), target)
    assert query(target, "select count(*) from raw_payments.refunds") == [(0,)]
    assert query(target, "select count(*) from raw_payments._quarantine") == [(0,)]


def test_two_runs_of_a_source_do_not_meet(target, tmp_path):
    with (
        target.connect() as connection,
        ledgers.run_lock(connection, target, "raw_payments"),
        pytest.raises(RunInProgressError, match="another run into raw_payments is under way"),
    ):
        land(payments(write(tmp_path / "a.csv", [1])), target)
    land(payments(write(tmp_path / "a.csv", [1])), target)
    assert ids(target) == [1]


def test_a_load_that_fails_at_its_very_end_leaves_nothing(target, tmp_path):
    land(payments(write(tmp_path / "a.csv", [1])), target)
    with target.connect() as connection:
        # the last thing that a load writes
        connection.execute("alter table raw_payments._dlt_loads add check (status > 0) not valid")
    with pytest.raises(IngestError, match=r"does not count; run again. The warehouse says: new row for relation"):
        land(payments(write(tmp_path / "a.csv", [2])), target)
    assert ids(target) == [1]
    with target.connect() as connection:
        assert [line.deliveries for line in status.resources(connection)] == [1]


def test_a_warehouse_that_is_not_there(tmp_path):
    nowhere = Warehouse("127.0.0.1", 1, "majakka", "secret word", "majakka")
    with pytest.raises(IngestError, match="make up") as told:
        land(payments(write(tmp_path / "a.csv", [1])), nowhere)
    assert "secret word" not in str(told.value)
    assert "secret word" not in repr(nowhere)


def test_killed_at_any_moment_and_run_again(warehouse, target, tmp_path):
    """SIGKILL at eight moments of a run; after the last, uninterrupted one everything is there exactly once."""
    files = []
    for n in range(8):
        files.append(write(tmp_path / f"payments_{n}.csv", range(n * 1000, n * 1000 + 1000)))
        paths = [word for path in files for word in ("--path", str(path))]
        command = [sys.executable, "-m", "ingestion", "run", "files", *paths, "--quiet"]
        process = subprocess.Popen(
            command, env={**warehouse.environment(), "PATH": ""}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        # from the imports to the last commit: a run takes a little over a second
        killer = threading.Timer(0.6 + n * 0.2, process.kill)
        killer.start()
        _, errors = process.communicate()
        killer.cancel()
        assert process.returncode in (0, -signal.SIGKILL), errors.decode()
    _until_free(target)
    run("files", target, paths=files)
    for n in range(8):
        table = f"raw_files.payments_{n}"
        assert query(target, f"select count(*), count(distinct payment_id) from {table}") == [(1000, 1000)]


def _until_free(target):
    """A killed client's connection lives until the server notices."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        with target.connect() as connection:
            (busy,) = connection.execute(
                "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
            ).fetchone()
        if not busy:
            return
        time.sleep(0.1)
    raise AssertionError("a killed run's connection is still there")
