"""What puts records on a stream: one small interface, whichever stream it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import msgspec

from ingestion.config import optional_setting
from ingestion.errors import IngestError

KINDS = ("kinesis", "kafka")


class Record(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One thing to put on a stream. There are ten of them in a request, and so it is made of what is made quickly.

    Attributes:
        stream: name of the stream, or topic.
        key: records of one key stay in order, as far as the stream can.
        value: the bytes that readers get.
    """

    stream: str
    key: str
    value: bytes


class Producer(Protocol):
    """Puts records on streams. Belongs to the event loop that runs when it is made."""

    trouble: str
    """The last thing that went wrong, in words; empty since a record last got through."""

    async def send(self, records: Sequence[Record]) -> Sequence[Record]:
        """Waits until each record is on its stream, replicated as the stream promises it, or has been given up.

        Returns:
            Those that were given up after the producer's patience, in order for each key. Some may be on the stream all
            the same: the answer was lost. Sent again, they are there twice.
        """
        ...

    async def close(self) -> None:
        """Waits for what is under way, and lets go of connections and threads."""
        ...


def open_producer(source: str, patience: float) -> Producer:
    """The producer for the stream that a source is configured to read.

    Args:
        source: whose settings name the stream: `sources.<source>.kind` is `kinesis` (the default) or `kafka`.
        patience: seconds after which a record that has not got through is given up.

    Raises:
        IngestError: a setting is missing or strange.
    """
    kind = optional_setting(source, "kind") or "kinesis"
    if kind == "kafka":
        from ingestion.streams.kafka_producer import KafkaProducer

        return KafkaProducer(source, patience)
    if kind == "kinesis":
        from ingestion.streams.kinesis_producer import KinesisProducer

        return KinesisProducer(source, patience)
    raise IngestError(f"sources.{source}.kind is {kind!r}: choose one of {', '.join(KINDS)}")
