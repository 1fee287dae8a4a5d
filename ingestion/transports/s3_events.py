"""Receives S3 objects whose creation a queue announces."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote_plus

import orjson

from ingestion.aws import client, named_errors
from ingestion.config import setting
from ingestion.delivery import Delivery, Format, read_file

if TYPE_CHECKING:
    from ingestion.ledger import Ledger

MESSAGES_A_CALL = 10

HELD_SECONDS = 30
"""How long a received message is kept from other consumers. Its end in the middle of a run does no harm: the message
comes again, to a ledger that knows its object."""


@dataclass(frozen=True)
class S3Objects:
    """The objects below a key prefix, and how to read them."""

    prefix: str
    format: Format


@dataclass
class S3Events:
    """Objects announced by S3 event notifications on an SQS queue.

    A message is deleted only after what it announced has landed; until then it comes again when its visibility
    time-out ends, and the ledger tells that it is known. A run that was killed holds its messages until then: the next
    one waits for them, and does not report an empty queue. A message that is not understood stays on the queue, for
    its dead-letter queue.

    Settings: `queue`, `region`, and optionally `endpoint_url`, `aws_access_key_id`, `aws_secret_access_key`.
    """

    source: str
    objects: Mapping[str, S3Objects]
    _handled: list[str] = field(default_factory=list)

    def deliveries(self, ledger: Ledger, folder: Path, say: Callable[[str], None]) -> Sequence[Delivery]:
        """Every object announced on the queue now that is not landed yet, downloaded."""
        self._handled.clear()
        deliveries: dict[str, Delivery] = {}
        with named_errors(self.source):
            s3 = client(self.source, "s3")
            for bucket, key in self._announced(say):
                resource = next(name for name, objects in self.objects.items() if key.startswith(objects.prefix))
                # the fragment of a row's uri names the member of an archive
                uri = f"s3://{bucket}/{quote(key)}"
                answer = s3.get_object(Bucket=bucket, Key=key)
                identity = str(answer["ETag"])
                if uri in deliveries or ledger.knows(resource, uri, identity):
                    continue
                local = folder / f"{len(deliveries):06}"
                with local.open("wb") as file:
                    for chunk in answer["Body"].iter_chunks(1 << 20):
                        file.write(chunk)
                file_format = self.objects[resource].format
                read = partial(read_file, file_format, local, uri)
                deliveries[uri] = Delivery(resource, uri, identity, read, file_format.notation)
        return list(deliveries.values())

    def acknowledge(self) -> None:
        """Deletes the messages whose objects have landed."""
        with named_errors(self.source):
            sqs = client(self.source, "sqs")
            url = self._queue_url(sqs)
            for start in range(0, len(self._handled), MESSAGES_A_CALL):
                entries = [
                    {"Id": str(number), "ReceiptHandle": handle}
                    for number, handle in enumerate(self._handled[start : start + MESSAGES_A_CALL])
                ]
                # a message that cannot be deleted comes again, and is known by then
                sqs.delete_message_batch(QueueUrl=url, Entries=entries)
        self._handled.clear()

    def _announced(self, say: Callable[[str], None]) -> Sequence[tuple[str, str]]:
        sqs = client(self.source, "sqs")
        url = self._queue_url(sqs)
        announced: list[tuple[str, str]] = []
        received: set[str] = set()
        patience = time.monotonic() + HELD_SECONDS + 5
        while True:
            answer = sqs.receive_message(
                QueueUrl=url, MaxNumberOfMessages=MESSAGES_A_CALL, WaitTimeSeconds=0, VisibilityTimeout=HELD_SECONDS
            )
            messages = answer.get("Messages", [])
            if not messages:
                # the run lock is ours, so whoever else holds messages is no longer alive
                held = _held(sqs, url) - len(received)
                if held <= 0 or time.monotonic() > patience:
                    return announced
                say(f"waiting for {held} messages that an interrupted run still holds (up to {HELD_SECONDS} seconds)")
                time.sleep(1)
            received.update(message["MessageId"] for message in messages)
            for message in messages:
                objects = _objects(message["Body"])
                if objects is not None and all(self._is_ours(key) for _, key in objects):
                    announced.extend(objects)
                    self._handled.append(message["ReceiptHandle"])

    def _is_ours(self, key: str) -> bool:
        return any(key.startswith(objects.prefix) for objects in self.objects.values())

    def _queue_url(self, sqs: Any) -> str:
        return str(sqs.get_queue_url(QueueName=setting(self.source, "queue"))["QueueUrl"])


def _held(sqs: Any, url: str) -> int:
    """How many messages somebody has received and not yet deleted or let go."""
    name = "ApproximateNumberOfMessagesNotVisible"
    return int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name])


def _objects(body: str) -> list[tuple[str, str]] | None:
    """Bucket and key of every object that a notification announces; None if it is no notification."""
    try:
        event = orjson.loads(body)
        if event.get("Event") == "s3:TestEvent":
            return []
        return [
            (record["s3"]["bucket"]["name"], unquote_plus(record["s3"]["object"]["key"]))
            for record in event["Records"]
            if record["eventName"].removeprefix("s3:").startswith("ObjectCreated:")
        ]
    except (orjson.JSONDecodeError, KeyError, TypeError, AttributeError):
        return None
