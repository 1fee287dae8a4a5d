"""A broker, and a collector before it, for all tests that only send."""

import itertools
import json

import pytest
from collector_keys import ROTATED_KEY, SLOW_KEY

from benchmarks.collecting import KEY, ORIGIN, SITE, STREAM, Topic, collecting, kafka_source
from ingestion.streams.reader import things_in
from standin.local_kafka import running


@pytest.fixture(scope="session")
def kafka():
    with running() as broker:
        broker.create_topic(STREAM, 2)
        broker.create_topic(f"{STREAM}-bad", 1)
        yield broker


@pytest.fixture(scope="session")
def collector(kafka, tmp_path_factory):
    """Two sites: one with a page's origin and two keys, and one that may send ten events at once and then none."""
    settings = {
        "site_ids": f"{SITE},app",
        f"sites__{SITE}__write_keys": json.dumps([KEY, ROTATED_KEY]),
        f"sites__{SITE}__origins": f"{ORIGIN}, https://shop.example.com",
        "sites__app__write_keys": SLOW_KEY,
        "sites__app__events_per_second": 0.05,
        "burst_seconds": 200,
        "trusted_proxies": "127.0.0.0/8, 10.0.0.0/8",
        "body_kilobytes": 64,
        "batch_events": 50,
        "body_seconds": 1,
        "header_seconds": 1,
    }
    with collecting(tmp_path_factory.mktemp("collector"), kafka_source(kafka), **settings) as process:
        yield process


@pytest.fixture(scope="session")
def streams(kafka):
    """Reads what is new on the stream, and on the stream of bad events: as JSON."""
    good, bad = Topic(kafka, STREAM), Topic(kafka, f"{STREAM}-bad")

    class Streams:
        def good(self):
            return [json.loads(event) for _, value in good.read() for event in things_in(value)]

        def bad(self):
            return [json.loads(value) for _, value in bad.read()]

    yield Streams()
    good.close()
    bad.close()


@pytest.fixture
def post(collector):
    """Posts anything; gives status, headers and the answer's JSON."""

    def send(body, key=KEY, path="/v1/events", **headers):
        headers = {
            "Content-Type": "application/json",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        if key:
            headers["X-Write-Key"] = key
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        status, answered, content = collector.ask("POST", path, raw, headers)
        return status, answered, json.loads(content)

    return send


_numbers = itertools.count()


@pytest.fixture
def new_id():
    """An identity that no other event has."""
    return lambda: f"test-{next(_numbers)}"
