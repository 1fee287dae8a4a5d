"""Consumers of a stream that are killed and cut off, again and again, under load: is an event lost, or there twice?

    python -m benchmarks.stream_faults [--faults 30] [--rate 500] [--seed 1]

Three consumers share a topic of four partitions, over a line to the broker that can be cut. At random moments one of
them gets kill -9, and another takes its place; or the line is cut, or down for a few seconds; or the warehouse ends
their sessions. Meanwhile events are produced; each that the broker acknowledges must in the end be one row.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from benchmarks.ingest import _warehouse
from benchmarks.stream import TOPIC, create_topic, shapes, start_consumer, stop_consumer
from standin.local_kafka import LocalKafka, running

if TYPE_CHECKING:
    from ingestion.warehouse import Connection, Warehouse

CONSUMERS = 3
LEASE_SECONDS = 3
FAULTS = {"kill": 6, "cut": 1, "down": 1, "sessions": 2}
"""How often each, in proportion."""

PATIENCE_SECONDS = 120


def main() -> None:
    """Breaks things, compares, prints the counts, and exits 1 if an event is lost or repeated."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--faults", type=int, default=30)
    parser.add_argument("--rate", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    with _warehouse() as warehouse, running() as kafka:
        create_topic(kafka.bootstrap_servers)
        load = _Load(kafka.bootstrap_servers, asked.rate)
        breaking = _Breaking(warehouse, kafka, random.Random(asked.seed))  # noqa: S311
        load.start()
        try:
            breaking.run(asked.faults)
            load.end()
            breaking.settle(len(load.acknowledged))
        finally:
            load.end()
            breaking.end()
        lost, twice = _compare(warehouse, load.acknowledged)
        ledger = breaking.counted()
    print(f"{asked.faults} faults under {asked.rate} events a second: {dict(breaking.done)}")
    print(f"{len(load.acknowledged):,} events acknowledged, {ledger:,} in the ledger, {lost} lost, {twice} there twice")
    if lost or twice or ledger != len(load.acknowledged):
        sys.exit(1)


class _Load(threading.Thread):
    """Produces events at a steady rate until told to end."""

    def __init__(self, address: str, rate: int) -> None:
        super().__init__(daemon=True)
        self.acknowledged: set[str] = set()
        self._address = address
        self._rate = rate
        self._ended = threading.Event()

    def run(self) -> None:
        from confluent_kafka import Message, Producer

        producer = Producer({"bootstrap.servers": self._address, "enable.idempotence": True, "compression.type": "lz4"})

        def delivered(error: object, message: Message) -> None:
            if error is None:
                self.acknowledged.add((message.key() or b"").decode())

        kinds = list(shapes(random.Random(1)))  # noqa: S311
        began, sent = time.monotonic(), 0
        while not self._ended.wait(0.02):
            for number in range(sent, int((time.monotonic() - began) * self._rate)):
                event_id = b"%032x" % number
                now = datetime.now(UTC).isoformat(timespec="milliseconds").encode()
                event = kinds[number % len(kinds)] % {b"id": event_id, b"time": now, b"device": number}
                producer.produce(TOPIC, key=event_id, value=event, on_delivery=delivered)
                sent = number + 1
            producer.poll(0)
        producer.flush(30)

    def end(self) -> None:
        """Waits for the last acknowledgement."""
        self._ended.set()
        self.join()


class _Breaking:
    """Consumers, and what happens to them."""

    def __init__(self, warehouse: Warehouse, kafka: LocalKafka, dice: random.Random) -> None:
        self.done: Counter[str] = Counter()
        self._warehouse = warehouse
        self._broker = kafka
        self._dice = dice
        self._consumers: list[subprocess.Popen[bytes]] = [self._start() for _ in range(CONSUMERS)]

    def run(self, faults: int) -> None:
        """So many faults, each some time after the one before."""
        while self.counted() == 0:
            time.sleep(0.1)
        for number in range(faults):
            time.sleep(self._dice.uniform(0.1, 2.5))
            (fault,) = self._dice.choices(list(FAULTS), list(FAULTS.values()))
            self.done[fault] += 1
            if fault == "kill":
                victim = self._consumers.pop(self._dice.randrange(CONSUMERS))
                victim.kill()
                victim.wait()
                self._consumers.append(self._start())
            elif fault == "sessions":
                self._end_sessions()
            else:
                self._broker.cut(self._dice.uniform(1, 4) if fault == "down" else 0)
            print(f"{number + 1}: {fault}, {self.counted():,} events have landed", flush=True)

    def settle(self, expected: int) -> None:
        """Waits until everything has landed, then a little longer: what is repeated has to have its chance."""
        until = time.monotonic() + PATIENCE_SECONDS
        while self.counted() < expected and time.monotonic() < until:
            time.sleep(0.2)
        time.sleep(3)

    def end(self) -> None:
        """Ends the consumers as a supervisor would; one that ends otherwise than with 0 is an error."""
        for consumer in self._consumers:
            stop_consumer(consumer)
        self._consumers.clear()

    def counted(self) -> int:
        """Events, as the ledger has them."""
        with self._warehouse.connect() as connection:
            if not _is_there(connection):
                return 0
            query = "select coalesce(sum(landed_count), 0) from raw_events._deliveries"
            return int(connection.execute(query).fetchone()[0])

    def _start(self) -> subprocess.Popen[bytes]:
        settings = {"batch_seconds": 0.5, "lease_seconds": LEASE_SECONDS}
        return start_consumer(self._warehouse, self._broker.line, **settings)

    def _end_sessions(self) -> None:
        with self._warehouse.connect() as connection:
            connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()"
                " and application_name = 'majakka ingest' and pid <> pg_backend_pid()"
            )


def _is_there(connection: Connection) -> bool:
    return bool(connection.execute("select to_regclass('raw_events._deliveries') is not null").fetchone()[0])


def _compare(warehouse: Warehouse, acknowledged: set[str]) -> tuple[int, int]:
    with warehouse.connect() as connection:
        landed = Counter(one for (one,) in connection.execute("select event_id from raw_events.events").fetchall())
    return len(acknowledged - set(landed)), sum(landed.values()) - len(landed)


if __name__ == "__main__":
    main()
