"""Events from a Kafka broker into the raw table, as they come: how many, how soon, and for how much of a processor.

    python -m benchmarks.stream [--rate 12000] [--seconds 60] [--consumers 1] [--parts rate history]

The broker, the producer, the consumers (`ingest stream events`) and Postgres are processes of their own and share this
machine. Events are as a site sends them, a third of them with nested properties. Every event counts: at the end all
that were produced must be rows, each once.

How late events are is read off the ledger, whose counts are committed with the rows: the n-th event that was produced
has landed when the ledger counts n. Once in a while a partition is ahead of another; the median does not mind.

Then: how long a micro-batch takes to land when the ledger has 1, 10 and 100 days of history.
"""

from __future__ import annotations

import argparse
import bisect
import itertools
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from benchmarks.ingest import _environment, _warehouse
from standin.local_kafka import running

if TYPE_CHECKING:
    from ingestion.warehouse import Connection, Warehouse

TOPIC = "events"
GOAL_RATE, GOAL_SECONDS = 10_000, 5.0
RATE = 12_000
"""Of the producer. What has landed is counted until the last event has, so it has to be ahead of the goal."""

TICK = 0.01
PATIENCE_SECONDS = 30
HISTORY_DAYS = (1, 10, 100)
MOST_GROWTH = 1.5
PARTS = ("rate", "history")


