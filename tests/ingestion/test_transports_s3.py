"""S3, polled and announced: every object once, whole, whatever the queue and the line between do."""

import json
import logging
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote_plus

import pytest
from moto.moto_server.threaded_moto_server import ThreadedMotoServer
from servers.aws import KEYS, Bucket
from servers.cutting_proxy import CuttingProxy
from servers.reading import IMPATIENT, Reader, Whole, configure, dice
from servers.web import Answer, Web

from ingestion.delivery import Request
from ingestion.errors import IngestError, SourceUnavailableError
from ingestion.transports.notices import Notice, notices
from ingestion.transports.s3_events import Message, S3Events
from ingestion.transports.s3_objects import S3Objects
from ingestion.transports.s3_prefix import S3Prefix


@pytest.fixture(scope="module")
def endpoint():
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    yield f"http://127.0.0.1:{server.get_host_and_port()[1]}"
    server.stop()


@pytest.fixture
def bucket(endpoint, monkeypatch):
    """A bucket and its queue, as the source `calls` has them."""
    bucket = Bucket(endpoint)
    configure(monkeypatch, "calls", **bucket.settings())
    return bucket


@pytest.fixture
def reader(tmp_path):
    return Reader(tmp_path)


USAGE = {"usage": S3Objects("usage/", Whole(), "*.bin"), "tickets": S3Objects("tickets/", Whole())}


def prefix():
    return S3Prefix("calls", USAGE, IMPATIENT)


def events(**more):
    return S3Events("calls", USAGE, patience=IMPATIENT, **more)


def created(bucket, *keys):
    """S3's own notification."""
    return {
        "Records": [
            {
                "eventName": "ObjectCreated:Put",
                "s3": {"bucket": {"name": bucket.name}, "object": {"key": quote_plus(key)}},
            }
            for key in keys
        ]
    }


# polled


def test_new_and_changed_objects_come_and_others_do_not(bucket, reader, monkeypatch):
    """Over several pages of the listing, and only what matches."""
    monkeypatch.setenv("MOTO_S3_DEFAULT_MAX_KEYS", "3")
    for number in range(8):
        bucket.put(f"usage/2026/{number}.bin", b"%d" % number)
    bucket.put("usage/readme.txt", b"not ours")
    bucket.put("usage/", b"")
    bucket.put("tickets/a b+c#1.json", b"a ticket")
    bucket.put("other/1.bin", b"not ours")
    found = reader.contents(prefix())
    ours = {f"s3://{bucket.name}/usage/2026/{number}.bin": b"%d" % number for number in range(8)}
    assert found == {**ours, f"s3://{bucket.name}/tickets/a%20b%2Bc%231.json": b"a ticket"}
    assert reader.contents(prefix()) == {}
    bucket.put("usage/2026/3.bin", b"three")
    assert reader.contents(prefix()) == {f"s3://{bucket.name}/usage/2026/3.bin": b"three"}
    assert len(reader.contents(prefix(), Request(full=True, most=5))) == 5
    assert list(reader.folder.iterdir()) == []


def test_a_window_is_of_the_times_of_modification(bucket, reader):
    bucket.put("usage/1.bin", b"1")
    now = datetime.now(UTC)
    assert reader.contents(prefix(), Request(until=now - timedelta(days=1))) == {}
    assert len(reader.contents(prefix(), Request(since=now - timedelta(days=1)))) == 1
    assert len(reader.contents(prefix(), Request(since=now - timedelta(days=1)))) == 1


def test_an_object_that_goes_away_after_it_was_listed_is_told(bucket, reader):
    for number in range(8):
        bucket.put(f"usage/{number}.bin", b"1")
    deliveries = prefix().deliveries(reader.ledger, reader.folder, reader.said.append)
    next(deliveries)
    bucket.s3.delete_object(Bucket=bucket.name, Key="usage/7.bin")
    assert len(list(deliveries)) == 6
    assert f"s3://{bucket.name}/usage/7.bin was deleted since it was listed" in reader.said


