"""Streams, on real brokers and a real warehouse: every event once, whoever reads it, and whatever happens to them."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner
from servers.events import HOUR, Topic, consuming, event, events, together, until
from servers.reading import configure, dice
from small_operator import target_of

from ingestion import ledger as ledgers
from ingestion import loading, sources
from ingestion.cli import main
from ingestion.delivery import Request
from ingestion.errors import (
    IngestError,
    LoadRefusedError,
    RecordsLostError,
    RunInProgressError,
    SourceUnavailableError,
)
from ingestion.landing import land
from ingestion.streams.archive import archive, replay
from ingestion.streams.batches import Batches, Pace
from ingestion.streams.leases import LeaseLostError, Leases
from ingestion.streams.metrics import Metrics
from ingestion.streams.reader import Partition, Piece, Standing
from standin.local_kafka import running

LEDGER = "select count(*), sum(fetched_count)::int, sum(landed_count + rejected_count)::int from raw_events._deliveries"

TERMINATE = (
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
    " and application_name = 'majakka ingest' and pid <> pg_backend_pid()"
)


@pytest.fixture(scope="module")
def broker():
    with running() as kafka:
        yield kafka


@pytest.fixture
def topic(broker, monkeypatch):
    """A topic of the test's own, as the source `events` has it."""
    topic = Topic(broker.bootstrap_servers)
    configure(monkeypatch, "events", **topic.settings(batch_seconds=0.2, lease_seconds=1.5))
    return topic


@pytest.fixture
def target(warehouse):
    return target_of(warehouse)


def query(target, sql):
    with target.connect() as connection:
        return connection.execute(sql).fetchall()


def ids(target):
    return [one for (one,) in query(target, "select event_id from raw_events.events")]


def count(target):
    """Records, as the ledger counts them; none before it is there."""
    with target.connect() as connection:
        if ledgers.DELIVERIES not in ledgers.tables(connection, "raw_events"):
            return 0
        return connection.execute(LEDGER).fetchone()[1] or 0


def assert_all_once(target, topic):
    landed = ids(target)
    assert len(landed) == len(set(landed))
    assert set(landed) == topic.sent


def test_a_run_lands_what_has_come_and_the_next_one_what_has_come_since(target, topic):
    topic.send([*events(37), b"no JSON", event(event_type="unheard_of"), b""])
    report = land(sources.find("events"), target)
    (line,) = report.resources
    assert (line.deliveries, line.fetched, line.landed, line.rejected) == (4, 40, 37, 3)
    assert land(sources.find("events"), target).resources[0].fetched == 0
    topic.send(events(10), partition=2)
    assert land(sources.find("events"), target).resources[0].fetched == 10
    assert_all_once(target, topic)
    scope = f"kafka://{topic.name}/2"
    assert query(
        target,
        "select uri, cursor_value, fetched_count from raw_events._deliveries"
        f" where cursor_scope = '{scope}' order by landed_at",
    ) == [(f"{scope}?after=", "9", 10), (f"{scope}?after=9", "19", 10)]
    assert query(target, "select rule, left(payload, 7) from raw_events._quarantine order by 1, 2") == [
        ("event_type:one_of", '{"event'),
        ("format", ""),
        ("format", "no JSON"),
    ]
    assert query(target, "select properties from raw_events.events limit 1") == [
        ({"title": "Äänikirja", "place": [1, {"n": 2.5}]},)
    ]
    with pytest.raises(IngestError, match="not again or in part; what is in the archive"):
        land(sources.find("events"), target, request=Request(full=True))


def test_a_record_may_hold_several_events_and_they_land_one_by_one(target, topic):
    topic.send(
        [
            together(events(5)),
            event(),
            # one that breaks the contract, and things that are no events, keep no other from landing
            together([*events(2), event(event_type="unheard_of"), b"1", together(events(1)), *events(1)]),
            # nothing in it; an array that breaks off; one that is nested too deep for anybody
            b"[]",
            together(events(2))[:-1],
            b"[" * 10_000 + b"]" * 10_000,
        ],
        partition=0,
    )
    (line,) = land(sources.find("events"), target).resources
    assert (line.fetched, line.landed, line.rejected) == (15, 9, 6)
    assert land(sources.find("events"), target).resources[0].fetched == 0
    assert_all_once(target, topic)
    # a record is at one place of the stream, whatever it holds
    ledger = "select cursor_value, fetched_count from raw_events._deliveries"
    assert query(target, ledger) == [("5", 15)]
    rows = query(target, "select _source_row from raw_events.events order by 1")
    assert [row for (row,) in rows] == [1, 2, 3, 4, 5, 6, 7, 8, 12]
    rejected = query(target, "select _source_row, rule, left(payload, 4) from raw_events._quarantine order by 1")
    assert rejected == [
        (9, "event_type:one_of", '{"ev'),
        (10, "format", "1"),
        (11, "format", '[{"e'),
        (13, "format", "[]"),
        (14, "format", '[{"e'),
        (15, "format", "[[[["),
    ]


