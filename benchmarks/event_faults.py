"""kill -9 of the collector and failures of the stream, at random moments under load: is an acknowledged event missing?

    python -m benchmarks.event_faults [--runs 30] [--outage 60] [--seed 1]

Senders post batches as long as a run lasts, and post again whatever was not acknowledged, as a careful sender does.
Meanwhile the collector is killed and started again, or the broker goes away and comes back, or both. After each run
the collector is left alone until its spool is empty, and the topic is read: every event that was acknowledged must be
there. One that is there twice is counted; its identity is the same, and readers know it by that.

Then the stream is away for a whole minute, with a spool that is too small for it: callers have to hear 503 with
Retry-After, and the collector's memory must not grow. Exit code 1 if an event is lost, or a goal is missed.
"""

from __future__ import annotations

import argparse
import itertools
import json
import random
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from benchmarks.collecting import KEY, STREAM, Collector, Topic, event, kafka_source
from standin.local_kafka import LocalKafka, running

BATCH = 10
SENDERS = 4
PATIENCE = 1.0
"""Seconds that the stream may take, here: outages are short."""

MOST_MEMORY_MB = 400
SMALL_SPOOL_MB = 16

_EVENT_ID = re.compile(rb'"event_id":"([^"]+)"')


class Senders:
    """Threads that post events, and remember which ones were acknowledged."""

    def __init__(self, collector: Collector, name: str, count: int = SENDERS, pause: float = 0.0) -> None:
        """Prepares them; `with` starts them and stops them.

        Args:
            collector: who gets the events. It may die and come back.
            name: the beginning of the events' identities.
            count: of threads.
            pause: seconds that a thread waits after each batch.
        """
        self.acknowledged: set[str] = set()
        self.statuses: Counter[int] = Counter()
        self.without_advice = 0
        self._collector = collector
        self._name = name
        self._pause = pause
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._send, args=(number,), daemon=True) for number in range(count)]

    def __enter__(self) -> Senders:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _send(self, number: int) -> None:
        connection = HTTPConnection("127.0.0.1", self._collector.port, timeout=10)
        for batch in itertools.count():
            identities = [f"{self._name}-{number}-{batch}-{one}" for one in range(BATCH)]
            body = json.dumps([event(one, f"d-{number}-{place % 3}") for place, one in enumerate(identities)])
            while not self._stop.is_set():
                if self._is_taken(connection, body):
                    self.acknowledged.update(identities)
                    break
                self._stop.wait(0.05)
            if self._stop.wait(self._pause):
                connection.close()
                return

    def _is_taken(self, connection: HTTPConnection, body: str) -> bool:
        try:
            connection.request("POST", "/v1/events", body, {"X-Write-Key": KEY, "Content-Type": "application/json"})
            answer = connection.getresponse()
            answer.read()
        except (OSError, HTTPException):
            connection.close()
            return False
        self.statuses[answer.status] += 1
        if answer.status in (429, 503) and not answer.getheader("Retry-After"):
            self.without_advice += 1
        return answer.status == 200