def test_a_body_cut_anywhere_is_fetched_again_and_whole(bucket, reader, monkeypatch):
    thrown = dice(3)
    contents = {f"s3://{bucket.name}/usage/{n}.bin": thrown.randbytes(200_000) for n in range(20)}
    for uri, content in contents.items():
        bucket.put(uri.partition("/usage/")[2].join(("usage/", "")), content)
    port = int(bucket.endpoint.rpartition(":")[2])
    # the first connection lists; headers take some 400 bytes of an answer
    with CuttingProxy(port, [None, *(thrown.randrange(500, 200_000) for _ in range(15))]) as proxy:
        configure(monkeypatch, "calls", endpoint_url=f"http://127.0.0.1:{proxy.port}")
        assert reader.contents(prefix()) == contents
        assert proxy.broken >= 10


def test_a_line_that_always_breaks_hands_over_nothing(bucket, reader, monkeypatch):
    bucket.put("usage/1.bin", bytes(200_000))
    with CuttingProxy(int(bucket.endpoint.rpartition(":")[2]), [50_000] * 50) as proxy:
        configure(monkeypatch, "calls", endpoint_url=f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(
            SourceUnavailableError, match=r"calls: s3://.*/usage/1\.bin could not be fetched whole in 6"
        ):
            reader.contents(prefix())
    assert reader.ledger.landed == {}


def lying_s3(asked):
    """A listing of three objects; the content of the second is never what its ETag says, the third is not for us."""
    if "list-type" in asked.query:
        return Answer(
            b"<ListBucketResult><IsTruncated>false</IsTruncated><KeyCount>3</KeyCount>"
            + b"".join(
                b"<Contents><Key>usage/%d.bin</Key><Size>1</Size><ETag>&quot;%s&quot;</ETag>"
                b"<LastModified>2026-10-0%dT00:00:00Z</LastModified></Contents>" % (n, ETAG_OF_1, n)
                for n in (1, 2, 3)
            )
            + b"</ListBucketResult>",
            headers={"Content-Type": "application/xml"},
        )
    if asked.path.endswith("3.bin"):
        return Answer(b"<Error><Code>AccessDenied</Code></Error>", 403, {"Content-Type": "application/xml"})
    content = b"1" if asked.path.endswith("1.bin") else b"2"
    return Answer(content, headers={"ETag": f'"{ETAG_OF_1.decode()}"'})


ETAG_OF_1 = b"c4ca4238a0b923820dcc509a6f75849b"


def test_an_object_that_cannot_be_had_as_it_is_is_set_aside_and_the_others_come(bucket, reader, monkeypatch):
    with Web(lying_s3) as web:
        configure(monkeypatch, "calls", endpoint_url=web.url)
        assert list(reader.contents(prefix()).values()) == [b"1"]
        assert sum(asked.path.endswith("2.bin") for asked in web.asked) == IMPATIENT.attempts
    damaged, forbidden = (reader.set_aside[f"s3://{bucket.name}/usage/{n}.bin"] for n in (2, 3))
    assert "in 6 attempts: its MD5 is not its ETag" in str(damaged)
    assert "3.bin cannot be read: An error occurred (AccessDenied)" in str(forbidden)


@pytest.mark.parametrize("code", ["InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied"])
def test_refused_keys_are_told_without_the_secret(bucket, reader, monkeypatch, caplog, code):
    caplog.set_level(logging.INFO)
    refusal = f"<Error><Code>{code}</Code><Message>no entry</Message></Error>".encode()
    with Web(lambda _: Answer(refusal, 403, {"Content-Type": "application/xml"})) as web:
        configure(monkeypatch, "calls", endpoint_url=web.url)
        for attempt in (reader.contents, lambda transport: transport.check()):
            with pytest.raises(SourceUnavailableError, match=f"{code}.*see sources.calls") as told:
                attempt(prefix())
            for text in (str(told.value), str(told.value.__cause__), caplog.text):
                assert KEYS["aws_secret_access_key"] not in text


def test_check_lists_without_fetching(bucket):
    bucket.put("tickets/1", b"1")
    assert prefix().check() == [
        f"usage: s3://{bucket.name}/usage/ can be listed and has no objects yet",
        f"tickets: s3://{bucket.name}/tickets/ can be listed and has objects",
    ]


# announced

EVENT = {"bucket": {"name": "b"}, "object": {"key": "a+b%2Fc%C3%A4.bin", "eTag": "1", "size": 1}}
S3_EVENT = {"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": EVENT}]}
BRIDGED = {"source": "aws.s3", "detail": {"bucket": {"name": "b"}, "object": {"key": "a+b%2Fc.bin"}}}
MADE = [Notice("b", "a b/cä.bin", made=True)]