def test_a_consumer_lands_as_it_comes_and_the_ledger_keeps_one_line_a_partition(target, topic, warehouse, monkeypatch):
    metrics = Metrics("127.0.0.1", 0)
    with consuming(target) as consumer:
        until(lambda: len(consumer.scopes) == 4)
        for number in range(1, 4):
            topic.send([*events(7), b"no JSON"])
            until(lambda number=number: count(target) == 8 * number)
        until(lambda: consumer.progress.behind == 0)
        metrics.observe(consumer.progress)
        scraped = _scrape(metrics.port)
        for name, value in warehouse.environment().items():
            monkeypatch.setenv(name, value)
        (told,) = json.loads(CliRunner().invoke(main, ["status", "events", "--json"]).output)
        with pytest.raises(RunInProgressError, match="is at work on the stream of raw_events"):
            land(sources.find("events"), target)
        # somebody who wants the raw schema for himself gets it between two micro-batches
        assert CliRunner().invoke(main, ["quarantine", "replay", "events"]).exit_code == 0
        topic.send(events(2))
        until(lambda: count(target) == 26)
    metrics.close()
    assert_all_once(target, topic)
    assert query(target, LEDGER) == [(4, 26, 26)]
    indexes = query(
        target, "select indexname from pg_indexes where schemaname = 'raw_events' and indexname like '%\\_by\\_%'"
    )
    assert {name for (name,) in indexes} == {"_deliveries_by_load", "_dlt_loads_by_end", "events_by_load"}
    finished = (
        "select count(*) from raw_events._dlt_loads where load_id in (select _dlt_load_id from raw_events.events)"
    )
    assert query(target, finished) == query(target, "select count(distinct _dlt_load_id) from raw_events.events")
    rows = query(target, "select max(_source_row), count(*) from raw_events.events group by _source_uri order by 1, 2")
    assert rows == [(5, 3), (6, 6), (7, 7), (7, 7)]
    assert scraped['majakka_stream_landed_records_total{source="events",table="events"}'] == 21
    assert scraped['majakka_stream_rejected_records_total{source="events",table="events"}'] == 3
    assert scraped['majakka_stream_partitions{source="events"}'] == 4
    assert scraped[f'majakka_stream_lag_records{{partition="kafka://{topic.name}/0",source="events"}}'] == 0
    assert scraped['majakka_stream_latency_seconds_count{source="events"}'] == 1
    state = told["stream"]
    assert (state["consumers"], state["lag_records"], len(state["partitions"])) == (1, 0, 4)
    assert 0 <= state["lag_seconds"] < 60
    assert consumer.report.resources[0].landed == 23


def test_told_to_stop_a_consumer_lands_what_it_has_read(target, topic, monkeypatch):
    configure(monkeypatch, "events", batch_seconds=60, lease_seconds=180)
    with consuming(target) as consumer:
        until(lambda: len(consumer.scopes) == 4)
        topic.send(events(8))
        time.sleep(0.5)
        assert count(target) == 0
    assert_all_once(target, topic)
    assert query(target, "select distinct holder from raw_events._leases") == [(None,)]


def _scrape(port):
    from urllib.request import urlopen

    with urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        lines = answer.read().decode().splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


def test_consumers_share_the_partitions_and_take_over_those_of_one_that_ends(target, topic):
    with ExitStack() as stack:
        first = stack.enter_context(consuming(target))
        until(lambda: len(first.scopes) == 4)
        with consuming(target) as second:
            until(lambda: (len(first.scopes), len(second.scopes)) == (2, 2))
            assert not first.scopes & second.scopes
            topic.send(events(40))
            until(lambda: count(target) == 40)
        topic.send(events(40))
        until(lambda: len(first.scopes) == 4 and count(target) == 80)
        assert all(isinstance(error, LeaseLostError) for error in first.told)
    assert_all_once(target, topic)


