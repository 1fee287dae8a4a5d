"""Producers on real brokers over the wire: what they acknowledge is there, and what they give up they give back."""

import asyncio
import base64
import json
import uuid
from collections import Counter, defaultdict
from itertools import chain

import boto3
import pytest
from botocore.config import Config
from moto.moto_server.threaded_moto_server import ThreadedMotoServer
from servers.aws import KEYS, REGION
from servers.reading import configure
from servers.web import Answer, Web

from benchmarks.collecting import Topic
from ingestion.errors import IngestError
from ingestion.streams import kafka_producer, kinesis_producer
from ingestion.streams.producer import Record, open_producer
from standin.local_kafka import running

PATIENCE = 1.0


@pytest.fixture(scope="module")
def kafka():
    with running() as broker:
        yield broker


@pytest.fixture
def topic(kafka, monkeypatch):
    name = f"events-{uuid.uuid4().hex[:8]}"
    kafka.create_topic(name, 3)
    configure(monkeypatch, "events", kind="kafka", stream=name, bootstrap_servers=kafka.bootstrap_servers)
    return name


@pytest.fixture(scope="module")
def moto():
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    yield f"http://127.0.0.1:{server.get_host_and_port()[1]}"
    server.stop()


def records(stream, count, first=0, keys=7):
    return [Record(stream, f"d-{number % keys}", b"%d" % number) for number in range(first, first + count)]


def with_producer(work, patience=PATIENCE):
    """Runs what needs a producer and its loop."""

    async def run():
        producer = open_producer("events", patience)
        try:
            return await work(producer)
        finally:
            await producer.close()

    return asyncio.run(run())


def in_order(found):
    """The numbers of each key, as the stream has them."""
    numbers = defaultdict(list)
    for key, value in found:
        numbers[key].append(int(value))
    return numbers


def test_kafka_has_what_is_acknowledged_in_the_order_of_its_keys(kafka, topic):
    other = f"{topic}-bad"
    kafka.create_topic(other, 1)

    async def work(producer):
        calls = [producer.send(records(topic, 50, first)) for first in range(0, 1000, 50)]
        # one call may be for two streams
        calls.append(producer.send([*records(topic, 10, 1000), *records(other, 3)]))
        assert all(given_up == () for given_up in await asyncio.gather(*calls))
        # what is acknowledged is there already
        good, bad = Topic(kafka, topic), Topic(kafka, other)
        numbers = in_order(good.read())
        assert sorted(chain(*numbers.values())) == list(range(1010))
        assert all(of_key == sorted(of_key) for of_key in numbers.values())
        assert len(list(bad.read())) == 3
        good.close()
        bad.close()

    with_producer(work, patience=30)


def test_kafka_gives_back_what_it_does_not_get_through(kafka, topic):
    async def work(producer):
        # to connect may take a busy machine longer than the producer's patience
        while await producer.send(records(topic, 1, first=300)):
            pass
        sent = records(topic, 20)
        assert await producer.send(sent) == ()
        kafka.down()
        try:
            lost = records(topic, 20, first=100)
            assert list(await producer.send(lost)) == lost
            assert producer.trouble
        finally:
            kafka.up()
        late = records(topic, 20, first=200)
        while late := await producer.send(late):
            pass
        assert not producer.trouble
        reader = Topic(kafka, topic)
        counts = Counter(int(value) for _, value in reader.read())
        reader.close()
        assert {*range(20), *range(200, 220)} <= counts.keys()

    with_producer(work)


def test_kafka_gives_back_what_it_has_no_room_for(topic, monkeypatch):
    monkeypatch.setattr(kafka_producer, "QUEUE_KBYTES", 1)

    async def work(producer):
        # the last would fit where the one before it does not
        many = [Record(topic, "d", b"%d" % number + b"x" * size) for number, size in enumerate((700, 700, 1))]
        given_up = await producer.send(many)
        assert given_up == many[1:]
        assert "full" in producer.trouble.lower()

    # what it has room for gets through, however busy the machine is
    with_producer(work, patience=30)