@pytest.mark.parametrize(
    ("body", "meant"),
    [
        (S3_EVENT, MADE),
        ({"Type": "Notification", "Message": json.dumps(S3_EVENT)}, MADE),
        ({"Records": [{"EventSource": "aws:sns", "Sns": {"Message": json.dumps(S3_EVENT)}}]}, MADE),
        ({"Records": S3_EVENT["Records"] * 3}, MADE * 3),
        ({"Records": [{"eventName": "s3:ObjectCreated:CompleteMultipartUpload", "s3": EVENT}]}, MADE),
        ({"Records": [{"eventName": "ObjectRemoved:Delete", "s3": EVENT}]}, [Notice("b", "a b/cä.bin", made=False)]),
        ({"Records": [{"eventName": "ObjectTagging:Put", "s3": EVENT}]}, []),
        # EventBridge does not quote the key
        ({**BRIDGED, "detail-type": "Object Created"}, [Notice("b", "a+b%2Fc.bin", made=True)]),
        ({**BRIDGED, "detail-type": "Object Deleted"}, [Notice("b", "a+b%2Fc.bin", made=False)]),
        ({**BRIDGED, "detail-type": "Object Tags Added"}, []),
        ({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "b"}, []),
        ({"Type": "Notification", "Message": "hello"}, None),
        ({"Records": [{"eventName": "ObjectCreated:Put"}]}, None),
        ({"source": "aws.ec2", "detail-type": "Object Created"}, None),
        ({}, None),
        ([], None),
        ("hello", None),
    ],
)
def test_what_a_message_means(body, meant):
    assert notices(json.dumps(body)) == meant


def test_envelopes_without_end_are_not_opened():
    body = json.dumps(S3_EVENT)
    for _ in range(6):
        body = json.dumps({"Type": "Notification", "Message": body})
    assert notices(body) is None
    assert notices("{") is None


def test_s3_announces_and_the_queue_is_empty_when_all_has_landed(bucket, reader):
    bucket.announce()
    bucket.put("usage/a b+c/ä.bin", b"1")
    bucket.put("tickets/1.json", b"2")
    bucket.put("tickets/gone.json", b"3")
    bucket.s3.delete_object(Bucket=bucket.name, Key="tickets/gone.json")
    found = reader.contents(events())
    assert found == {
        f"s3://{bucket.name}/usage/a%20b%2Bc/%C3%A4.bin": b"1",
        f"s3://{bucket.name}/tickets/1.json": b"2",
    }
    assert f"s3://{bucket.name}/tickets/gone.json is announced and no longer there" in reader.said
    assert bucket.waiting() == (0, 0)
    assert reader.contents(prefix()) == {}, "polled, the same objects are the same deliveries"


