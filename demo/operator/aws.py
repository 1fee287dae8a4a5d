"""The operator's AWS: buckets with notifications to queues, and the event stream, on a local stand-in (moto)."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
from botocore.config import Config
from moto.core.models import DEFAULT_ACCOUNT_ID
from moto.kinesis.models import Shard, kinesis_backends
from moto.moto_server.threaded_moto_server import ThreadedMotoServer
from moto.s3.models import s3_backends
from moto.sqs.models import sqs_backends

from demo.operator.settings import (
    CONTACTS_BUCKET,
    CONTACTS_QUEUE,
    LOOPBACK,
    RECOMMENDATIONS_BUCKET,
    RECOMMENDATIONS_QUEUE,
    REGION,
    SHARDS,
    STREAM,
    USAGE_BUCKET,
    USAGE_QUEUE,
)

if TYPE_CHECKING:
    from pathlib import Path

QUEUES = {
    USAGE_BUCKET: USAGE_QUEUE,
    CONTACTS_BUCKET: CONTACTS_QUEUE,
    RECOMMENDATIONS_BUCKET: RECOMMENDATIONS_QUEUE,
}
BATCH = 500  # the most records that Kinesis takes at once


def _last_number(shard: Shard) -> int:
    """As moto's own, which copies every key of the shard to find the last one, for every record put."""
    return next(reversed(shard.records), 0)


class Aws:
    """One server for S3, SQS and Kinesis.

    Everything is in memory: each start puts the same objects and records in the same order again. Objects keep
    their ETag and time of modification, records their shard and sequence number; notifications are sent anew, as a
    queue may do at any time. Configuration goes through the API; the contents are handed to moto within the process,
    which is many times as fast.
    """

    def __init__(self, folder: Path, credentials: dict[str, str]) -> None:
        self.folder = folder
        self.credentials = credentials
        self.server: ThreadedMotoServer | None = None

    def start(self, port: int, morning: int) -> int:
        """Listen, fill, and give the port. Raises OSError if the port is taken."""
        setattr(Shard, "get_max_sequence_number", _last_number)  # noqa: B010 - a method of an untyped class
        self.server = ThreadedMotoServer(LOOPBACK, port, verbose=False)
        self.server.start()
        port = int(self.server.get_host_and_port()[1])
        self._configure(f"http://{LOOPBACK}:{port}")
        for number in range(1, morning + 1):
            self.bring(number)
        return port

    def _configure(self, endpoint: str) -> None:
        session = boto3.session.Session(
            self.credentials["aws_access_key_id"], self.credentials["aws_secret_access_key"], region_name=REGION
        )
        # Whatever proxy the environment names, loopback is not beyond it.
        config = Config(proxies={}, retries={"max_attempts": 1})
        s3, sqs, kinesis = (
            session.client(name, endpoint_url=endpoint, config=config) for name in ("s3", "sqs", "kinesis")
        )
        for bucket, queue in QUEUES.items():
            address = sqs.create_queue(QueueName=queue)["QueueUrl"]
            attributes = sqs.get_queue_attributes(QueueUrl=address, AttributeNames=["QueueArn"])["Attributes"]
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
            s3.put_bucket_notification_configuration(
                Bucket=bucket,
                NotificationConfiguration={
                    "QueueConfigurations": [
                        {"Id": queue, "QueueArn": attributes["QueueArn"], "Events": ["s3:ObjectCreated:*"]}
                    ]
                },
            )
        kinesis.create_stream(StreamName=STREAM, ShardCount=SHARDS)

    def bring(self, morning: int) -> None:
        """A morning's objects and events."""
        for bucket, queue in QUEUES.items():
            self._put_objects(bucket, queue, self.folder / f"s3-{morning}" / bucket)
        stream: Any = kinesis_backends[DEFAULT_ACCOUNT_ID][REGION]
        for batch in _batches(self.folder / f"events-{morning}.txt"):
            answer = stream.put_records(stream_arn=None, stream_name=STREAM, records=batch)
            if answer["FailedRecordCount"]:
                raise RuntimeError(f"the stream refused {answer['FailedRecordCount']} records")

    def _put_objects(self, bucket: str, queue: str, delivered: Path) -> None:
        store: Any = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
        queues: Any = sqs_backends[DEFAULT_ACCOUNT_ID][REGION]
        paths = sorted(path for path in delivered.rglob("*") if path.is_file())
        for place, path in enumerate(paths):
            key = store.put_object(bucket, path.relative_to(delivered).as_posix(), path.read_bytes())
            key.last_modified = datetime.fromtimestamp(path.stat().st_mtime, UTC).replace(tzinfo=None)
            if place == 0:
                # One notification is delivered twice, word for word.
                queues.send_message(queue, queues.get_queue(queue)._messages[-1].body)

    def stop(self) -> None:
        """Stop listening."""
        if self.server is not None:
            self.server.stop()


def _batches(path: Path) -> Iterator[list[dict[str, str]]]:
    batch = []
    with path.open("rb") as lines:
        for line in lines:
            key, _, data = line.rstrip(b"\n").partition(b"\t")
            batch.append({"PartitionKey": key.decode(), "Data": base64.b64encode(data).decode()})
            if len(batch) == BATCH:
                yield batch
                batch = []
    if batch:
        yield batch
