"""Kafka, as a consumer reads it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, NoReturn

from ingestion.config import setting
from ingestion.errors import RecordsLostError, SourceUnavailableError
from ingestion.streams.kafka import connection
from ingestion.streams.reader import Partition, Piece, Place, Standing

if TYPE_CHECKING:
    from confluent_kafka import KafkaError, Message, TopicPartition

ANSWER_SECONDS = 10
SILENT_SECONDS = 30
"""When no broker has answered for so long, the stream is unavailable."""

SECONDS_BETWEEN_LOOKS = 2
"""How often a partition in which nothing moves is asked whether that is so."""

MESSAGES_AT_ONCE = 500
QUEUED_KILOBYTES = 32 << 10


class Kafka:
    """A topic of Kafka.

    Settings: `stream` names the topic; see also `ingestion/streams/kafka.py`.

    Partitions are assigned by us, at offsets of ours: no consumer group, no commits to the broker, and no reset to
    anywhere when an offset is out of range.
    """

    def __init__(self, source: str) -> None:
        """Connects.

        Raises:
            IngestError: a setting is missing.
            SourceUnavailableError: no broker answers, or there is no such topic.
        """
        from confluent_kafka import Consumer

        self._source = source
        self._topic = setting(source, "stream")
        self._trouble = ""
        settings = {
            **connection(source),
            # wanted by the client, used for nothing
            "group.id": "majakka",
            "enable.auto.commit": False,
            "enable.auto.offset.store": False,
            "auto.offset.reset": "error",
            "queued.max.messages.kbytes": QUEUED_KILOBYTES,
            "error_cb": self._note,
            "log_level": 0,
        }
        self._consumer = Consumer(settings)
        # a broker answers one question of a connection at a time, and a fetch may wait half a second for records
        self._asking = Consumer(settings)
        self._following: dict[int, _Followed] = {}
        self._heard_at = time.monotonic()
        self.partitions()

    @staticmethod
    def check(source: str) -> Sequence[str]:
        """Whether the topic is there.

        Raises:
            IngestError: a setting is missing, or no broker answers.
        """
        reader = Kafka(source)
        try:
            return [f"the topic {setting(source, 'stream')} is there and has {len(reader.partitions())} partitions"]
        finally:
            reader.close()

    def partitions(self) -> Sequence[Partition]:
        """See `Reader.partitions`."""
        from confluent_kafka import KafkaException

        try:
            topic = self._asking.list_topics(self._topic, timeout=ANSWER_SECONDS).topics[self._topic]
        except KafkaException as error:
            raise self._unavailable(error.args[0].str()) from error
        if topic.error is not None:
            raise self._unavailable(f"the topic {self._topic}: {topic.error.str()}")
        return [Partition(self._scope(number)) for number in sorted(topic.partitions)]

    def follow(self, places: Mapping[str, Place], *, accept_loss: bool = False) -> None:
        """See `Reader.follow`."""
        self._following = {}
        for scope, place in places.items():
            number = int(scope.rpartition("/")[2])
            self._following[number] = self._begin(number, place, accept_loss=accept_loss)
        self._assign()

    def poll(self, most: int, seconds: float) -> list[Piece]:
        """See `Reader.poll`."""
        until = time.monotonic() + seconds
        pieces = {number: Piece(self._scope(number)) for number in self._following}
        count = 0
        while count < most:
            left = max(0.0, until - time.monotonic())
            messages = self._consumer.consume(min(MESSAGES_AT_ONCE, most - count), timeout=left)
            for number, run in groupby(messages, lambda message: message.partition() or 0):
                self._take(number, list(run), pieces)
            if messages:
                self._heard_at, self._trouble = time.monotonic(), ""
            count = sum(map(len, pieces.values()))
            if time.monotonic() >= until:
                break
        self._look()
        for number, followed in self._following.items():
            pieces[number].standing = Standing(followed.read_until, followed.behind)
        return list(pieces.values())

    def close(self) -> None:
        """See `Reader.close`."""
        self._consumer.close()
        self._asking.close()

    def _scope(self, number: int) -> str:
        return f"kafka://{self._topic}/{number}"

    def _partition(self, number: int, offset: int = 0) -> TopicPartition:
        from confluent_kafka import TopicPartition

        return TopicPartition(self._topic, number, offset)

    def _assign(self) -> None:
        self._consumer.assign([self._partition(number, one.next) for number, one in self._following.items()])

    def _begin(self, number: int, place: Place, *, accept_loss: bool) -> _Followed:
        """The offset to read from.

        Raises:
            RecordsLostError: it is out of range.
        """
        low, high = self._watermarks(number)
        followed = _Followed(low if place.after is None else place.after + 1, high, place.read_until)
        if low <= followed.next <= high:
            return followed
        if not accept_loss:
            raise self._lost(number, followed.next, low, high)
        followed.next = low
        return followed

    def _lost(self, number: int, wanted: int, low: int, high: int) -> RecordsLostError:
        scope = self._scope(number)
        if wanted < low:
            what = (
                f"{self._source}: {low - wanted:,} records of {scope} are lost, offsets {wanted} to {low - 1}: the "
                "broker has let go of them before anybody read them. If they can be sent again, let them be;"
            )
        else:
            what = (
                f"{self._source}: {scope} ends before offset {high}, and offsets up to {wanted - 1} have landed: the "
                "topic was made anew under the same name, or the broker has lost what it had. Under another name, "
                "all that it has lands;"
            )
        return RecordsLostError(f"{what} to go on with the oldest that is left: `ingest stream` with --accept-loss.")

    def _watermarks(self, number: int) -> tuple[int, int]:
        """The oldest offset, and the one after the newest, as the broker says now."""
        from confluent_kafka import KafkaException

        try:
            low, high = self._asking.get_watermark_offsets(self._partition(number), timeout=ANSWER_SECONDS)
        except KafkaException as error:
            raise self._unavailable(error.args[0].str()) from error
        self._heard_at = time.monotonic()
        return low, high

    def _look(self) -> None:
        """Finds out how far partitions have been read; those in which nothing moves are asked for now and then.

        Raises:
            SourceUnavailableError: nobody has answered for a while.
        """
        from confluent_kafka import KafkaException

        now = time.monotonic()
        for number, followed in self._following.items():
            _, high = self._consumer.get_watermark_offsets(self._partition(number), cached=True)
            followed.high = max(followed.high, high)
            if followed.next < followed.high or now - followed.looked_at < SECONDS_BETWEEN_LOOKS:
                continue
            followed.looked_at = now
            asked_at = time.time()
            try:
                _, followed.high = self._asking.get_watermark_offsets(self._partition(number), timeout=1)
            except KafkaException as error:
                self._trouble = self._trouble or error.args[0].str()
                break
            self._heard_at = time.monotonic()
            if followed.next >= followed.high:
                followed.read_until = max(asked_at, followed.read_until or 0)
        if time.monotonic() - self._heard_at > SILENT_SECONDS:
            raise self._unavailable(self._trouble or "no broker answers")

    def _take(self, number: int, messages: Sequence[Message], pieces: Mapping[int, Piece]) -> None:
        """Puts messages that follow one another into their partition's piece."""
        followed = self._following.get(number)
        for message in messages:
            if (error := message.error()) is not None:
                self._fail(error, number)
        if followed is None or (messages[0].offset() or 0) < followed.next:
            # left over from what was followed before
            return
        piece = pieces[number]
        for message in messages:
            offset, arrival = message.offset() or 0, message.timestamp()[1] / 1000
            piece.add_record(offset, arrival, message.key() or b"", message.value() or b"")
        followed.next = offset + 1
        # a producer's clock may be ahead
        followed.read_until = max(min(arrival, time.time()), followed.read_until or 0)

    def _note(self, error: KafkaError) -> None:
        """The client goes on trying; what has troubled it is told if nothing comes of that."""
        self._trouble = error.str()

    def _fail(self, error: KafkaError, number: int | None) -> NoReturn:
        """Raises what came instead of a message.

        Raises:
            RecordsLostError: an offset is out of range.
            SourceUnavailableError: anything else.
        """
        from confluent_kafka import KafkaError as Errors

        if error.code() == Errors._AUTO_OFFSET_RESET and number in self._following:
            low, high = self._watermarks(number)
            raise self._lost(number, self._following[number].next, low, high)
        raise self._unavailable(error.str())

    def _unavailable(self, said: str) -> SourceUnavailableError:
        return SourceUnavailableError(f"{self._source}: Kafka: {said}; see sources.{self._source}")


class _Followed:
    """A partition that is read, and how far."""

    def __init__(self, next_offset: int, high: int, read_until: float | None) -> None:
        self.next = next_offset
        self.high = high
        self.read_until = read_until
        self.looked_at = 0.0

    @property
    def behind(self) -> int:
        """How many records are left, as far as is known."""
        return max(0, self.high - self.next)