def main() -> None:
    """Measures, prints, and exits 1 if an event is missing or a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rate", type=int, default=RATE)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--consumers", type=int, default=1)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--produce", metavar="ADDRESS", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.produce:
        produce(asked.produce, asked.rate, asked.seconds)
        return
    with _warehouse() as warehouse, running() as kafka:
        missed: list[str] = []
        if "rate" in asked.parts:
            missed += _measure(warehouse, kafka.bootstrap_servers, asked.rate, asked.seconds, asked.consumers)
        if "history" in asked.parts:
            missed += _history(warehouse, kafka.bootstrap_servers)
    if missed:
        sys.exit("missed: " + "; ".join(missed))


def _measure(warehouse: Warehouse, address: str, rate: int, seconds: int, consumers: int) -> Iterator[str]:
    with warehouse.connect() as connection, ExitStack() as stack:
        create_topic(address)
        running = [start_consumer(warehouse, address) for _ in range(consumers)]
        for consumer in running:
            stack.callback(consumer.kill)
        _await_leases(connection, consumers)
        server = _parent(int(connection.execute("select pg_backend_pid()").fetchone()[0]))
        server_before = _processor_seconds(server)
        words = ["--produce", address, "--rate", str(rate), "--seconds", str(seconds)]
        # into a file: what it says at its end is more than a pipe holds
        said = stack.enter_context(tempfile.TemporaryFile())
        producer = subprocess.Popen([sys.executable, "-m", "benchmarks.stream", *words], stdout=said)
        stack.callback(producer.kill)
        landed = _watch(connection, producer, rate * seconds)
        said.seek(0)
        produced = json.loads(said.read())
        used = sum(stop_consumer(consumer) for consumer in running)
        server_used = _processor_seconds(server) - server_before
        rows, different = connection.execute(
            "select count(*), count(distinct event_id) from raw_events.events"
        ).fetchone()
        lines, loads = connection.execute(
            "select (select count(*) from raw_events._deliveries), (select count(*) from raw_events._dlt_loads)"
        ).fetchone()
    total = produced[-1][1]
    latencies = _latencies(produced, landed)
    wall = landed[-1][0] - produced[0][0]
    print(f"\n{total:,} events in {produced[-1][0] - produced[0][0]:.1f} s, {consumers} consumer(s)")
    print(f"{'produced a second':34}{total / (produced[-1][0] - produced[0][0]):12,.0f}")
    print(f"{'landed a second':34}{total / wall:12,.0f}")
    print(f"{'rows, and different events':34}{rows:12,}{different:12,}")
    print(f"{'seconds until landed, median':34}{statistics.median(latencies):12.2f}")
    print(f"{'99 of 100 within':34}{statistics.quantiles(latencies, n=100)[98]:12.2f}")
    print(f"{'events per CPU-second, consumer':34}{total / used:12,.0f}")
    print(f"{'the same, with Postgres':34}{total / (used + server_used):12,.0f}")
    print(f"{'lines of the ledger, and loads':34}{lines:12}{loads:12}")
    if (rows, different) != (total, total):
        yield f"{total:,} events were produced, {rows:,} rows have landed, {different:,} of them different"
    if rate > GOAL_RATE and total / wall < GOAL_RATE:
        yield f"{total / wall:,.0f} events a second, goal {GOAL_RATE:,}"
    if statistics.median(latencies) > GOAL_SECONDS:
        yield f"the median event lands after {statistics.median(latencies):.1f} s, goal {GOAL_SECONDS:g}"


def _history(warehouse: Warehouse, address: str) -> Iterator[str]:
    """Micro-batches into a raw schema whose ledger grows older."""
    create_topic(address)
    _settings(address, batch_seconds=0.1)
    _landed_in(warehouse, address, 1)
    medians = []
    print(f"\n{'days of history':34}{'lines of the ledger':>20}{'micro-batch, ms':>17}")
    for days in HISTORY_DAYS:
        with warehouse.connect() as connection:
            connection.execute("delete from raw_events._deliveries where uri like 'kafka://old/%'")
            connection.execute(
                "insert into raw_events._deliveries (resource, uri, identity, cursor_scope, cursor_value,"
                " fetched_count, landed_count, rejected_count, landed_at, _dlt_load_id)"
                " select 'events', 'kafka://old/' || p || '?after=' || h, '', 'kafka://old/' || p, h::text, 10, 10, 0,"
                " now(), (1700000000 + h)::text from generate_series(1, %s) as h, generate_series(0, 3) as p",
                (24 * days,),
            )
            (lines,) = connection.execute("select count(*) from raw_events._deliveries").fetchone()
        medians.append(statistics.median(_landed_in(warehouse, address, 40)))
        print(f"{days:34}{lines:20,}{medians[-1] * 1000:17.0f}", flush=True)
    if medians[-1] > MOST_GROWTH * medians[0]:
        yield f"a micro-batch takes {medians[-1] / medians[0]:.1f} times as long after 100 days, goal {MOST_GROWTH}"


def _landed_in(warehouse: Warehouse, address: str, batches: int) -> list[float]:
    """How long each of so many micro-batches took to land, in seconds; each has a hundred events."""
    from confluent_kafka import Producer

    from ingestion import sources
    from ingestion.streams.consumer import stream
    from ingestion.streams.progress import Progress

    producer = Producer({"bootstrap.servers": address, "log_level": 0})
    stop = threading.Event()
    seconds: list[float] = []

    def observe(progress: Progress) -> None:
        if progress.batches > len(seconds):
            seconds.append(progress.batch_seconds)
        if len(seconds) >= batches:
            stop.set()
            return
        for number, kind in zip(range(100), itertools.cycle(shapes(random.Random(1))), strict=False):  # noqa: S311
            values = {b"id": os.urandom(16).hex().encode(), b"time": b"2026-11-01T00:00:00Z", b"device": number}
            producer.produce(TOPIC, kind % values)
        producer.flush(PATIENCE_SECONDS)

    stream(sources.find("events"), warehouse, stop=stop, observe=observe)
    return seconds


def start_consumer(warehouse: Warehouse, address: str, **settings: object) -> subprocess.Popen[bytes]:
    """`ingest stream events`, with what it says on our standard error."""
    environment = _environment(warehouse) | _settings(address, **settings)
    return subprocess.Popen(
        [sys.executable, "-m", "ingestion", "stream", "events", "--json"], env=environment, stdout=subprocess.DEVNULL
    )


def _settings(address: str, **settings: object) -> dict[str, str]:
    """The source's settings, for this process and for another."""
    named = {"kind": "kafka", "bootstrap_servers": address, "stream": TOPIC, **settings}
    variables = {f"SOURCES__EVENTS__{name}".upper(): str(value) for name, value in named.items()}
    os.environ.update(variables)
    return variables


def produce(address: str, rate: int, seconds: float) -> None:
    """Sends events at a steady rate; prints when how many had been acknowledged, as JSON."""
    from confluent_kafka import Producer

    producer = Producer(
        {"bootstrap.servers": address, "enable.idempotence": True, "linger.ms": 5, "compression.type": "lz4"}
    )
    dice = random.Random(os.getpid())  # noqa: S311
    kinds = list(shapes(dice))
    failed: list[str] = []

    def delivered(error: object, _: object) -> None:
        if error is not None:
            failed.append(str(error))

    timeline = [(time.time(), 0)]
    sent = 0
    began = time.monotonic()
    total = int(rate * seconds)
    while sent < total:
        due = min(int((time.monotonic() - began) * rate), total)
        now = datetime.now(UTC).isoformat(timespec="milliseconds").encode()
        for number in range(sent, due):
            device = dice.getrandbits(32)
            values = {b"id": b"%032x" % (number << 64 | dice.getrandbits(64)), b"time": now, b"device": device}
            event = kinds[number % len(kinds)] % values
            producer.produce(TOPIC, key=b"d-%016x" % device, value=event, on_delivery=delivered)
        sent = due
        producer.poll(0)
        timeline.append((time.time(), sent))
        time.sleep(TICK)
    producer.flush(PATIENCE_SECONDS)
    if failed:
        raise RuntimeError(f"{len(failed)} events were not taken: {failed[0]}")
    print(json.dumps(timeline))