def test_a_consumer_whose_lease_was_taken_lands_nothing_any_more(target, topic):
    land(sources.find("events"), target)
    scope = f"kafka://{topic.name}/0"
    with target.connect() as connection, target.connect() as other:
        slow = Leases(connection, target, "raw_events", "slow", timedelta(milliseconds=50))
        assert not slow.share([Partition(scope)])
        assert slow.share([Partition(scope)])
        quick = Leases(other, target, "raw_events", "quick", timedelta(seconds=10))
        time.sleep(0.06)
        quick.share([Partition(scope)])

        def land_too_late():
            with loading.begin(connection, target, "raw_events") as load:
                connection.execute("create table raw_events.never ()")
                load.commit(first=lambda: slow.keep({scope: Standing(time.time())}, {}))

        with pytest.raises(LeaseLostError, match="another consumer has taken a partition of slow"):
            land_too_late()
        assert query(target, "select to_regclass('raw_events.never')") == [(None,)]
        # what he holds is his for as long as he is heard of
        assert quick.share([Partition(scope)])
        slow.share([Partition(scope)])
        assert slow.held == {}


def test_children_of_a_partition_are_nobodys_until_it_has_ended(target, topic):
    land(sources.find("events"), target)
    parents, child = [Partition("a"), Partition("b")], Partition("c", ("a", "b"))
    with target.connect() as connection:
        leases = Leases(connection, target, "raw_events", "one", timedelta(seconds=10))
        leases.share([*parents, child])
        assert set(leases.held) == {"a", "b"}
        leases.share([*parents, child], {"a": Standing(1.0, has_ended=True)})
        assert set(leases.held) == {"b"}
        assert not leases.share([*parents, child], {"b": Standing(1.0, has_ended=True)})
        assert set(leases.held) == {"c"}
        # a parent that the stream has forgotten keeps nobody waiting
        leases.share([Partition("d", ("c",)), Partition("e", ("x",))])
        assert set(leases.held) == {"d", "e"}


def test_a_stretch_ends_with_the_hour_in_which_its_records_came():
    now = int(time.time()) // HOUR * HOUR

    class Scripted:
        def poll(self, most, seconds):
            arrivals = [now - 2 * HOUR + 5, now - HOUR - 1, now - HOUR, now - 2 * HOUR, now + 1, now + 9 * HOUR]
            return [Piece("s", list(range(6)), arrivals, [b""] * 6, events(6), Standing(1.0, 0))]

    batches = Batches(sources.find("events").transport, Scripted(), {"s": None}, Pace(rows=6), stop=threading.Event())
    batch = next(iter(batches))
    # a clock that goes back, or ahead, begins no stretch
    stretches = [(one.uri, one.cursor_value) for one in batch.deliveries]
    assert stretches == [("s?after=", "1"), ("s?after=1", "3"), ("s?after=3", "5")]


def test_a_record_that_no_table_could_hold_keeps_no_other_from_landing(target, topic):
    monster = json.dumps({f"field_{number}": 1 for number in range(2000)}).encode()
    topic.send([*events(3), monster, *events(3)], partition=0)
    (line,) = land(sources.find("events"), target).resources
    assert (line.landed, line.rejected) == (6, 1)
    ((reason,),) = query(target, "select reason from raw_events._quarantine")
    assert "more than 1,600 different fields" in reason


def test_too_many_bad_records_end_a_consumer_and_a_few_do_not(target, topic):
    topic.send([b"bad"] * 900 + events(10), partition=0)
    land(sources.find("events"), target)
    topic.send([b"bad"] * 1100 + events(10), partition=0)
    with pytest.raises(LoadRefusedError, match=r"1,100 of 1,110 rows of events break its contract"):
        land(sources.find("events"), target)
    assert count(target) == 910


def test_records_that_the_broker_has_let_go_of_are_told_and_never_passed_over(target, topic):
    topic.send(events(10), partition=1)
    land(sources.find("events"), target)
    topic.sent.clear()
    before = ids(target)
    topic.send([b"x" * 500_000] * 12, partition=1)
    lost = r"events: \d+ records of kafka://.*/1 are lost, offsets 10 to \d+: the broker has let go of them"
    with pytest.raises(RecordsLostError, match=lost), consuming(target) as consumer:
        until(lambda: consumer.error)
    with consuming(target, accept_loss=True) as consumer:
        until(lambda: count(target) > 10)
        topic.send(events(5), partition=1)
        until(lambda: len(ids(target)) == 15)
    assert [type(error) for error in consumer.told] == [RecordsLostError]
    assert set(ids(target)) == topic.sent | set(before)


def test_a_topic_that_was_made_anew_is_another_one(target, topic):
    topic.send(events(10), partition=1)
    land(sources.find("events"), target)
    query(target, "update raw_events._deliveries set cursor_value = '99' returning uri")
    with pytest.raises(RecordsLostError, match=r"/1 ends before offset 10, and offsets up to 99 have landed"):
        land(sources.find("events"), target)


