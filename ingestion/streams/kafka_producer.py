"""Puts records on Kafka topics: idempotent, acknowledged by all replicas, each delivery report awaited."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Iterable, Sequence
from threading import Thread
from typing import Any

from confluent_kafka import KafkaError, Message
from confluent_kafka import Producer as Client

from ingestion.streams.kafka import connection
from ingestion.streams.producer import Record

LINGER_MS = 2
"""How long a record waits for others to travel with."""

QUEUE_KBYTES = 64 << 10
"""What librdkafka holds of records that are not acknowledged; more is given up at once."""

_POLL_SECONDS = 0.2


class KafkaProducer:
    """Hands records to librdkafka, and waits for its delivery reports, which come in a thread of their own.

    librdkafka tries again by itself for as long as it is patient. Because the producer is idempotent, what it sends
    again does not stand twice, and records of one key (so of one partition) keep their order.
    """

    def __init__(self, source: str, patience: float) -> None:
        self.trouble = ""
        self._patience = patience
        self._loop = asyncio.get_running_loop()
        self._settled: deque[_Sending] = deque()
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
        self._is_open = True
        self._reports = Thread(target=self._serve_reports, name="kafka-reports", daemon=True)
        self._reports.start()

    async def send(self, records: Sequence[Record]) -> Sequence[Record]:
        """As `Producer.send` promises."""
        sending = _Sending(self._loop.create_future(), self._settled)
        by_stream: dict[str, list[dict[str, Any]]] = {}
        for stream, key, value in records:
            by_stream.setdefault(stream, []).append({"key": key, "value": value})
        queued = 0
        for stream, messages in by_stream.items():
            taken = self._client.produce_batch(stream, messages, on_delivery=sending.reported)
            queued += taken
            if taken < len(messages):
                sending.refused(stream, messages)
        sending.queued = queued
        # the reports may all have come meanwhile, to find nobody who waits for them
        if sending.done < queued:
            await sending.settled
        if len(sending.given_up) < len(records):
            self.trouble = ""
        if not sending.given_up:
            return ()
        self.trouble = sending.trouble
        return _in_order(records, sending.given_up)

    async def close(self) -> None:
        """Waits for what is under way, as long as the producer is patient, and ends the thread."""
        await self._loop.run_in_executor(None, self._client.flush, self._patience + 1)
        self._is_open = False
        await self._loop.run_in_executor(None, self._reports.join)
        # whose last report came while the thread ended
        _tell(self._settled)

    def _serve_reports(self) -> None:
        while self._is_open:
            self._client.poll(_POLL_SECONDS)
            if self._settled:
                settled = [self._settled.popleft() for _ in range(len(self._settled))]
                self._loop.call_soon_threadsafe(_tell, settled)

    def _failed(self, error: KafkaError) -> None:
        self.trouble = error.str()


class _Sending:
    """What is known of the records of one call.

    The thread of the reports counts them; the event loop says how many to wait for. Each writes its own number first
    and then looks at the other's, so that one of the two finds them equal.
    """

    def __init__(self, settled: asyncio.Future[None], all_settled: deque[_Sending]) -> None:
        self.settled = settled
        self.given_up: list[Record] = []
        self.trouble = ""
        self.queued = -1
        self.done = 0
        self._all_settled = all_settled

    def reported(self, error: KafkaError | None, message: Message) -> None:
        """Librdkafka has delivered a message, or given it up."""
        if error is not None:
            self._give_up(error, Record(message.topic() or "", (message.key() or b"").decode(), message.value() or b""))
        self.done += 1
        if self.done == self.queued:
            self._all_settled.append(self)

    def refused(self, stream: str, messages: Sequence[dict[str, Any]]) -> None:
        """Librdkafka has not taken some of the messages: its queue is full, as a rule."""
        for message in messages:
            error: KafkaError | None = message.get("_error")
            if error is not None:
                self._give_up(error, Record(stream, message["key"], message["value"]))

    def _give_up(self, error: KafkaError, record: Record) -> None:
        self.trouble = error.str()
        self.given_up.append(record)


def _tell(settled: Iterable[_Sending]) -> None:
    for sending in settled:
        if not sending.settled.done():
            sending.settled.set_result(None)


def _in_order(records: Sequence[Record], given_up: Sequence[Record]) -> list[Record]:
    left = Counter(given_up)
    ordered = []
    for record in records:
        if left[record]:
            left[record] -= 1
            ordered.append(record)
    return ordered
