"""The landing discipline, on a real warehouse: nothing lost, nothing twice, and nothing half."""

import csv
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest
from small_operator import target_of

from ingestion import ledger as ledgers
from ingestion import status
from ingestion.contract import Contract, Row
from ingestion.delivery import Resource, Source
from ingestion.errors import IngestError, LoadRefusedError, RunInProgressError
from ingestion.formats.csv import Csv
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


def test_an_unreadable_file_lands_nothing_of_the_run(target, tmp_path):
    good = write(tmp_path / "a.csv", range(3))
    (bad := tmp_path / "b.csv").write_bytes(b"")
    with pytest.raises(IngestError, match=r"file:b.csv: the file is empty"):
        land(payments(good, bad), target)
    with target.connect() as connection:
        assert status.resources(connection) == []


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
        ledgers.run_lock(connection, "raw_payments"),
        pytest.raises(RunInProgressError, match="another run into raw_payments is under way"),
    ):
        land(payments(write(tmp_path / "a.csv", [1])), target)
    land(payments(write(tmp_path / "a.csv", [1])), target)
    assert ids(target) == [1]


def test_rows_of_a_load_that_never_finished_are_removed_before_the_next(target, tmp_path):
    land(payments(write(tmp_path / "a.csv", [1])), target)
    with target.connect() as connection:
        # what a run leaves that was killed after its rows were copied and before dlt wrote the load down
        connection.execute("insert into raw_payments.payments values (9, 'card', 'file:b.csv', 1, '1.5')")
        connection.execute(
            "insert into raw_payments._deliveries (resource, uri, identity, fetched_count, landed_count, "
            "rejected_count, landed_at, _dlt_load_id) values ('payments', 'file:b.csv', 'x', 1, 1, 0, now(), '1.5')"
        )
        assert [line.deliveries for line in status.resources(connection)] == [1]
    land(payments(write(tmp_path / "b.csv", [2])), target)
    assert ids(target) == [1, 2]


def test_a_warehouse_that_is_not_there(tmp_path):
    nowhere = Warehouse("127.0.0.1", 1, "majakka", "secret word", "majakka")
    with pytest.raises(IngestError, match="make up") as told:
        land(payments(write(tmp_path / "a.csv", [1])), nowhere)
    assert "secret word" not in str(told.value)
    assert "secret word" not in repr(nowhere)


def test_killed_at_any_moment_and_run_again(warehouse, target, tmp_path):
    """SIGKILL at eight moments of a load; after the last, uninterrupted run everything is there exactly once."""
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
