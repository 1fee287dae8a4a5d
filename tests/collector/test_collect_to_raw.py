"""From a POST to a row in raw_events.events, through Kinesis and the source that reads it."""

import json
import uuid

import boto3
import pytest
from botocore.config import Config
from moto.moto_server.threaded_moto_server import ThreadedMotoServer

from benchmarks.collecting import KEY, ORIGIN, SITE, collecting, event
from ingestion.run import run
from ingestion.warehouse import Warehouse

REGION = "eu-north-1"
KEYS = {"aws_access_key_id": "AKIATESTTESTTESTTEST", "aws_secret_access_key": "opensesameopensesameopensesame"}


@pytest.fixture(scope="module")
def kinesis():
    """The settings of a source that leads to a stream, and to one for bad events."""
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    endpoint = f"http://127.0.0.1:{server.get_host_and_port()[1]}"
    stream = f"web-{uuid.uuid4().hex[:8]}"
    client = boto3.client(
        "kinesis", endpoint_url=endpoint, region_name=REGION, config=Config(retries={"max_attempts": 1}), **KEYS
    )
    client.create_stream(StreamName=stream, ShardCount=2)
    client.create_stream(StreamName=f"{stream}-bad", ShardCount=1)
    yield {"kind": "kinesis", "stream": stream, "endpoint_url": endpoint, "region": REGION, **KEYS}
    server.stop()


def test_old_and_new_events_land_side_by_side_as_they_were_sent(kinesis, warehouse, monkeypatch, tmp_path):
    old = event("old-1", "d-1", schema_version="1-0-2", ip="192.0.2.77", search_term="valokuitu €")
    del old["utm_medium"]
    new = event(
        "new-1",
        "d-2",
        event_type="order_placed",
        order_id="O-1",
        order_amount=129.9,
        properties={"lines": [{"sku": "A", "count": 2}], "gift": True},
    )
    custom = event("new-2", "d-2", event_type="custom", event_name="newsletter_joined", page_url=None)
    with collecting(tmp_path, kinesis, stream_seconds=30) as collector:
        headers = {"X-Write-Key": KEY, "Content-Type": "application/json", "Origin": ORIGIN, "User-Agent": "Test/1"}
        # sent twice, as after an answer that was lost
        for body in ([old, new], [new, custom, {"event_type": "nothing"}]):
            status, _, content = collector.ask("POST", "/v1/events", json.dumps(body).encode(), headers)
            assert status in (200, 207), content
        assert collector.stop() == 0
    for key, value in kinesis.items():
        monkeypatch.setenv(f"SOURCES__EVENTS__{key.upper()}", value)
    target = Warehouse(warehouse.host, warehouse.port, warehouse.user, warehouse.password, warehouse.database)
    (line,) = run("events", target).resources
    assert (line.fetched, line.landed, line.rejected, line.new_columns) == (4, 4, 0, [])
    with warehouse.connect() as connection:
        rows = connection.execute(
            "select distinct event_id, schema_version, event_type, event_name, site_id, ip, user_agent, search_term,"
            " order_amount::text, properties::text::json ->> 'gift', utm_medium, received_at >= sent_at"
            " from raw_events.events order by event_id"
        ).fetchall()
    assert [tuple(row) for row in rows] == [
        ("new-1", "1-1-0", "order_placed", None, SITE, "127.0.0.0", "Test/1", None, "129.9000", "true", "cpc", True),
        ("new-2", "1-1-0", "custom", "newsletter_joined", SITE, "127.0.0.0", "Test/1", None, None, None, "cpc", True),
        ("old-1", "1-0-2", "product_view", None, SITE, "192.0.2.0", "Test/1", "valokuitu €", None, None, None, True),
    ]
