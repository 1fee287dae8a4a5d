"""Puts records on Kafka topics: idempotent, acknowledged by all replicas, each delivery report awaited."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from confluent_kafka import KafkaError, Message
from confluent_kafka import Producer as Client

from ingestion.streams.kafka import connection
from ingestion.streams.producer import Record

GATHER_SECONDS = 0.002
"""How long records wait for those of other calls at most, to be handed over together."""

LINGER_MS = 0.5
"""How long librdkafka waits for more: for the rest of what is being handed over."""

QUEUE_KBYTES = 64 << 10
"""What librdkafka holds of records that are not acknowledged; more is given up at once."""

_BUSY_SECONDS, _IDLE_SECONDS = 0.001, 0.2
"""Between two looks for reports, while any is awaited and otherwise."""


class KafkaProducer:
    """Hands records to librdkafka, and looks for its delivery reports every millisecond.

    Handing over costs some wake-ups each time, and a request for each partition. So what is sent while other records
    are under way waits for them, two milliseconds at most, and is handed over together. When nothing is under way there
    is nothing to wait for. The loop looks for the reports, not a thread: nothing is shared, and nobody has to be woken.
    librdkafka tries again by itself for as long as it is patient.
    Because the producer is idempotent, what it sends again does not stand twice, and records of one key (so of one
    partition) keep their order.
    """

    def __init__(self, source: str, patience: float) -> None:
        self.trouble = ""
        self._loop = asyncio.get_running_loop()
        self._client = Client(
            {
                **connection(source),
                "enable.idempotence": True,
                "acks": "all",
                "linger.ms": LINGER_MS,
                "compression.type": "lz4",
                "message.timeout.ms": max(1, round(patience * 1000)),
                "queue.buffering.max.kbytes": QUEUE_KBYTES,
                "queue.buffering.max.messages": 0,
                "error_cb": self._failed,
                # whoever sends tells what is wrong, once; librdkafka would with every attempt to connect
                "log_level": 2,
            }
        )
        self._waiting: list[_Call] = []
        self._next: asyncio.Handle | None = None
        self._is_busy = False
        self._look = self._loop.call_later(_IDLE_SECONDS, self._take_reports)

    async def send(self, records: Sequence[Record]) -> Sequence[Record]:
        """As `Producer.send` promises."""
        settled: asyncio.Future[Sequence[Record]] = self._loop.create_future()
        self._waiting.append(_Call(records, settled))
        if self._next is None:
            # in this round of the loop others may send, too
            self._next = (
                self._loop.call_later(GATHER_SECONDS, self._hand_over)
                if self._is_busy
                else self._loop.call_soon(self._hand_over)
            )
        return await settled

    async def close(self) -> None:
        """Waits for what is under way; librdkafka gives it up when its patience is over."""
        while self._waiting or len(self._client):
            await asyncio.sleep(_BUSY_SECONDS)
        self._look.cancel()

    def _hand_over(self) -> None:
        self._next = None
        calls, self._waiting = self._waiting, []
        group = _Group(self, calls)
        by_stream: dict[str, list[dict[str, Any]]] = {}
        for call in calls:
            for record in call.records:
                stream = record.stream
                if stream not in by_stream:
                    by_stream[stream] = []
                by_stream[stream].append({"key": record.key, "value": record.value})
        group.open = sum(map(len, by_stream.values()))
        for stream, messages in by_stream.items():
            if self._client.produce_batch(stream, messages, on_delivery=group.reported) < len(messages):
                group.refused(stream, messages)
        if not self._is_busy:
            self._is_busy = True
            self._look.cancel()
            self._look = self._loop.call_later(_BUSY_SECONDS, self._take_reports)

    def _take_reports(self) -> None:
        self._client.poll(0)
        self._is_busy = len(self._client) > 0
        if self._next and not self._is_busy:
            self._next.cancel()
            # those whose reports have come go on first, and may send again
            self._next = self._loop.call_soon(self._hand_over)
        self._look = self._loop.call_later(_BUSY_SECONDS if self._is_busy else _IDLE_SECONDS, self._take_reports)

    def _failed(self, error: KafkaError) -> None:
        self.trouble = error.str()


class _Call(NamedTuple):
    """Records of one call of `send`, and who waits for them."""

    records: Sequence[Record]
    settled: asyncio.Future[Sequence[Record]]


class _Group:
    """Calls that were handed over together, and what is known of their records."""

    def __init__(self, producer: KafkaProducer, calls: Sequence[_Call]) -> None:
        self.open = 0
        self._producer = producer
        self._calls = calls
        self._given_up: Counter[Record] = Counter()

    def reported(self, error: KafkaError | None, message: Message) -> None:
        """Librdkafka has delivered a message, or given it up."""
        if error is not None:
            self._give_up(error, Record(message.topic() or "", (message.key() or b"").decode(), message.value() or b""))
        self.open -= 1
        if not self.open:
            self._settle()

    def refused(self, stream: str, messages: Sequence[dict[str, Any]]) -> None:
        """Librdkafka has not taken some of the messages: its queue is full, as a rule."""
        for message in messages:
            error: KafkaError | None = message.get("_error")
            if error is not None:
                self._give_up(error, Record(stream, message["key"], message["value"]))
                self.open -= 1
        if not self.open:
            self._settle()

    def _give_up(self, error: KafkaError, record: Record) -> None:
        self._producer.trouble = error.str()
        self._given_up[record] += 1

    def _settle(self) -> None:
        if not self._given_up:
            self._producer.trouble = ""
        for records, settled in self._calls:
            given_up = self._of(records) if self._given_up else ()
            # nobody waits any more if the caller was cancelled
            if not settled.done():
                settled.set_result(given_up)

    def _of(self, records: Sequence[Record]) -> Sequence[Record]:
        """What was given up of these, in order."""
        found = []
        for record in records:
            if self._given_up[record]:
                self._given_up[record] -= 1
                found.append(record)
        return found