@pytest.mark.parametrize("seed", range(2))
def test_messages_twice_and_in_any_order_land_every_object_once(bucket, reader, seed):
    thrown = dice(seed)
    keys = [f"usage/{number}.bin" for number in range(25)]
    for key in keys:
        bucket.put(key, key.encode())
    bodies = [created(bucket, *keys[start : start + 3]) for start in range(0, 25, 3)] * 2
    thrown.shuffle(bodies)
    for body in bodies:
        bucket.send(body)
    found = reader.contents(events())
    assert found == {f"s3://{bucket.name}/{key}": key.encode() for key in keys}
    assert bucket.waiting() == (0, 0)
    bucket.send(bodies[0])
    assert reader.contents(events()) == {}
    assert bucket.waiting() == (0, 0)


def test_an_object_that_cannot_be_read_goes_to_the_dead_letters_and_comes_back_mended(bucket, reader):
    """The others land at once; its message is tried as often as the queue says; redriven, it lands."""
    for number in range(6):
        bucket.put(f"usage/{number}.bin", b"damaged" if number == 2 else b"%d" % number)
        bucket.send(created(bucket, f"usage/{number}.bin"))
    bad = f"s3://{bucket.name}/usage/2.bin"
    transport = S3Events("calls", USAGE)
    assert set(reader.contents(transport).values()) == {b"0", b"1", b"3", b"4", b"5"}
    assert list(reader.set_aside) == [bad]
    assert sum(bucket.waiting()) == 1
    for _ in range(2):
        bucket.let_go()
        assert reader.contents(transport) == {}
        assert list(reader.set_aside) == [bad]
    bucket.let_go()
    assert reader.contents(transport) == {}
    assert reader.set_aside == {}
    assert (bucket.waiting(), bucket.waiting(bucket.dead_url)) == ((0, 0), (1, 0))
    assert transport.check() == [
        f"the queue {bucket.queue} answers; about 0 messages",
        f"after 3 attempts a message goes to {bucket.queue}-dead, which has about 1",
        f"usage: s3://{bucket.name}/usage/ can be listed and has objects",
        f"tickets: s3://{bucket.name}/tickets/ can be listed and has no objects yet",
    ]
    bucket.put("usage/2.bin", b"2")
    assert transport.redrive(reader.said.append) == 1
    assert reader.contents(transport) == {bad: b"2"}
    assert (bucket.waiting(), bucket.waiting(bucket.dead_url)) == ((0, 0), (0, 0))


def test_a_message_with_one_bad_object_keeps_none_of_its_others_back(bucket, reader):
    bucket.put("usage/1.bin", b"damaged")
    bucket.put("usage/2.bin", b"2")
    bucket.send(created(bucket, "usage/1.bin", "usage/2.bin"))
    assert list(reader.contents(events()).values()) == [b"2"]
    assert sum(bucket.waiting()) == 1
    bucket.put("usage/1.bin", b"1")
    bucket.let_go()
    assert list(reader.contents(events()).values()) == [b"1"]
    assert bucket.waiting() == (0, 0)


@pytest.mark.parametrize(
    "key", [None, "x", "usage/1.bin"], ids=["no notification", "of no table", "of no bucket of ours"]
)
def test_a_message_that_is_not_for_us_stays_and_the_others_land(bucket, reader, key):
    bucket.put("usage/1.bin", b"1")
    record = {"eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": "b"}, "object": {"key": key}}}
    bucket.send({"Records": [record]} if key else "hello")
    bucket.send(created(bucket, "usage/1.bin"))
    assert list(reader.contents(events()).values()) == [b"1"]
    assert sum(bucket.waiting()) == 1


def test_what_did_not_land_is_let_go_at_once(bucket, reader):
    """A run that ends early: its messages are there for the next one, without waiting for their time-out."""
    for number in range(12):
        bucket.put(f"usage/{number}.bin", b"%d" % number)
        bucket.send(created(bucket, f"usage/{number}.bin"))
    assert len(reader.contents(events(), stop_after=3)) == 3
    assert bucket.waiting() == (9, 0)
    assert len(reader.contents(events(), Request(most=4))) == 4
    assert bucket.waiting() == (5, 0)
    assert len(reader.contents(events())) == 5
    assert bucket.waiting() == (0, 0)


