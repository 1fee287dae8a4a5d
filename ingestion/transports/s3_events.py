"""Receives S3 objects whose creation a queue announces."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING

from ingestion.aws import client, named_errors
from ingestion.config import optional_setting
from ingestion.delivery import EVERYTHING_NEW, Delivery, Request
from ingestion.errors import IngestError
from ingestion.transports.ahead import done_ahead
from ingestion.transports.notices import notices
from ingestion.transports.patience import PATIENT, Patience
from ingestion.transports.s3_objects import Fetched, S3Objects, delivery_of, fetch, table_of, uri_of
from ingestion.transports.s3_prefix import S3Prefix
from ingestion.transports.sqs import Message, Queue

if TYPE_CHECKING:
    from ingestion.contract import Notation
    from ingestion.ledger import Ledger

__all__ = ["Message", "S3Events", "S3Objects"]

log = logging.getLogger(__name__)

HELD_SECONDS = 30


@dataclass
class _Announced:
    """A message, and what has to land before it is done with."""

    message: Message
    outstanding: set[str] = field(default_factory=set)
    is_failed: bool = False

    @property
    def is_done(self) -> bool:
        return not self.outstanding and not self.is_failed


@dataclass(frozen=True)
class _Object:
    number: int
    bucket: str
    key: str
    table: str
    announced: _Announced

    @property
    def uri(self) -> str:
        return uri_of(self.bucket, self.key)


@dataclass
class S3Events:
    """Objects announced by S3 event notifications on an SQS queue, directly, through SNS or through EventBridge.

    A message is deleted when everything that it announced has landed, was known already, or is gone from S3. One that
    announces an object that cannot be read, or that is not understood, keeps nothing else from landing: it is left to
    its receive count, which brings it to the dead-letter queue. A message that comes twice, late, or in another order
    finds the newest version of its object, or one that the ledger knows. Where `bucket` is set, objects of others are
    nobody's.

    Asked for a window or for everything again, it lists the bucket (setting `bucket`) and leaves the queue alone.

    Settings: `queue`, `region`, and optionally `bucket`, `endpoint_url`, `aws_access_key_id`, `aws_secret_access_key`.

    Attributes:
        source: whose settings.
        objects: what is in the bucket, by table.
        wait_seconds: how long an empty queue is listened to.
        held_seconds: how long a killed consumer's messages are kept from the next one; extended while this one works.
        patience: with connections that break.
    """

    source: str
    objects: Mapping[str, S3Objects]
    wait_seconds: int = 0
    held_seconds: int = HELD_SECONDS
    patience: Patience = PATIENT
    _announced: list[_Announced] = field(default_factory=list, init=False, repr=False, compare=False)
    _landed: set[str] = field(default_factory=set, init=False, repr=False, compare=False)
    _unread: set[str] = field(default_factory=set, init=False, repr=False, compare=False)
    _queue: Queue | None = field(default=None, init=False, repr=False, compare=False)

    def deliveries(
        self, ledger: Ledger, folder: Path, say: Callable[[str], None], request: Request = EVERYTHING_NEW
    ) -> Iterable[Delivery]:
        """Every object that is announced now and not landed yet, each fetched when its turn nears.

        Raises:
            SourceUnavailableError: AWS cannot be reached or does not let us in.
        """
        if request.again:
            if not optional_setting(self.source, "bucket"):
                raise IngestError(
                    f"{self.source}: a queue cannot be asked for the past; set sources.{self.source}.bucket, "
                    "and the bucket is listed instead"
                )
            yield from S3Prefix(self.source, self.objects, self.patience).deliveries(ledger, folder, say, request)
            return
        for kept in (self._announced, self._landed, self._unread):
            kept.clear()
        with named_errors(self.source):
            s3 = client(self.source, "s3")
        handed: dict[str, str] = {}
        stopped = Event()

        def take(one: _Object) -> Fetched:
            def is_known(identity: str) -> bool:
                return ledger.knows(one.table, one.uri, identity) or handed.get(one.uri) == identity

            to = folder / f"{one.number:06}"
            return fetch(
                s3,
                one.bucket,
                one.key,
                to,
                source=self.source,
                stopped=stopped,
                is_known=is_known,
                patience=self.patience,
            )

        objects = self._objects(self._messages(say), request.most)
        with closing(done_ahead(objects, take, stopped.set)) as ahead:
            for one, fetched in ahead:
                if fetched.gone:
                    say(f"{one.uri} is announced and no longer there")
                    log.warning("%s: %s is announced and no longer there", self.source, one.uri)
                    one.announced.outstanding.discard(one.uri)
                elif one.uri not in handed:
                    if fetched.path or fetched.error:
                        handed[one.uri] = fetched.identity
                        yield delivery_of(one.table, one.uri, self.objects[one.table].format, fetched)
                    else:
                        one.announced.outstanding.discard(one.uri)
                elif fetched.identity != handed[one.uri]:
                    # a run never hands over two versions of one uri
                    say(f"{one.uri} has changed meanwhile; its newest version comes with the next run")
                    one.announced.outstanding.add(f"{one.uri} as it is now")
                elif one.uri in self._landed:
                    one.announced.outstanding.discard(one.uri)
                elif one.uri in self._unread:
                    one.announced.is_failed = True
                if fetched.path:
                    fetched.path.unlink(missing_ok=True)
        self._delete_done()

    def acknowledge(self, landed: Sequence[Delivery]) -> None:
        """Deletes the messages all of whose objects have landed."""
        uris = {delivery.uri for delivery in landed}
        self._landed |= uris
        for one in self._announced:
            one.outstanding -= uris
        self._delete_done()

    def set_aside(self, delivery: Delivery, error: IngestError) -> None:
        """Leaves the messages that announced it to their receive count."""
        self._unread.add(delivery.uri)
        for one in self._announced:
            one.is_failed |= delivery.uri in one.outstanding

    def close(self) -> None:
        """Lets go of the messages that were not landed: the next run has them at once."""
        if self._queue:
            queue, self._queue = self._queue, None
            queue.leave([one.message.id for one in self._announced if one.is_failed])
            queue.close()

    def notation(self, resource: str) -> Notation:
        """How a table's objects write numbers and dates."""
        return self.objects[resource].format.notation

    def check(self) -> Sequence[str]:
        """Whether the queue can be asked, where its dead letters go, and whether the bucket can be listed.

        Raises:
            IngestError: a setting is missing, or AWS cannot be reached or does not let us in.
        """
        told = Queue(self.source, self.held_seconds).check()
        if optional_setting(self.source, "bucket"):
            told += S3Prefix(self.source, self.objects).check()
        return told

    def redrive(self, say: Callable[[str], None]) -> int:
        """Brings the messages of the dead-letter queue back on the queue. Gives about how many.

        Raises:
            IngestError: the queue has no dead-letter queue, or its messages could not be moved.
        """
        return Queue(self.source, self.held_seconds).redrive(say)

    def given(self, messages: Sequence[Message]) -> GivenS3Events:
        """The same, over messages that somebody else has received and will delete, as Lambda does."""
        return GivenS3Events(self.source, self.objects, patience=self.patience, messages=messages)

    def _messages(self, say: Callable[[str], None]) -> Iterator[Message]:
        self._queue = Queue(self.source, self.held_seconds)
        return self._queue.receive(self.wait_seconds, say)

    def _objects(self, messages: Iterator[Message], most: int | None) -> Iterator[_Object]:
        """The objects that messages announce. What lands of a message is noted before its first object is handed on."""
        number = 0
        bucket = optional_setting(self.source, "bucket")
        while most is None or number < most:
            message = next(messages, None)
            if message is None:
                return
            found = notices(message.body)
            announced = _Announced(message, is_failed=found is None)
            self._announced.append(announced)
            objects: dict[str, _Object] = {}
            for notice in found or ():
                uri = uri_of(notice.bucket, notice.key)
                table = table_of(self.objects, notice.key)
                if not notice.made:
                    log.info("%s: %s was removed; its rows stay", self.source, uri)
                elif table and notice.bucket == (bucket or notice.bucket):
                    objects[uri] = _Object(number := number + 1, notice.bucket, notice.key, table, announced)
                else:
                    log.warning("%s: %s is announced, and no table of this source is for it", self.source, uri)
                    announced.is_failed = True
            if found is None:
                log.warning("%s: a message is no notification of S3; it is left for the dead letters", self.source)
            announced.outstanding.update(objects)
            if announced.is_done:
                self._delete_done()
            yield from objects.values()

    def _delete_done(self) -> None:
        done = [one for one in self._announced if one.is_done]
        if done:
            self._delete([one.message.id for one in done])
            self._announced = [one for one in self._announced if not one.is_done]

    def _delete(self, ids: Sequence[str]) -> None:
        if self._queue:
            self._queue.delete(ids)


@dataclass
class GivenS3Events(S3Events):
    """S3 events in messages that are held by somebody else."""

    messages: Sequence[Message] = ()
    _finished: set[str] = field(default_factory=set, init=False, repr=False, compare=False)

    def unfinished(self) -> list[str]:
        """The ids of the messages that must come again: not all that they announced has landed, or been looked at."""
        return [message.id for message in self.messages if message.id not in self._finished]

    def _messages(self, say: Callable[[str], None]) -> Iterator[Message]:
        return iter(self.messages)

    def _delete(self, ids: Sequence[str]) -> None:
        self._finished.update(ids)