def main() -> None:
    """Kills, compares, prints the counts, and exits 1 if an event is lost."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--outage", type=float, default=60.0, help="seconds; 0 leaves it out")
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    dice = random.Random(asked.seed)  # noqa: S311
    missed = []
    with running() as kafka, tempfile.TemporaryDirectory() as folder:
        lost, twice, sent = _runs(kafka, Path(folder) / "runs", asked.runs, dice)
        print(f"{asked.runs} runs, {sent:,} events acknowledged, {lost} lost, {twice:,} there more than once")
        if lost or not sent:
            missed.append(f"{lost} of {sent} acknowledged events are not on the stream")
        if asked.outage:
            missed += _outage(kafka, Path(folder) / "outage", asked.outage)
    if missed:
        sys.exit("missed: " + "; ".join(missed))


def _runs(kafka: LocalKafka, folder: Path, count: int, dice: random.Random) -> tuple[int, int, int]:
    kafka.create_topic(STREAM)
    topic = Topic(kafka, STREAM)
    collector = Collector(folder, kafka_source(kafka), stream_seconds=PATIENCE)
    lost = twice = sent = 0
    try:
        collector.start()
        for number in range(count):
            with Senders(collector, f"run{number}", pause=0.01) as senders:
                told = [fault(kafka, collector, dice) for _ in range(dice.randint(1, 3))]
                time.sleep(dice.uniform(0.2, 1.0))
            settle(collector)
            missing, repeated = compare(topic.read(), senders.acknowledged)
            lost, twice, sent = lost + missing, twice + repeated, sent + len(senders.acknowledged)
            print(
                f"run {number + 1}: {', '.join(told)}; {len(senders.acknowledged):,} acknowledged, {missing} lost",
                flush=True,
            )
        if collector.stop():
            raise RuntimeError(f"the collector does not stop in order:\n{collector.log[-2000:]}")
    finally:
        collector.end()
        topic.close()
    return lost, twice, sent


def fault(kafka: LocalKafka, collector: Collector, dice: random.Random) -> str:
    """Something bad, and the recovery from it; gives what it was."""
    time.sleep(dice.uniform(0.1, 1.0))
    kind = dice.choice(("kill", "outage", "kill in outage", "slow"))
    if kind == "kill":
        collector.kill()
        collector.start()
        return kind
    if kind == "slow":
        kafka.slow(dice.randint(200, 3_000))
        time.sleep(dice.uniform(0.5, 2.0))
        kafka.slow(0)
        return kind
    kafka.down()
    time.sleep(dice.uniform(0.2, 3.0))
    if kind == "kill in outage":
        collector.kill()
        collector.start()
        time.sleep(dice.uniform(0.0, 1.0))
    kafka.up()
    return kind


def settle(collector: Collector, seconds: float = 60.0) -> None:
    """Waits until nothing is in the spool. Raises RuntimeError if that does not come."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with suppress(OSError, HTTPException):
            health = json.loads(collector.ask("GET", "/health")[2])
            if health["stream"] == "direct":
                return
        time.sleep(0.05)
    raise RuntimeError(f"the spool does not become empty:\n{collector.log[-2000:]}")


def compare(records: Iterable[tuple[bytes, bytes]], acknowledged: set[str]) -> tuple[int, int]:
    """How many acknowledged events are missing among the records, and how many events are there again."""
    found: Counter[str] = Counter()
    for _, value in records:
        found.update(identity.decode() for identity in _EVENT_ID.findall(value))
    return len(acknowledged - found.keys()), found.total() - len(found)


def _outage(kafka: LocalKafka, folder: Path, seconds: float) -> Sequence[str]:
    stream = f"{STREAM}-outage"
    kafka.create_topic(stream, 64)
    topic = Topic(kafka, stream)
    collector = Collector(folder, kafka_source(kafka, stream), stream_seconds=PATIENCE, spool_megabytes=SMALL_SPOOL_MB)
    missed = []
    try:
        collector.start()
        with Senders(collector, "outage", count=8) as senders, _watched(collector.pid) as memory:
            time.sleep(2)
            kafka.down()
            time.sleep(seconds)
            kafka.up()
            time.sleep(2)
        settle(collector)
        lost, twice = compare(topic.read(), senders.acknowledged)
        most = max(memory)
        print(
            f"stream away for {seconds:g} s, spool of {SMALL_SPOOL_MB} MB: {len(senders.acknowledged):,} events "
            f"acknowledged, {lost} lost, {twice:,} there more than once; "
            f"answers {dict(sorted(senders.statuses.items()))}; memory {most} MB at most"
        )
        if lost:
            missed.append(f"{lost} events are lost in an outage")
        if not senders.statuses[503] or senders.without_advice:
            missed.append("callers do not hear 503 with Retry-After when the spool is full")
        if most > MOST_MEMORY_MB:
            missed.append(f"the collector takes {most} MB, goal {MOST_MEMORY_MB}")
    finally:
        collector.end()
        topic.close()
    return missed


@contextmanager
def _watched(pid: int) -> Iterator[list[int]]:
    """Resident memory of a process, in MB, looked at every tenth of a second."""
    seen = [0]
    is_over = threading.Event()

    def watch() -> None:
        while not is_over.wait(0.1):
            with suppress(OSError):
                seen.append(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4 >> 10)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        is_over.set()
        thread.join()


if __name__ == "__main__":
    main()