def test_messages_are_held_for_as_long_as_the_work_takes(bucket, reader):
    """The thread behind the queue extends their time-out before it ends."""
    from moto.core.models import DEFAULT_ACCOUNT_ID
    from moto.sqs.models import sqs_backends

    bucket.put("usage/1.bin", b"1")
    bucket.send(created(bucket, "usage/1.bin"))
    queue = sqs_backends[DEFAULT_ACCOUNT_ID]["eu-north-1"].queues[bucket.queue]
    transport = events(held_seconds=3)
    deliveries = transport.deliveries(reader.ledger, reader.folder, reader.said.append)
    delivery = next(deliveries)
    (message,) = queue._messages
    first = until = message.visible_at
    deadline = datetime.now(UTC) + timedelta(seconds=20)
    while until == first and datetime.now(UTC) < deadline:
        threading.Event().wait(0.02)
        until = message.visible_at
    assert until > first
    transport.acknowledge([delivery])
    assert list(deliveries) == []
    transport.close()
    assert bucket.waiting() == (0, 0)


CONSUMER = """
import sys
from pathlib import Path
from ingestion.ledger import Ledger
from ingestion.transports.s3_events import S3Events, S3Objects
from servers.reading import Whole
transport = S3Events("calls", {"usage": S3Objects("usage/", Whole())})
deliveries = iter(transport.deliveries(Ledger({}, {}), Path(sys.argv[1]), print))
print(next(deliveries).uri, flush=True)
sys.stdin.read()
"""


def test_messages_of_a_killed_consumer_are_waited_for(bucket, reader, tmp_path):
    """Killed with messages in hand: nobody extends their time-out any more, and the next run has them all."""
    for number in range(8):
        bucket.put(f"usage/{number}.bin", b"%d" % number)
        bucket.send(created(bucket, f"usage/{number}.bin"))
    (folder := tmp_path / "of the killed").mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", CONSUMER, folder],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parent)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as consumer:
        assert consumer.stdout.readline().startswith(f"s3://{bucket.name}/usage/")
        consumer.kill()
    assert bucket.waiting() == (0, 8)

    class Said(list):
        def append(self, sentence):
            super().append(sentence)
            if "messages that an interrupted run still holds" in sentence:
                bucket.let_go()

    reader.said = Said()
    assert len(reader.contents(events())) == 8
    assert "waiting for 8 messages that an interrupted run still holds (up to 30 s)" in reader.said
    assert bucket.waiting() == (0, 0)


def test_an_object_that_changes_during_the_run_comes_with_the_next_one(bucket, reader):
    bucket.put("usage/1.bin", b"old")
    bucket.send(created(bucket, "usage/1.bin"))
    transport = events()
    deliveries = transport.deliveries(reader.ledger, reader.folder, reader.said.append)
    first = next(deliveries)
    bucket.put("usage/1.bin", b"new")
    # received behind the first: more messages than are fetched ahead
    for number in range(6):
        bucket.put(f"tickets/{number}", b"1")
        bucket.send(created(bucket, f"tickets/{number}"))
    bucket.send(created(bucket, "usage/1.bin"))
    assert first.uri not in {delivery.uri for delivery in deliveries}
    transport.acknowledge([first])
    transport.close()
    assert bucket.waiting()[1] == 0
    found = reader.contents(events())
    assert found[first.uri] == b"new"
    assert bucket.waiting() == (0, 0)


