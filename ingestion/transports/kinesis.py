"""Reads a Kinesis stream from where the warehouse has got to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingestion.aws import client, named_errors
from ingestion.config import setting
from ingestion.delivery import EVERYTHING_NEW, Batch, Delivery, Request
from ingestion.errors import IngestError
from ingestion.formats.json import Json
from ingestion.transports.poll import Poll

if TYPE_CHECKING:
    from ingestion.contract import Notation
    from ingestion.ledger import Ledger

RECORDS_A_CALL = 10_000


@dataclass(frozen=True)
class Kinesis(Poll):
    """Every shard of a stream; the last landed sequence number stands in the ledger, beside the rows it came with.

    Settings: `stream`, `region`, and optionally `endpoint_url`, `aws_access_key_id`, `aws_secret_access_key`.
    """

    source: str
    resource: str
    format: Json

    def deliveries(
        self, ledger: Ledger, folder: Path, say: Callable[[str], None], request: Request = EVERYTHING_NEW
    ) -> Iterable[Delivery]:
        """One stretch per shard, from the last landed record up to now.

        Raises:
            SourceUnavailableError: AWS cannot be reached or does not let us in.
            IngestError: the past is asked for; a stretch that was read again would stand twice.
        """
        if request.again:
            raise IngestError(f"{self.source}: a stream is read on from its last landed record, not again or in part")
        stream = setting(self.source, "stream")
        with named_errors(self.source):
            kinesis = client(self.source, "kinesis")
            shards = kinesis.get_paginator("list_shards").paginate(StreamName=stream).build_full_result()["Shards"]
        for shard in sorted(shard["ShardId"] for shard in shards)[: request.most]:
            scope = f"kinesis://{stream}/{shard}"
            after = ledger.cursor(self.resource, scope)
            delivery = Delivery(
                self.resource,
                f"{scope}?after={after or ''}",
                after or "",
                lambda: iter(()),
                self.format.notation,
                cursor_scope=scope,
                cursor_value=after,
            )
            delivery.read = partial(self._stretch, kinesis, stream, shard, delivery)
            yield delivery

    def notation(self, resource: str) -> Notation:
        """How the records write numbers and dates."""
        return self.format.notation

    def check(self) -> Sequence[str]:
        """Whether the stream is there and active.

        Raises:
            IngestError: a setting is missing, or AWS cannot be reached or does not let us in.
        """
        stream = setting(self.source, "stream")
        with named_errors(self.source):
            found = client(self.source, "kinesis").describe_stream_summary(StreamName=stream)
        summary = found["StreamDescriptionSummary"]
        return [f"the stream {stream} is {summary['StreamStatus'].lower()} and has {summary['OpenShardCount']} shards"]

    def _stretch(self, kinesis: Any, stream: str, shard: str, delivery: Delivery) -> Iterator[Batch]:
        after = delivery.cursor_value
        start = (
            {"ShardIteratorType": "AFTER_SEQUENCE_NUMBER", "StartingSequenceNumber": after}
            if after
            else {"ShardIteratorType": "TRIM_HORIZON"}
        )
        row = 0
        with named_errors(self.source):
            iterator = kinesis.get_shard_iterator(StreamName=stream, ShardId=shard, **start)["ShardIterator"]
        while iterator:
            with named_errors(self.source):
                answer = kinesis.get_records(ShardIterator=iterator, Limit=RECORDS_A_CALL)
            if records := answer["Records"]:
                yield self.format.lines(enumerate((record["Data"] for record in records), start=row + 1))
                row += len(records)
                delivery.cursor_value = records[-1]["SequenceNumber"]
            elif not answer.get("MillisBehindLatest"):
                return
            iterator = answer.get("NextShardIterator")