def test_what_is_archived_builds_the_raw_schema_anew(target, topic, warehouse, s3, monkeypatch):
    for name, value in s3.s3.environment.items():
        monkeypatch.setenv(name, value)
    configure(monkeypatch, "events", archive_url=f"{s3.url}/lake", region="eu-north-1", endpoint_url=s3.s3.endpoint)
    source = sources.find("events")
    hour = datetime(2026, 11, 1, 13, tzinfo=UTC)
    at = hour.timestamp()
    topic.send([together(events(7)), *events(23), b"no JSON"], at=at + 5)
    topic.send([*events(20), b"no JSON"], at=at + HOUR + 5)
    land(source, target)
    topic.send(events(10), at=at + HOUR + 9)
    land(source, target)

    archived = list(archive(source, target))
    assert len(archived) == len({one.url for one in archived}) == 12
    keys = s3.keys()
    assert {key.rpartition("/")[0] for key in keys} == {"lake/dt=2026-11-01/hour=13", "lake/dt=2026-11-01/hour=14"}
    assert sum(one.count for one in archived) == 62
    assert list(archive(source, target)) == []
    # killed after an object, and before it was noted
    query(target, "delete from raw_events._archive where uri like '%/1?after=' returning 1")
    assert len(list(archive(source, target))) == 1
    assert s3.keys() == keys

    rows = "select event_id, properties, _source_uri, _source_row from raw_events.events order by 1"
    rejected = "select rule, payload, _source_uri, _source_row from raw_events._quarantine order by 3, 4"
    original = query(target, rows), query(target, rejected)
    # into the living warehouse: everything replaces itself
    done = dict(replay(source, target, hour, hour + timedelta(hours=2)))
    assert [report.resources[0].fetched for report in done.values()] == [31, 31]
    assert sum(report.replaced for report in done.values()) == 62
    assert (query(target, rows), query(target, rejected)) == original
    # into an empty one
    with target.connect() as connection:
        connection.execute("drop schema raw_events cascade")
    list(replay(source, target, hour, hour + timedelta(hours=2)))
    assert (query(target, rows), query(target, rejected)) == original
    assert list(archive(source, target)) == []
    topic.send(events(4), at=at + HOUR + 11)
    assert land(source, target).resources[0].fetched == 4
    assert_all_once(target, topic)


def test_a_broker_that_cannot_be_reached_and_a_topic_that_is_not_there(target, topic, monkeypatch):
    configure(monkeypatch, "events", stream="nobodys-topic")
    with pytest.raises(SourceUnavailableError, match="nobodys-topic: Broker: Unknown topic"):
        land(sources.find("events"), target)
    monkeypatch.setattr("ingestion.transports.kafka.ANSWER_SECONDS", 0.5)
    configure(monkeypatch, "events", bootstrap_servers="127.0.0.1:1")
    with pytest.raises(SourceUnavailableError, match=r"events: Kafka: .*see sources\.events"):
        land(sources.find("events"), target)
    configure(monkeypatch, "events", kind="pulsar")
    with pytest.raises(IngestError, match="kind is 'pulsar'; it is one of kinesis, kafka"):
        land(sources.find("events"), target)
    configure(monkeypatch, "events", kind="kafka", batch_seconds="soon")
    with pytest.raises(IngestError, match="batch_seconds is 'soon'; it is a number above 0"):
        land(sources.find("events"), target)


def test_two_consumers_killed_and_cut_off_again_and_again(target, topic, broker, warehouse, monkeypatch):
    """kill -9 at five moments, the line to the broker cut, the connections to the warehouse ended; under load."""
    configure(monkeypatch, "events", bootstrap_servers=broker.line)
    for name, value in warehouse.environment().items():
        monkeypatch.setenv(name, value)
    chance = dice(4)
    stop = threading.Event()

    def send():
        while not stop.wait(0.02):
            topic.send([*events(4), together(events(6))])

    sender = threading.Thread(target=send)
    sender.start()
    running = [_start(), _start()]
    try:
        until(lambda: count(target) > 0)
        for number in range(5):
            time.sleep(chance.uniform(0.1, 1.2))
            victim = running.pop(chance.randrange(2))
            victim.kill()
            victim.communicate()
            running.append(_start())
            if number == 1:
                broker.cut()
            if number == 3:
                query(target, TERMINATE)
        stop.set()
        sender.join()
        until(lambda: count(target) == len(topic.sent), seconds=40)
    finally:
        stop.set()
        sender.join()
        for process in running:
            process.send_signal(signal.SIGTERM)
        ended = [(process.communicate(timeout=30)[1], process.returncode) for process in running]
    assert [code for _, code in ended] == [0, 0], ended
    assert_all_once(target, topic)
    assert query(target, "select sum(fetched_count) = sum(landed_count) from raw_events._deliveries") == [(True,)]


def _start():
    command = [sys.executable, "-m", "ingestion", "stream", "events", "--quiet"]
    return subprocess.Popen(command, env=os.environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
