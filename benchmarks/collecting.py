"""A collector to measure and to kill: its process, events for it, and what it has put on the stream."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

from standin.local_kafka import LocalKafka
from standin.processes import free_port

SITE, KEY, ORIGIN = "www", "a-key-for-benchmarks-and-tests", "https://www.example.com"
STREAM = "web-events"
_START_SECONDS = 30
_STOP_SECONDS = 60
_READ_SECONDS = 60
_MOST_MESSAGES = 10_000


class Collector:
    """`ingest collect` as a process, on a port of its own, configured by the environment alone."""

    def __init__(self, folder: Path, source: Mapping[str, str], **settings: object) -> None:
        """Prepares it; `start` starts it.

        Args:
            folder: for its spool and its log.
            source: settings of the source `events`: where the stream is.
            settings: of the collector.
        """
        self.folder = folder
        self.port = free_port()
        folder.mkdir(parents=True, exist_ok=True)
        known = {
            "site_ids": SITE,
            f"sites__{SITE}__write_keys": KEY,
            f"sites__{SITE}__origins": ORIGIN,
            "port": self.port,
            "spool_folder": folder / "spool",
            "events_per_second": 10_000_000,
            **settings,
        }
        self.environment = {
            **os.environ,
            "RUNTIME__DLTHUB_TELEMETRY": "false",
            **{f"SOURCES__EVENTS__{key}".upper(): value for key, value in source.items()},
            **{f"COLLECTOR__{key}".upper(): str(value) for key, value in known.items()},
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the running process."""
        return self._running.pid

    @property
    def log(self) -> str:
        """What its processes have written so far."""
        return (self.folder / "log").read_text(encoding="utf-8")

    def start(self) -> None:
        """Starts it and waits until it takes events. Raises RuntimeError if it does not."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "ingestion", "collect"],
                # no .dlt of anybody's here
                cwd=self.folder,
                env=self.environment,
                stderr=log,
            )
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            with suppress(OSError, HTTPException):
                self.ask("GET", "/health/live")
                return
            time.sleep(0.02)
        raise RuntimeError(f"the collector does not start:\n{self.log[-2000:]}")

    def kill(self) -> None:
        """As the power cord does."""
        self._running.kill()
        self._running.wait()

    def stop(self) -> int:
        """As an operator does; gives the exit code."""
        self._running.send_signal(signal.SIGTERM)
        return self._running.wait(_STOP_SECONDS)

    def end(self) -> None:
        """Whatever its state."""
        if self._process and self._process.poll() is None:
            self.kill()

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> tuple[int, Mapping[str, str], bytes]:
        """One request on a connection of its own: status, headers, body."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=_STOP_SECONDS)
        try:
            connection.request(method, path, body, dict(headers or {}))
            answer = connection.getresponse()
            return answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read()
        finally:
            connection.close()

    @property
    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise RuntimeError("the collector was not started")
        return self._process


@contextmanager
def collecting(folder: Path, source: Mapping[str, str], **settings: object) -> Iterator[Collector]:
    """A started collector for the block."""
    collector = Collector(folder, source, **settings)
    try:
        collector.start()
        yield collector
    finally:
        collector.end()


def kafka_source(kafka: LocalKafka, stream: str = STREAM) -> dict[str, str]:
    """The settings of the source `events` that lead to a stream."""
    return {"kind": "kafka", "stream": stream, "bootstrap_servers": kafka.bootstrap_servers}


def event(event_id: str, device_id: str = "d-1", **more: Any) -> dict[str, Any]:
    """An event as a page sends it now."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return {
        "event_id": event_id,
        "event_type": "product_view",
        "schema_version": "1-1-0",
        "occurred_at": now,
        "sent_at": now,
        "device_id": device_id,
        "page_url": "https://www.example.com/kauppa/tuote/valokuitu-1000?vari=sininen",
        "referrer": "https://search.example.org/",
        "utm_source": "search",
        "utm_medium": "cpc",
        "utm_campaign": "syysetu",
        "product_offering_id": "PO-1001",
        **more,
    }


class Topic:
    """Reads a topic, each record once, from its beginning or from where it has got to.

    In between it asks the broker for nothing: the local one has a single thread, and would answer a reader of the
    newest records at once, each time that some are written.
    """

    def __init__(self, kafka: LocalKafka, name: str) -> None:
        from confluent_kafka import Consumer, TopicPartition

        self._consumer = Consumer(
            {
                "bootstrap.servers": kafka.bootstrap_servers,
                "group.id": "nobody",
                # whatever else is asked waits behind a fetch
                "fetch.wait.max.ms": 10,
                "log_level": 2,
            }
        )
        partitions = self._consumer.list_topics(name, timeout=10).topics[name].partitions
        self._places = [TopicPartition(name, number, 0) for number in partitions]
        self._read = dict.fromkeys(partitions, 0)
        self._consumer.assign(self._places)
        self._consumer.pause(self._places)

    def read(self) -> Iterator[tuple[bytes, bytes]]:
        """Key and value of each record that is there now; of one key, in order.

        Raises:
            TimeoutError: the broker does not give them.
        """
        ends = {place.partition: self._consumer.get_watermark_offsets(place, timeout=10)[1] for place in self._places}
        until = time.monotonic() + _READ_SECONDS
        self._consumer.resume(self._places)
        while any(self._read[number] < end for number, end in ends.items()):
            if time.monotonic() > until:
                raise TimeoutError(f"read up to {self._read} of {ends}")
            for message in self._consumer.consume(_MOST_MESSAGES, 0.1):
                if message.error() is None:
                    self._read[message.partition() or 0] = (message.offset() or 0) + 1
                    yield message.key() or b"", message.value() or b""
        self._consumer.pause(self._places)

    def close(self) -> None:
        """Lets go of the connection."""
        self._consumer.close()