def shapes(dice: random.Random) -> Iterator[bytes]:
    """Events as a site sends them, with places for id, time and device."""
    kinds = ("page_view", "product_view", "search", "cart_add", "page_ping", "login")
    pages = ("valokuitu-100", "5g-liittyma", "tv-paketti", "laskut")
    for number in range(60):
        event: dict[str, object] = {
            "event_id": "%(id)b",
            "event_type": kinds[number % len(kinds)],
            "schema_version": "1-1-0",
            "site_id": "shop",
            "occurred_at": "%(time)b",
            "sent_at": "%(time)b",
            "received_at": "%(time)b",
            "device_id": "d-%(device)016x",
            "page_url": f"https://www.example.com/tuotteet/{dice.choice(pages)}",
            "referrer": "https://search.example.org/",
            "ip": "192.0.2.0",
            "user_agent": "Mozilla/5.0 (Linux; Android 16) Chrome/142.0 Mobile Safari/537.36",
        }
        if number % 3 == 0:
            event["properties"] = {"position": number, "tags": ["syksy", {"list": "etusivu"}], "title": "Äänikirja"}
        if number % 5 == 0:
            event["customer_id"] = f"C{200_000 + number}"
        yield orjson.dumps(event)


def create_topic(address: str) -> None:
    """Makes the topic."""
    from confluent_kafka import Producer

    producer = Producer({"bootstrap.servers": address, "log_level": 0})
    producer.list_topics(TOPIC, timeout=10)


def _await_leases(connection: Connection, consumers: int) -> None:
    from ingestion.streams import leases

    until = time.monotonic() + PATIENCE_SECONDS
    while len({lease.holder for lease in leases.read(connection, "raw_events")} - {None}) < consumers:
        if time.monotonic() > until:
            raise RuntimeError("the consumers do not start")
        time.sleep(0.1)


def _watch(connection: Connection, producer: subprocess.Popen[bytes], expected: int) -> list[tuple[float, int]]:
    """When how many events had landed, until all have."""
    landed: list[tuple[float, int]] = []
    until = None
    while True:
        (count,) = connection.execute("select coalesce(sum(fetched_count), 0) from raw_events._deliveries").fetchone()
        if not landed or int(count) > landed[-1][1]:
            landed.append((time.time(), int(count)))
        if until is None and producer.poll() is not None:
            until = time.monotonic() + PATIENCE_SECONDS
        if until and (int(count) >= expected or time.monotonic() > until):
            return landed
        time.sleep(0.05)


def _latencies(produced: list[tuple[float, int]], landed: list[tuple[float, int]]) -> list[float]:
    """Seconds from production to the row, of every hundredth event."""
    sent, came = [count for _, count in produced], [count for _, count in landed]
    found = []
    for number in range(100, min(sent[-1], came[-1]) + 1, 100):
        found.append(landed[bisect.bisect_left(came, number)][0] - produced[bisect.bisect_left(sent, number)][0])
    return found


def stop_consumer(consumer: subprocess.Popen[bytes]) -> float:
    """Ends a consumer as a supervisor would. Gives the CPU-seconds that it has used, its start included."""
    if consumer.poll() is not None:
        raise RuntimeError(f"a consumer has ended by itself, with {consumer.returncode}")
    consumer.send_signal(signal.SIGTERM)
    _, status, used = os.wait4(consumer.pid, 0)
    consumer.returncode = os.waitstatus_to_exitcode(status)
    if consumer.returncode:
        raise RuntimeError(f"a consumer has ended with {consumer.returncode}")
    return used.ru_utime + used.ru_stime


def _parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def _processor_seconds(pid: int) -> float:
    """Of a process and all of its children, those that have ended included."""
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if int(stat.parent.name) == pid:
            ticks += sum(map(int, fields[11:15]))
        elif int(fields[1]) == pid:
            ticks += sum(map(int, fields[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
