"""Kinesis: shards that split and merge, iterators that expire, a server that is too busy, records that are gone.

The server is moto, in this process. It moves a shard's records along when the shard is split or merged, still puts
new ones into it, and never lets go of one; where Kinesis does otherwise, so does `ShardedStream`.
"""

import uuid
from collections import OrderedDict
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import boto3
import pytest
import requests
from botocore.config import Config
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.kinesis.models import kinesis_backends
from moto.moto_server.threaded_moto_server import ThreadedMotoServer
from servers.aws import KEYS, REGION
from servers.events import consuming, event, together, until
from servers.reading import configure
from servers.web import Answer, Web
from small_operator import target_of

from ingestion import sources
from ingestion.errors import RecordsLostError, SourceUnavailableError
from ingestion.landing import land


@pytest.fixture(scope="module")
def endpoint():
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    yield f"http://127.0.0.1:{server.get_host_and_port()[1]}"
    server.stop()


@pytest.fixture
def stream(endpoint, monkeypatch):
    """A stream of the test's own, as the source `events` has it."""
    stream = ShardedStream(endpoint)
    pace = {"batch_seconds": 0.2, "lease_seconds": 1.5}
    configure(monkeypatch, "events", endpoint_url=endpoint, region=REGION, stream=stream.name, **pace, **KEYS)
    return stream


@pytest.fixture
def target(warehouse):
    return target_of(warehouse)


class ShardedStream:
    """Two shards to begin with; knows the ids of the events that were sent to it."""

    def __init__(self, endpoint):
        self.name = f"events-{uuid.uuid4().hex[:8]}"
        self.sent = []
        config = Config(proxies={}, retries={"max_attempts": 1})
        self.client = boto3.client("kinesis", endpoint_url=endpoint, region_name=REGION, config=config, **KEYS)
        self.client.create_stream(StreamName=self.name, ShardCount=2)

    def send(self, count):
        ids = [uuid.uuid4().hex for _ in range(count)]
        records = [{"Data": event(one), "PartitionKey": one} for one in ids]
        assert self.client.put_records(StreamName=self.name, Records=records)["FailedRecordCount"] == 0
        self.sent += ids

    def send_together(self, count):
        """Several in one record."""
        ids = [uuid.uuid4().hex for _ in range(count)]
        self.client.put_record(StreamName=self.name, Data=together([event(one) for one in ids]), PartitionKey="d-1")
        self.sent += ids

    def shards(self):
        return self.client.list_shards(StreamName=self.name)["Shards"]

    def open_shards(self):
        return [shard for shard in self.shards() if "EndingSequenceNumber" not in shard["SequenceNumberRange"]]

    def split(self, shard):
        keys = shard["HashKeyRange"]
        middle = (int(keys["StartingHashKey"]) + int(keys["EndingHashKey"])) // 2
        with self._records_stay():
            self.client.split_shard(StreamName=self.name, ShardToSplit=shard["ShardId"], NewStartingHashKey=str(middle))

    def merge(self, shard, other):
        with self._records_stay():
            self.client.merge_shards(
                StreamName=self.name, ShardToMerge=shard["ShardId"], AdjacentShardToMerge=other["ShardId"]
            )

    def forget(self, count):
        """The oldest records of each shard are gone."""
        for shard in self._shards().values():
            for number in list(shard.records)[:count]:
                del shard.records[number]

    def kept(self):
        """How many records there are."""
        return sum(len(shard.records) for shard in self._shards().values())

    @contextmanager
    def _records_stay(self):
        records = {name: dict(shard.records) for name, shard in self._shards().items()}
        yield
        for name, shard in self._shards().items():
            shard.records = OrderedDict(records.get(name, {}))
            if not shard.is_open:
                # it takes nothing more
                shard.ending_hash = shard.starting_hash - 1

    def _shards(self):
        return kinesis_backends[DEFAULT_ACCOUNT_ID][REGION].streams[self.name].shards


def query(target, sql):
    with target.connect() as connection:
        return connection.execute(sql).fetchall()


def ids(target):
    return [one for (one,) in query(target, "select event_id from raw_events.events")]