def test_messages_that_somebody_else_holds_are_only_reported(bucket, reader):
    """As Lambda hands them over: what has not landed is named, and nothing is deleted by us."""
    bucket.put("usage/1.bin", b"1")
    bucket.put("usage/2.bin", b"damaged")
    bodies = [created(bucket, "usage/1.bin"), created(bucket, "usage/2.bin"), created(bucket, "usage/1.bin"), "hello"]
    messages = [Message(f"m{n}", json.dumps(body), f"r{n}") for n, body in enumerate(bodies, start=1)]
    transport = events().given(messages)
    assert list(reader.contents(transport).values()) == [b"1"]
    assert transport.unfinished() == ["m2", "m4"]
    # what a run that is stopped early has not looked at must come again, too
    bucket.put("usage/2.bin", b"2")
    transport = events().given(messages)
    assert list(reader.contents(transport, Request(most=2)).values()) == [b"2"]
    assert transport.unfinished() == ["m3", "m4"]


def test_a_listened_queue_gives_what_comes_meanwhile(bucket, reader):
    """A long poll ends with the first message, not with its time."""
    bucket.put("usage/1.bin", b"1")
    transport = events(wait_seconds=20)
    deliveries = transport.deliveries(reader.ledger, reader.folder, reader.said.append)
    bucket.send(created(bucket, "usage/1.bin"))
    (delivery,) = deliveries
    assert delivery.uri.endswith("/usage/1.bin")
    transport.close()
    assert bucket.waiting() == (1, 0)


def test_the_past_is_listed_and_the_queue_left_alone(bucket, reader, monkeypatch):
    bucket.put("usage/1.bin", b"1")
    bucket.send(created(bucket, "usage/1.bin"))
    assert len(reader.contents(events(), Request(full=True))) == 1
    assert bucket.waiting() == (1, 0)
    monkeypatch.delenv("SOURCES__CALLS__BUCKET")
    with pytest.raises(IngestError, match=r"set sources\.calls\.bucket"):
        reader.contents(events(), Request(full=True))


class MovingSqs:
    """SQS with message move tasks, which moto has not: a task that is done when it is asked for the second time."""

    def __init__(self, ends):
        self.ends = ends
        self.asked = []

    def __call__(self, asked):
        action = asked.headers["x-amz-target"].rpartition(".")[2]
        self.asked.append(action)
        moved = {"Status": "RUNNING", "ApproximateNumberOfMessagesMoved": 2}
        if self.asked.count("ListMessageMoveTasks") > 1:
            moved = {"Status": self.ends, "ApproximateNumberOfMessagesMoved": 7, "FailureReason": "AccessDenied"}
        policy = json.dumps({"deadLetterTargetArn": "arn:aws:sqs:eu-north-1:1:dead", "maxReceiveCount": 3})
        answers = {
            "GetQueueUrl": {"QueueUrl": "http://sqs/1/dead"},
            "GetQueueAttributes": {"Attributes": {"RedrivePolicy": policy}},
            "StartMessageMoveTask": {"TaskHandle": "task"},
            "ListMessageMoveTasks": {"Results": [moved]},
        }
        return Answer(json.dumps(answers[action]).encode(), headers={"Content-Type": "application/x-amz-json-1.0"})


def test_dead_letters_are_moved_by_the_queue_itself_where_it_can(bucket, monkeypatch):
    with Web(MovingSqs("COMPLETED")) as web:
        configure(monkeypatch, "calls", endpoint_url=web.url)
        assert events().redrive(print) == 7
    with Web(MovingSqs("FAILED")) as web:
        configure(monkeypatch, "calls", endpoint_url=web.url)
        with pytest.raises(IngestError, match="moving the messages of dead ended FAILED: AccessDenied"):
            events().redrive(print)


def test_a_queue_without_dead_letters_is_told(bucket, endpoint, monkeypatch):
    bucket.sqs.create_queue(QueueName=f"{bucket.name}-plain")
    configure(monkeypatch, "calls", queue=f"{bucket.name}-plain")
    assert "no dead-letter queue" in events().check()[1]
    with pytest.raises(IngestError, match="no dead-letter queue"):
        events().redrive(print)
    configure(monkeypatch, "calls", queue="nobodys")
    with pytest.raises(SourceUnavailableError, match=r"see sources\.calls"):
        events().check()
