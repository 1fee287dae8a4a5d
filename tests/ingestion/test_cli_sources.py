"""The commands that ask an operator's systems: windows, backfills, queues, checks."""

import json
import threading
from datetime import UTC, datetime, timedelta

from click.testing import CliRunner
from small_operator import target_of

from ingestion.backfill import backfill, windows
from ingestion.cli import main
from ingestion.receive import receive


def ingest(*words):
    done = CliRunner().invoke(main, words, prog_name="ingest")
    assert not done.exception or isinstance(done.exception, SystemExit), done.exception
    return done


def count(warehouse, table="raw_crm.customers"):
    with warehouse.connect() as connection:
        return connection.execute(f"select count(*) from {table}").fetchone()[0]


def test_windows_cover_the_span_without_gap_or_overlap():
    start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 3, 12, tzinfo=UTC)
    cut = windows(start, end, timedelta(days=1))
    assert [(a.day, b.day, b.hour) for a, b in cut] == [(1, 2, 0), (2, 3, 0), (3, 3, 12)]
    assert windows(start, end, timedelta(days=30)) == [(start, end)]


def test_a_full_run_replaces_what_has_landed(served, warehouse):
    assert ingest("run", "crm", "--quiet").exit_code == 0
    before = count(warehouse)
    done = ingest("run", "crm", "--full", "--json", "--quiet")
    (report,) = json.loads(done.stdout)
    assert report["replaced"] > 0
    assert count(warehouse) == before > 0


def test_a_backfill_goes_on_where_it_was_and_lands_nothing_twice(served, warehouse):
    assert ingest("run", "billing", "--quiet").exit_code == 0
    whole = count(warehouse, "raw_billing.bills")
    now = datetime.now(UTC).replace(microsecond=0)
    start, end, step = now - timedelta(days=2), now + timedelta(days=1), timedelta(days=1)
    target = target_of(warehouse)
    # interrupted after the first window
    first = next(backfill("billing", target, start, end, step))
    assert (first.since, first.done_before) == (start, False)
    words = ("backfill", "billing", "--from", start.isoformat(), "--to", end.isoformat(), "--quiet", "--json")
    done = ingest(*words)
    assert done.exit_code == 0, done.stderr
    assert [window["done_before"] for window in json.loads(done.stdout)] == [True, False, False]
    assert count(warehouse, "raw_billing.bills") == whole > 0
    assert all(window["done_before"] for window in json.loads(ingest(*words).stdout))
    assert not any(window["done_before"] for window in json.loads(ingest(*words, "--again").stdout))
    assert count(warehouse, "raw_billing.bills") == whole
    assert list(backfill("billing", target, start, end, step, again=True, stop=lambda: True)) == []


def test_receiving_once_empties_the_queue(served, warehouse):
    done = ingest("receive", "contacts", "--once", "--json", "--quiet")
    assert done.exit_code == 0, done.stderr
    (report,) = json.loads(done.stdout)
    assert sum(line["deliveries"] for line in report["resources"]) > 0
    assert count(warehouse, "raw_contacts.party_interactions") > 0
    assert json.loads(ingest("receive", "contacts", "--json", "--quiet").stdout) == []


def test_receiving_forever_outlives_a_source_that_is_down_and_ends_when_it_is_told(served, warehouse, monkeypatch):
    queue = served.environment()["SOURCES__USAGE__QUEUE"]
    monkeypatch.setenv("SOURCES__USAGE__QUEUE", "nobodys-queue")
    stop, told, landed = threading.Event(), [], []

    def mend(error):
        told.append(str(error))
        monkeypatch.setenv("SOURCES__USAGE__QUEUE", queue)

    for report in receive("usage", target_of(warehouse), once=False, stop=stop, listen_seconds=0, tell=mend):
        landed.append(report.resources[0].landed)
        stop.set()
    assert len(told) == 1
    assert "nobodys-queue" in told[0] or "does not exist" in told[0]
    assert landed == [count(warehouse, "raw_usage.usage")]
    assert landed[0] > 0


def test_a_source_that_does_not_let_us_in_is_told_apart_and_the_others_land(served, warehouse, monkeypatch):
    monkeypatch.setenv("SOURCES__CATALOG__TOKEN", "open sesame")
    done = ingest("run", "catalog", "crm", "--quiet")
    assert done.exit_code == 3
    assert done.stderr.startswith("ingest: catalog: ")
    assert "sesame" not in done.stderr
    assert count(warehouse) > 0


def test_check_tells_a_scheduler_what_is_wrong(served, monkeypatch):
    done = ingest("check", "crm", "catalog")
    assert done.exit_code == 0, done.stdout
    assert "NOT" not in done.stdout
    monkeypatch.setenv("SOURCES__CATALOG__TOKEN", "open sesame")
    done = ingest("check", "crm", "catalog", "--json")
    assert done.exit_code == 3
    assert [one["subject"] for one in json.loads(done.stdout) if not one["is_good"]] == ["catalog"]
    assert ingest("check", "catalog", "--offline").exit_code == 0


def test_a_queue_without_dead_letters_has_nothing_to_redrive(served):
    done = ingest("redrive", "contacts")
    assert done.exit_code == 1
    assert "dead" in done.stderr
