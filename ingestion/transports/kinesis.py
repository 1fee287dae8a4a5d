"""Kinesis, as a consumer reads it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any

from ingestion.aws import client, error_code, named_errors
from ingestion.config import setting
from ingestion.errors import RecordsLostError
from ingestion.streams.reader import Partition, Piece, Place, Standing
from ingestion.transports.patience import Patience

RECORDS_A_CALL = 10_000
"""Kinesis gives no more at once, nor more than 10 MB."""

SECONDS_BETWEEN_CALLS = 0.25
"""A shard answers five calls a second, to all of its readers together."""

CALLS_AT_ONCE = 8

MARGIN_SECONDS = 60
"""Records may go so much before their time."""

_THROTTLED = ("ProvisionedThroughputExceededException", "LimitExceededException", "KMSThrottlingException")
_SLOWER = Patience(pause=0.5, longest_pause=10)


class Kinesis:
    """A stream of Kinesis.

    Settings: `stream`, `region`, and optionally `endpoint_url`, `aws_access_key_id`, `aws_secret_access_key`.

    A shard's iterator is kept from call to call. Where there is none yet, or it has expired, reading begins *at* the
    last landed record, and not after it: if that one comes again, nothing between has been lost. If it does not come,
    the stream no longer keeps it, and nothing is lost only if everything that the stream has let go had been read.
    """

    def __init__(self, source: str) -> None:
        """Connects.

        Raises:
            IngestError: a setting is missing.
            SourceUnavailableError: AWS cannot be reached or refuses us, or there is no such stream.
        """
        self._source = source
        self._stream = setting(source, "stream")
        with named_errors(source):
            self._client = client(source, "kinesis")
            found = self._client.describe_stream_summary(StreamName=self._stream)
        self._kept_seconds = found["StreamDescriptionSummary"]["RetentionPeriodHours"] * 3600.0
        self._closed: set[str] = set()
        self._shards: dict[str, _Shard] = {}
        self._pool = ThreadPoolExecutor(CALLS_AT_ONCE, thread_name_prefix="kinesis")

    @staticmethod
    def check(source: str) -> Sequence[str]:
        """Whether the stream is there and active.

        Raises:
            IngestError: a setting is missing, or AWS cannot be reached or does not let us in.
        """
        stream = setting(source, "stream")
        with named_errors(source):
            found = client(source, "kinesis").describe_stream_summary(StreamName=stream)
        summary = found["StreamDescriptionSummary"]
        return [f"the stream {stream} is {summary['StreamStatus'].lower()} and has {summary['OpenShardCount']} shards"]

    def partitions(self) -> Sequence[Partition]:
        """See `Reader.partitions`."""
        with named_errors(self._source):
            pages = self._client.get_paginator("list_shards").paginate(StreamName=self._stream)
            shards = pages.build_full_result()["Shards"]
        there = {shard["ShardId"] for shard in shards}
        self._closed = {
            self._scope(shard["ShardId"])
            for shard in shards
            if shard["SequenceNumberRange"].get("EndingSequenceNumber")
        }
        return [
            Partition(
                self._scope(shard["ShardId"]),
                tuple(
                    self._scope(shard[name])
                    for name in ("ParentShardId", "AdjacentParentShardId")
                    if shard.get(name) in there
                ),
            )
            for shard in sorted(shards, key=lambda shard: str(shard["ShardId"]))
        ]

    def follow(self, places: Mapping[str, Place], *, accept_loss: bool = False) -> None:
        """See `Reader.follow`; whether something is lost is found out by the first `poll`."""
        self._shards = {
            scope: _Shard(scope, scope.rpartition("/")[2], place.after, place.read_until, accepts_loss=accept_loss)
            for scope, place in places.items()
        }

    def poll(self, most: int, seconds: float) -> list[Piece]:
        """See `Reader.poll`."""
        until = time.monotonic() + seconds
        read = partial(self._read, limit=max(1, min(RECORDS_A_CALL, most)))
        while True:
            due = [shard for shard in self._shards.values() if shard.is_due()]
            pieces = list(self._pool.map(read, due))
            left = until - time.monotonic()
            if any(piece.values or piece.standing.has_ended for piece in pieces) or left <= 0:
                return pieces
            time.sleep(min(left, SECONDS_BETWEEN_CALLS / 5))

    def close(self) -> None:
        """See `Reader.close`."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._client.close()

    def _scope(self, shard: str) -> str:
        return f"kinesis://{self._stream}/{shard}"

    def _read(self, shard: _Shard, limit: int) -> Piece:
        """One call for one shard, if it lets us."""
        from botocore.exceptions import ClientError

        asked_at, shard.not_before = time.time(), time.monotonic() + SECONDS_BETWEEN_CALLS
        try:
            with named_errors(self._source, but=(ClientError,)):
                if shard.iterator is None:
                    shard.iterator = self._iterator(shard)
                answer = self._client.get_records(ShardIterator=shard.iterator, Limit=limit)
        except ClientError as error:
            code = error_code(error)
            if code == "ExpiredIteratorException":
                shard.iterator = None
            elif code in _THROTTLED:
                shard.failures += 1
                shard.not_before = time.monotonic() + _SLOWER.seconds(shard.failures)
            elif code == "InvalidArgumentException" and shard.looks_for_after:
                # the last landed record is none of this stream's
                self._refuse_loss(shard, is_other=True)
                shard.begin_anew()
            else:
                with named_errors(self._source):
                    raise
            return Piece(shard.scope, standing=Standing(shard.read_until))
        shard.failures = 0
        return self._piece(shard, answer, asked_at, limit)

    def _iterator(self, shard: _Shard) -> str:
        start = {"ShardIteratorType": "TRIM_HORIZON"}
        if shard.after is not None:
            shard.looks_for_after = True
            start = {"ShardIteratorType": "AT_SEQUENCE_NUMBER", "StartingSequenceNumber": str(shard.after)}
        answer = self._client.get_shard_iterator(StreamName=self._stream, ShardId=shard.name, **start)
        return str(answer["ShardIterator"])

    def _piece(self, shard: _Shard, answer: Mapping[str, Any], asked_at: float, limit: int) -> Piece:
        behind_seconds = (answer.get("MillisBehindLatest") or 0) / 1000
        found = answer["Records"]
        has_all = behind_seconds == 0 and len(found) < limit
        shard.iterator = answer.get("NextShardIterator")
        shard.has_ended = shard.iterator is None or (shard.scope in self._closed and has_all and not found)
        if shard.looks_for_after:
            is_there = bool(found) and int(found[0]["SequenceNumber"]) == shard.after
            # Kinesis may look for a while; an iterator of what is gone stays at the oldest record and finds nothing
            if not (found or shard.has_ended or has_all or behind_seconds >= self._kept_seconds):
                return Piece(shard.scope, standing=Standing(shard.read_until))
            shard.looks_for_after = False
            if is_there:
                found = found[1:]
            else:
                self._refuse_loss(shard)
                if not (found or shard.has_ended or has_all):
                    shard.begin_anew()
        piece = Piece(shard.scope)
        for one in found:
            position, arrival = int(one["SequenceNumber"]), one["ApproximateArrivalTimestamp"].timestamp()
            piece.add_record(position, arrival, one["PartitionKey"].encode(), one["Data"])
        if found:
            shard.after = piece.positions[-1]
        if has_all or found:
            shard.read_until = max(asked_at if has_all else piece.arrivals[-1], shard.read_until or 0)
        piece.standing = Standing(shard.read_until, has_ended=shard.has_ended)
        return piece

    def _refuse_loss(self, shard: _Shard, *, is_other: bool = False) -> None:
        """Raises if the stream may have let go of records that nobody has read, or is another stream.

        Raises:
            RecordsLostError: the text says from when to when.
        """
        oldest = time.time() - self._kept_seconds
        has_read_all = shard.read_until is not None and shard.read_until > oldest + MARGIN_SECONDS
        if shard.accepts_loss or (has_read_all and not is_other):
            return
        if is_other:
            raise RecordsLostError(
                f"{self._source}: the last record that has landed of {shard.scope} ({shard.after}) is not one of this "
                "stream's: it was made anew under the same name, and what the old one held may be lost. Go on with all "
                "that the new one has: `ingest stream` with --accept-loss."
            )
        known = f"what arrived after {_utc(shard.read_until)}" if shard.read_until else "what came after that record"
        raise RecordsLostError(
            f"{self._source}: {shard.scope} no longer has the last record that has landed ({shard.after}): its "
            f"records are kept for {self._kept_seconds / 3600:g} hours, so {known} and before {_utc(oldest)} may be "
            "lost. If it can be sent again, let it be; then go on with the oldest that is left: `ingest stream` with "
            "--accept-loss."
        )


@dataclass
class _Shard:
    """A shard that is read, and how far.

    Attributes:
        after: position of the last record that was read.
        read_until: what arrived before has been read.
        not_before: when it may be asked again (monotonic seconds).
        looks_for_after: reading begins at `after`, to see whether it is still there.
    """

    scope: str
    name: str
    after: int | None
    read_until: float | None
    accepts_loss: bool
    iterator: str | None = None
    not_before: float = 0.0
    failures: int = 0
    looks_for_after: bool = False
    has_ended: bool = False

    def begin_anew(self) -> None:
        """Reads from the oldest record on."""
        self.after, self.iterator, self.looks_for_after = None, None, False

    def is_due(self) -> bool:
        return not self.has_ended and time.monotonic() >= self.not_before


def _utc(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