def test_kinesis_has_what_is_acknowledged_in_the_order_of_its_keys(moto, monkeypatch):
    # moto numbers records without a lock: of two calls at once, one overwrites records of the other
    monkeypatch.setattr(kinesis_producer, "LANES", 1)
    stream = f"events-{uuid.uuid4().hex[:8]}"
    configure(monkeypatch, "events", stream=stream, endpoint_url=moto, region=REGION, **KEYS)
    kinesis = boto3.client(
        "kinesis", endpoint_url=moto, region_name=REGION, config=Config(retries={"max_attempts": 1}), **KEYS
    )
    kinesis.create_stream(StreamName=stream, ShardCount=2)

    async def work(producer):
        # more than a call of PutRecords takes
        calls = [producer.send(records(stream, 350, first)) for first in range(0, 700, 350)]
        assert all(given_up == [] for given_up in await asyncio.gather(*calls))
        assert await producer.send([]) == ()

    with_producer(work, patience=30)
    found = []
    for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
        place = kinesis.get_shard_iterator(
            StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        got = kinesis.get_records(ShardIterator=place, Limit=10_000)["Records"]
        found += [(record["PartitionKey"], record["Data"]) for record in got]
    numbers = in_order(found)
    assert sorted(chain(*numbers.values())) == list(range(700))
    assert all(of_key == sorted(of_key) for of_key in numbers.values())


class Throttled:
    """Kinesis that takes at most so many records of a call, and refuses the next calls whole if wanted."""

    def __init__(self, most, failing_calls=0):
        self.most = most
        self.failing_calls = failing_calls
        self.calls = []
        self.taken = []

    def __call__(self, asked):
        assert asked.headers["x-amz-target"] == "Kinesis_20131202.PutRecords"
        sent = [(one["PartitionKey"], base64.b64decode(one["Data"])) for one in json.loads(asked.body)["Records"]]
        self.calls.append(len(sent))
        if len(self.calls) <= self.failing_calls:
            return Answer(b'{"__type":"InternalFailure"}', 500)
        taken = sent[: self.most]
        self.taken += taken
        results = [{"SequenceNumber": "1", "ShardId": "shardId-0"}] * len(taken)
        refused = {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "Rate exceeded"}
        results += [refused] * (len(sent) - len(taken))
        answer = {"FailedRecordCount": len(sent) - len(taken), "Records": results}
        return Answer(json.dumps(answer).encode(), headers={"Content-Type": "application/x-amz-json-1.1"})


def test_only_what_kinesis_refuses_is_sent_again(monkeypatch):
    throttled = Throttled(most=60, failing_calls=1)
    with Web(throttled) as web:
        configure(monkeypatch, "events", stream="s", endpoint_url=web.url, region=REGION, **KEYS)

        async def work(producer):
            # one key, so one lane and one call at a time
            assert await producer.send(records("s", 100, keys=1)) == []
            assert not producer.trouble

        with_producer(work, patience=30)
    assert throttled.calls == [100, 100, 40]
    assert [int(value) for _, value in throttled.taken] == list(range(100))


def test_kinesis_gives_back_what_it_does_not_get_through(monkeypatch):
    with Web(Throttled(most=0)) as web:
        configure(monkeypatch, "events", stream="s", endpoint_url=web.url, region=REGION, **KEYS)

        async def work(producer):
            sent = records("s", 5, keys=1)
            assert await producer.send(sent) == sent
            assert "ProvisionedThroughputExceeded" in producer.trouble

        with_producer(work)


def test_a_stream_of_another_kind_is_refused(monkeypatch):
    configure(monkeypatch, "events", kind="pigeons", stream="s")
    with pytest.raises(IngestError, match="'pigeons': choose one of kinesis, kafka"):
        with_producer(None)
