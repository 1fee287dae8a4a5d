"""An SQS queue: messages that are held for as long as the work takes, and a dead-letter queue that can be emptied."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ingestion.aws import client, error_code, failure, named_errors
from ingestion.config import setting
from ingestion.errors import IngestError

log = logging.getLogger(__name__)

MESSAGES_A_CALL = 10
LONGEST_POLL_SECONDS = 20
NO_SUCH_ACTION = frozenset({"InvalidAction", "UnknownOperationException", "NotImplemented", "404", "500", "501"})
"""What servers that speak like SQS say to an action they do not have. SQS's own failures have names, not numbers."""


@dataclass(frozen=True)
class Message:
    """A message as SQS gives it, or Lambda on its behalf.

    Attributes:
        id: the same at every delivery of the message.
        body: its text.
        receipt_handle: what this delivery of it is called; needed to delete it.
    """

    id: str
    body: str
    receipt_handle: str


class Queue:
    """Messages of one queue. What was received is held until it is deleted or let go.

    SQS gives a message to somebody else when its visibility time-out ends. The time-out is short, so that the messages
    of a consumer that was killed are soon back, and a thread extends it for as long as this consumer lives.

    Settings: `queue`, `region`, and optionally `endpoint_url`, `aws_access_key_id`, `aws_secret_access_key`.
    """

    def __init__(self, source: str, held_seconds: int) -> None:
        self._source = source
        self._held_seconds = held_seconds
        self._held: dict[str, str] = {}
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._heart: threading.Thread | None = None
        with named_errors(source):
            self._sqs = client(source, "sqs")
            self._url = str(self._sqs.get_queue_url(QueueName=setting(source, "queue"))["QueueUrl"])

    def receive(self, wait_seconds: int, say: Callable[[str], None]) -> Iterator[Message]:
        """Messages until the queue has none; each message once, also when it comes again meanwhile.

        A queue that gives nothing is asked again as long as it says that it has something, for a short poll may miss
        it, and for a while if somebody else holds messages: the run's lock is ours, so whoever that is no longer lives.

        Args:
            wait_seconds: how long to listen to an empty queue for a first message.
            say: told of the waiting.
        """
        listening_until = time.monotonic() + wait_seconds
        patience = time.monotonic() + self._held_seconds + 5
        while True:
            listen = 0 if self._held else max(0, min(LONGEST_POLL_SECONDS, round(listening_until - time.monotonic())))
            with named_errors(self._source):
                messages = self._sqs.receive_message(
                    QueueUrl=self._url,
                    MaxNumberOfMessages=MESSAGES_A_CALL,
                    WaitTimeSeconds=listen,
                    VisibilityTimeout=self._held_seconds,
                ).get("Messages", [])
            with self._lock:
                fresh = [one for one in messages if one["MessageId"] not in self._held]
                self._held.update({one["MessageId"]: one["ReceiptHandle"] for one in messages})
            self._beat()
            for one in fresh:
                yield Message(one["MessageId"], one["Body"], one["ReceiptHandle"])
            if messages:
                continue
            waiting, held = self._counts()
            if waiting + held > 0 and time.monotonic() < patience:
                if held:
                    seconds = self._held_seconds
                    say(f"waiting for {held} messages that an interrupted run still holds (up to {seconds} s)")
                time.sleep(min(1.0, self._held_seconds / 10))
            elif self._held or time.monotonic() >= listening_until:
                return

    def delete(self, ids: Sequence[str]) -> None:
        """Takes messages off the queue. One that cannot be deleted comes again, to a ledger that knows it."""
        for entries in self._entries(ids):
            with named_errors(self._source):
                answer = self._sqs.delete_message_batch(QueueUrl=self._url, Entries=entries)
            for refused in answer.get("Failed", ()):
                log.warning("%s: a message was not deleted and will come again: %s", self._source, refused)
        self._forget(ids)

    def leave(self, ids: Sequence[str]) -> None:
        """Holds messages no longer; they come again when their visibility time-out ends."""
        self._forget(ids)

    def close(self) -> None:
        """Lets go at once of what is still held, and ends the thread."""
        self._stopped.set()
        if self._heart:
            self._heart.join()
        ids = list(self._held)
        self._hold(ids, 0)
        self._forget(ids)

    def check(self) -> list[str]:
        """What was found of the queue and its dead-letter queue."""
        with named_errors(self._source):
            found = self._attributes("ApproximateNumberOfMessages", "RedrivePolicy")
        told = [
            f"the queue {self._url.rpartition('/')[2]} answers; about {found['ApproximateNumberOfMessages']} messages"
        ]
        dead = self._dead_letter_queue()
        if not dead:
            return [*told, "it has no dead-letter queue: a message that cannot be read comes again for ever"]
        name, url, _ = dead
        with named_errors(self._source):
            waiting = self._attributes("ApproximateNumberOfMessages", url=url)["ApproximateNumberOfMessages"]
        times = json.loads(found["RedrivePolicy"])["maxReceiveCount"]
        return [*told, f"after {times} attempts a message goes to {name}, which has about {waiting}"]

    def redrive(self, say: Callable[[str], None]) -> int:
        """Brings the messages of the dead-letter queue back. Gives about how many.

        Raises:
            IngestError: there is no dead-letter queue, or AWS could not move all of its messages.
        """
        dead = self._dead_letter_queue()
        if not dead:
            raise IngestError(
                f"{self._source}: the queue has no dead-letter queue (RedrivePolicy), so nothing is there"
            )
        name, url, arn = dead
        try:
            moved = self._move(name, arn, say)
        except _NoMoveTasksError:
            moved = self._carry(url)
        say(f"{moved:,} messages of {name} are back on the queue")
        return moved

    def _move(self, name: str, arn: str, say: Callable[[str], None]) -> int:
        from botocore.exceptions import ClientError

        with named_errors(self._source):
            try:
                self._sqs.start_message_move_task(SourceArn=arn)
            except ClientError as error:
                if error_code(error) in NO_SUCH_ACTION:
                    raise _NoMoveTasksError from error
                raise
            while True:
                task = self._sqs.list_message_move_tasks(SourceArn=arn, MaxResults=1)["Results"][0]
                moved = int(task.get("ApproximateNumberOfMessagesMoved", 0))
                if task["Status"] == "COMPLETED":
                    return moved
                if task["Status"] != "RUNNING":
                    reason = task.get("FailureReason", "no reason given")
                    raise IngestError(f"{self._source}: moving the messages of {name} ended {task['Status']}: {reason}")
                say(f"{moved:,} messages moved")
                time.sleep(1)

    def _carry(self, url: str) -> int:
        """For a server without move tasks. Sent before it is deleted: a crash in between repeats a message."""
        moved = 0
        with named_errors(self._source):
            while True:
                messages = self._sqs.receive_message(
                    QueueUrl=url, MaxNumberOfMessages=MESSAGES_A_CALL, VisibilityTimeout=self._held_seconds
                ).get("Messages", [])
                if not messages:
                    return moved
                for one in messages:
                    self._sqs.send_message(QueueUrl=self._url, MessageBody=one["Body"])
                    self._sqs.delete_message(QueueUrl=url, ReceiptHandle=one["ReceiptHandle"])
                moved += len(messages)

    def _dead_letter_queue(self) -> tuple[str, str, str] | None:
        """Its name, url and ARN."""
        with named_errors(self._source):
            policy = self._attributes("RedrivePolicy").get("RedrivePolicy")
            if not policy:
                return None
            arn = str(json.loads(policy)["deadLetterTargetArn"])
            account, name = arn.split(":")[-2:]
            url = self._sqs.get_queue_url(QueueName=name, QueueOwnerAWSAccountId=account)["QueueUrl"]
        return name, str(url), arn

    def _attributes(self, *names: str, url: str | None = None) -> Mapping[str, str]:
        answer = self._sqs.get_queue_attributes(QueueUrl=url or self._url, AttributeNames=list(names))
        attributes: Mapping[str, str] = answer.get("Attributes", {})
        return attributes

    def _counts(self) -> tuple[int, int]:
        """About how many messages anybody may have, and how many somebody else holds."""
        waiting, held = "ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"
        with named_errors(self._source):
            found = self._attributes(waiting, held)
        return int(found[waiting]), int(found[held]) - len(self._held)

    def _entries(self, ids: Sequence[str], **more: int) -> Iterator[list[dict[str, Any]]]:
        """Batches of what SQS wants to know about held messages."""
        with self._lock:
            handles = [self._held[one] for one in ids if one in self._held]
        for start in range(0, len(handles), MESSAGES_A_CALL):
            some = handles[start : start + MESSAGES_A_CALL]
            yield [{"Id": str(number), "ReceiptHandle": handle, **more} for number, handle in enumerate(some)]

    def _forget(self, ids: Sequence[str]) -> None:
        with self._lock:
            for one in ids:
                self._held.pop(one, None)

    def _beat(self) -> None:
        if self._heart is None and self._held:
            self._heart = threading.Thread(target=self._extend, name=f"{self._source} messages", daemon=True)
            self._heart.start()

    def _extend(self) -> None:
        while not self._stopped.wait(self._held_seconds / 3):
            self._hold(list(self._held), self._held_seconds)

    def _hold(self, ids: Sequence[str], seconds: int) -> None:
        """Keeps messages from others for so long. It may fail: then they come again, to a ledger that knows them."""
        from botocore.exceptions import BotoCoreError, ClientError

        for entries in self._entries(ids, VisibilityTimeout=seconds):
            try:
                answer = self._sqs.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)
            except (BotoCoreError, ClientError) as error:
                log.warning("%s: messages could not be held: %s", self._source, failure(error))
                continue
            for refused in answer.get("Failed", ()):
                log.info("%s: a message is no longer held: %s", self._source, refused.get("Message"))


class _NoMoveTasksError(Exception):
    """The server has no StartMessageMoveTask."""