def fetched(target):
    return land(sources.find("events"), target).resources[0].fetched


def test_shards_that_split_and_merge_are_read_parents_first(target, stream):
    stream.send(20)
    stream.send_together(5)
    with consuming(target) as consumer:
        until(lambda: len(consumer.scopes) == 2)
        first, second = stream.open_shards()
        stream.send(20)
        stream.split(first)
        stream.send(20)
        left, right = [shard for shard in stream.open_shards() if shard["ShardId"] != second["ShardId"]]
        stream.merge(left, right)
        stream.send(20)
        wanted = {f"kinesis://{stream.name}/{shard['ShardId']}" for shard in stream.open_shards()}
        until(lambda: consumer.scopes == wanted and len(ids(target)) == 85)
    assert sorted(ids(target)) == sorted(stream.sent)
    ended = query(target, "select scope from raw_events._leases where ended_at is not null order by ended_at, scope")
    name = f"kinesis://{stream.name}"
    assert ended == [(f"{name}/{shard['ShardId']}",) for shard in (first, left, right)]
    # and in a single run, from the beginning
    query(target, "delete from raw_events._leases returning 1")
    query(target, "delete from raw_events._deliveries returning 1")
    query(target, "delete from raw_events.events returning 1")
    assert (fetched(target), fetched(target)) == (85, 0)
    assert sorted(ids(target)) == sorted(stream.sent)


@contextmanager
def faulty(endpoint, faults):
    """The server, behind one that answers every GetRecords with the next fault, if there is one left."""

    def answer(asked):
        headers = {name: value for name, value in asked.headers.items() if name != "host"}
        if headers.get("x-amz-target", "").endswith("GetRecords") and faults and (fault := faults.pop(0)):
            return Answer(f'{{"__type":"{fault}","message":"not now"}}'.encode(), 400)
        got = requests.post(endpoint, asked.body, headers=headers, timeout=10)
        return Answer(got.content, got.status_code, {"Content-Type": got.headers["Content-Type"]})

    with Web(answer) as web:
        yield web


def test_iterators_that_expire_and_a_server_that_is_too_busy(target, stream, endpoint, monkeypatch):
    # the client itself tries again when it is told that it asks too often; these are too many for it
    faults = [None, "ExpiredIteratorException", *["ProvisionedThroughputExceededException"] * 3, None, None]
    monkeypatch.setattr("ingestion.aws.ATTEMPTS", 2)
    stream.send(30)
    assert fetched(target) == 30
    with faulty(endpoint, faults) as web:
        configure(monkeypatch, "events", endpoint_url=web.url)
        stream.send(10)
        assert fetched(target) == 10
        faults[:] = ["ExpiredIteratorException"] * 2
        stream.send(10)
        assert fetched(target) == 10
        assert not faults
        faults[:] = ["AccessDeniedException"]
        with pytest.raises(SourceUnavailableError, match=r"events: AWS: .*AccessDenied.*see sources\.events"):
            fetched(target)
    assert sorted(ids(target)) == sorted(stream.sent)


def test_a_quiet_stream_may_forget_what_has_landed(target, stream):
    stream.send(20)
    assert fetched(target) == 20
    stream.forget(100)
    # the last run saw its end not long ago: everything that it has let go had landed
    assert fetched(target) == 0


def test_records_that_a_stream_has_forgotten_are_told_and_never_passed_over(target, stream):
    stream.send(20)
    assert fetched(target) == 20
    stream.send(20)
    stream.forget(15)
    before = datetime.now(UTC) - timedelta(hours=30)
    query(target, f"update raw_events._leases set read_until = '{before}' returning 1")
    lost = rf"no longer has the last .* 24 hours, so what arrived after {before:%Y-%m-%d %H:%M:%S} UTC and before"
    with pytest.raises(RecordsLostError, match=lost):
        fetched(target)
    with consuming(target, accept_loss=True) as consumer:
        until(lambda: len(ids(target)) == 20 + stream.kept())
    assert [type(error) for error in consumer.told] == [RecordsLostError]
    assert len(set(ids(target))) == 20 + stream.kept()
