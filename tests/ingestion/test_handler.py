"""The Lambda function, given events as AWS shapes them, with a real S3 and a real warehouse behind it."""

import json
from pathlib import Path

import pytest
from small_operator import target_of

from ingestion import ledger as ledgers
from ingestion.aws import client
from ingestion.errors import IngestError, RunInProgressError, SourceUnavailableError
from ingestion.handler import handle

EVENTS = Path(__file__).parent / "events"
BUCKET = "operator-usage"
QUEUE = "operator-usage-events"


class Context:
    """An invocation with a time that runs out by so much at every look."""

    def __init__(self, milliseconds=900_000, a_look=0):
        self.left = milliseconds
        self.a_look = a_look

    def get_remaining_time_in_millis(self):
        self.left -= self.a_look
        return self.left


@pytest.fixture
def keys(served):
    found = client("usage", "s3").list_objects_v2(Bucket=BUCKET, Prefix="usage/")["Contents"]
    return sorted(one["Key"] for one in found)


def event(name, **values):
    text = (EVENTS / f"{name}.json").read_text()
    for place, value in values.items():
        text = text.replace(f'"@{place}"', json.dumps(value)).replace(f"@{place}", value)
    return json.loads(text)


def queued(*keys):
    """A batch of messages, one for each key, and one that is no notification."""
    batch = event("sqs_messages", QUEUE=QUEUE)
    announced, strange = batch["Records"]
    records = []
    for number, key in enumerate(keys):
        notification = json.dumps(event("s3_object_created", BUCKET=BUCKET, KEY=key))
        records.append({**announced, "messageId": f"{number}", "body": notification})
    return {"Records": [*records, strange]}, strange["messageId"]


def uris(warehouse):
    with warehouse.connect() as connection:
        there = connection.execute("select to_regclass('raw_usage._deliveries')").fetchone()[0]
        found = connection.execute("select uri from raw_usage._deliveries order by 1").fetchall() if there else []
    return [uri.removeprefix(f"s3://{BUCKET}/") for (uri,) in found]


def failed(answer):
    return [one["itemIdentifier"] for one in answer["batchItemFailures"]]


def test_messages_that_are_done_with_are_not_named_again(keys, warehouse):
    batch, strange = queued(*keys[:3], "usage/nobody_made_this.tar.gz")
    answer = handle(batch, Context())
    # an object that is gone will not come by trying again
    assert failed(answer) == [strange]
    assert uris(warehouse) == keys[:3]
    again, strange = queued(keys[0], "elsewhere/file.csv")
    assert failed(handle(again, Context())) == ["1", strange], "what no table is for goes to the dead letters"
    assert uris(warehouse) == keys[:3]


def test_time_that_runs_out_leaves_the_rest_of_the_messages(keys, warehouse):
    batch, _ = queued(*keys)
    # asked for the first time there are 100 seconds, of which 25 are kept; every look costs 30
    answer = handle(batch, Context(130_000, a_look=30_000))
    landed = uris(warehouse)
    assert 0 < len(landed) < len(keys)
    assert landed == keys[: len(landed)]
    assert failed(answer)[:-1] == [str(number) for number in range(len(landed), len(keys))]


def test_messages_come_again_when_the_warehouse_is_away(keys, monkeypatch):
    monkeypatch.setenv("MAJAKKA_WAREHOUSE_PORT", "1")
    batch, strange = queued(*keys[:2])
    assert failed(handle(batch, Context())) == ["0", "1", strange]


def test_messages_come_again_when_another_run_does_not_end_in_time(keys, warehouse):
    batch, strange = queued(keys[0])
    target = target_of(warehouse)
    with target.connect() as connection, ledgers.run_lock(connection, target, "raw_usage"):
        assert failed(handle(batch, Context(100_000, a_look=80_000))) == ["0", strange]
    assert uris(warehouse) == []


def test_a_queue_of_no_source_is_a_mistake(served):
    with pytest.raises(IngestError, match="no source has the queue nobodys-queue"):
        handle(event("sqs_messages", QUEUE="nobodys-queue"), Context())


@pytest.mark.parametrize("shape", ["s3_object_created", "eventbridge_object_created"])
def test_a_notification_without_a_queue(keys, warehouse, shape):
    answer = handle(event(shape, BUCKET=BUCKET, KEY=keys[0]), Context())
    assert answer["reports"][0]["resources"][0]["deliveries"] == 1
    assert uris(warehouse) == keys[:1]
    assert json.dumps(answer)
    with pytest.raises(IngestError, match="no source has a table for what this event announces"):
        handle(event(shape, BUCKET=BUCKET, KEY="elsewhere/file.csv"), Context())


def test_a_notification_that_cannot_be_landed_fails_so_that_it_is_tried_again(keys, warehouse):
    target = target_of(warehouse)
    with (
        target.connect() as connection,
        ledgers.run_lock(connection, target, "raw_usage"),
        pytest.raises(RunInProgressError),
    ):
        handle(event("s3_object_created", BUCKET=BUCKET, KEY=keys[0]), Context(100_000, a_look=80_000))


def test_a_test_message_of_s3_is_nothing(served):
    assert handle({"source": "aws.s3", "detail-type": "Object Tags Added"}, Context()) == {"reports": []}


@pytest.mark.parametrize(
    "schedule", [{"source": "crm"}, {"sources": ["crm"]}, event("eventbridge_rule"), {"source": "crm", "full": True}]
)
def test_a_schedule_names_its_source(served, schedule):
    answer = handle(schedule, Context())
    assert answer["stopped"] is False
    assert [line["resource"] for line in answer["reports"][0]["resources"]] == [
        "customers",
        "contact_media",
        "consents",
    ]
    assert answer["reports"][0]["resources"][0]["landed"] > 0


def test_a_schedule_without_time_leaves_all_to_the_next(served):
    assert handle({"sources": ["crm", "billing"]}, Context(100_000, a_look=80_000)) == {"reports": [], "stopped": True}


def test_a_schedule_fails_if_one_of_its_sources_does_and_runs_the_others(served, warehouse, monkeypatch):
    monkeypatch.setenv("SOURCES__CATALOG__TOKEN", "open sesame")
    with pytest.raises(SourceUnavailableError, match="catalog"):
        handle({"sources": ["catalog", "crm"]}, Context())
    with warehouse.connect() as connection:
        assert connection.execute("select count(*) > 0 from raw_crm.customers").fetchone() == (True,)


@pytest.mark.parametrize("strange", [{}, {"source": "nonsense"}, {"Records": []}, {"detail": {"source": 3}}])
def test_an_event_of_no_kind_is_refused_with_its_text(served, strange):
    with pytest.raises(IngestError, match="this event is no S3 notification"):
        handle(strange, Context())
