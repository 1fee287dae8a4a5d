"""Events for a stream, and what is to become of them."""

import json
import time
import uuid
from contextlib import contextmanager, suppress
from threading import Event, Thread

import orjson
from confluent_kafka import Producer

from ingestion import sources
from ingestion.streams.consumer import stream
from ingestion.streams.reader import things_in

HOUR = 3600


def event(event_id=None, **more):
    """A good one, as JSON."""
    record = {
        "event_id": event_id or uuid.uuid4().hex,
        "event_type": "page_view",
        "schema_version": "1-1-0",
        "occurred_at": "2026-11-01T10:00:00.123Z",
        "device_id": "d-1",
        "properties": {"title": "Äänikirja", "place": [1, {"n": 2.5}]},
        **more,
    }
    return orjson.dumps({name: value for name, value in record.items() if value is not None})


def events(count):
    return [event() for _ in range(count)]


def together(values):
    """Several in one record, as the collector puts those of a device."""
    return b"[" + b",".join(values) + b"]"


class Topic:
    """A topic of its own; knows the ids of the events that were sent to it and are good."""

    def __init__(self, address):
        self.name = f"events-{uuid.uuid4().hex[:8]}"
        self.address = address
        self.sent = set()
        self._producer = Producer({"bootstrap.servers": address, "log_level": 0, "linger.ms": 2})
        self._producer.list_topics(self.name, timeout=10)

    def send(self, values, partition=None, at=None):
        """Sends, and waits until the broker has them; `at` is when they arrive (seconds since 1970)."""
        for number, value in enumerate(values):
            chosen = number % 4 if partition is None else partition
            more = {} if at is None else {"timestamp": round(at * 1000)}
            self._producer.produce(self.name, value, key=b"d-1", partition=chosen, **more)
            self._note(value)
        assert self._producer.flush(20) == 0

    def settings(self, **more):
        return {"kind": "kafka", "bootstrap_servers": self.address, "stream": self.name, **more}

    def _note(self, value):
        for thing in things_in(value):
            with suppress(ValueError, RecursionError):
                found = json.loads(thing)
                if isinstance(found, dict) and found.get("event_type") == "page_view":
                    self.sent.add(found["event_id"])


@contextmanager
def consuming(target, **more):
    """A consumer of the source `events`, in a thread; gives what it tells, and its progress."""
    stop, told = Event(), []
    consumer = Consuming(stop, told)

    def run():
        try:
            consumer.report = stream(
                sources.find("events"), target, stop=stop, observe=consumer.observe, tell=told.append, **more
            )
        except Exception as error:
            consumer.error = error

    thread = Thread(target=run, daemon=True)
    thread.start()
    try:
        yield consumer
    finally:
        stop.set()
        thread.join(30)
        assert not thread.is_alive()
    if consumer.error:
        raise consumer.error


class Consuming:
    """A consumer at work."""

    def __init__(self, stop, told):
        self.stop = stop
        self.told = told
        self.report = self.error = self.progress = None

    def observe(self, progress):
        self.progress = progress

    @property
    def scopes(self):
        """What it holds."""
        return set(self.progress.standings) if self.progress else set()


def until(holds, seconds=30):
    """Waits until it holds."""
    end = time.monotonic() + seconds
    while not (found := holds()):
        assert time.monotonic() < end, "it has not come true"
        time.sleep(0.02)
    return found
