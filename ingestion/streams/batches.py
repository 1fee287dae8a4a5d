"""Micro-batches: what is read of a stream, made into deliveries."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from ingestion.contract import MAX_PAYLOAD_BYTES
from ingestion.delivery import Batch, Broken, Delivery
from ingestion.errors import IngestError
from ingestion.streams.reader import Piece, Standing

if TYPE_CHECKING:
    from ingestion.formats.json import Reading
    from ingestion.streams.reader import Reader
    from ingestion.transports.stream import Stream

POLL_SECONDS = 0.1
"""How soon a consumer notices that it is to stop."""

MOST_BYTES = 64 << 20
"""Of a micro-batch; then it is full, however few its records are."""

IDLE_SECONDS = 1.0
"""After so long a micro-batch in which there is nothing is over, too: it says that nothing came."""

HOUR = 3600


@dataclass(frozen=True)
class Pace:
    """How much is landed at once, and how often.

    Attributes:
        rows: a micro-batch is full with so many,
        seconds: or when it has been collected for so long.
        stretch_rows: a stretch of a partition goes on, micro-batch after micro-batch, until it has so many rows,
        stretch_seconds: or for so long.
        lease: how long a partition is held without word of its consumer.
    """

    rows: int = 20_000
    seconds: float = 1.0
    stretch_rows: int = 1_000_000
    stretch_seconds: float = HOUR
    lease: timedelta = timedelta(seconds=10)


@dataclass
class MicroBatch:
    """What is landed in one transaction.

    Attributes:
        deliveries: what came, by stretch.
        standings: how far each partition has been read with that.
        records: how many rows they are, of each partition.
        oldest_at: when the oldest of them had arrived (seconds since 1970); None if there are none.
    """

    deliveries: list[Delivery] = field(default_factory=list)
    standings: dict[str, Standing] = field(default_factory=dict)
    records: dict[str, int] = field(default_factory=dict)
    oldest_at: float | None = None


@dataclass
class _Stretch:
    """Records of one partition that follow one another and share a uri, so far.

    Attributes:
        uri: says from where.
        hour: the hour in which they arrived (hours since 1970); the first record of the next one ends the stretch.
        began: when it did (monotonic seconds).
        rows: how many there have been.
    """

    uri: str
    hour: int
    began: float
    rows: int = 0

    def is_over(self, pace: Pace) -> bool:
        """Whether the next record begins another."""
        return self.rows >= pace.stretch_rows or time.monotonic() - self.began >= pace.stretch_seconds


class Batches:
    """Reads micro-batch after micro-batch, in a thread of its own; nobody else may use the reader's `poll` meanwhile.

    A stretch of a partition is one delivery, with one line in the ledger, for as long as the hour in which records
    arrive is the same. So the ledger grows with the hours, not with the micro-batches, and what is archived of a
    stretch belongs to one hour.
    """

    def __init__(
        self,
        stream: Stream,
        reader: Reader,
        landed: Mapping[str, int | None],
        pace: Pace,
        *,
        stop: threading.Event,
        is_enough: Callable[[Mapping[str, Standing]], bool] = lambda _: False,
    ) -> None:
        """Begins; no stretch goes on from before.

        Args:
            stream: says which table, and how records are read.
            reader: follows the partitions already.
            landed: the last landed position of each partition that it follows.
            pace: how much, how often.
            stop: once it is set, what has been read is a last micro-batch.
            is_enough: asked how far partitions have been read; a micro-batch of which it says so is complete.
        """
        self._stream = stream
        self._reader = reader
        self._landed = dict(landed)
        self._pace = pace
        self._stop = stop
        self._is_enough = is_enough
        self._given_up = threading.Event()
        self._standings: dict[str, Standing] = {}
        self._reading: Reading = stream.format.reading()
        self._stretches: dict[str, _Stretch] = {}

    def __iter__(self) -> Iterator[MicroBatch]:
        """Micro-batches until `stop`, also empty ones: these say how far it is."""
        while not self._is_over():
            yield self._batch(self._collect())

    def give_up(self) -> None:
        """Nobody wants what is being read."""
        self._given_up.set()

    def _is_over(self) -> bool:
        return self._stop.is_set() or self._given_up.is_set()

    def _collect(self) -> list[Piece]:
        """What comes in the time of one micro-batch."""
        pieces: dict[str, Piece] = {}
        count = size = 0
        began = time.monotonic()
        while count < self._pace.rows and size < MOST_BYTES and not self._is_over():
            left = began + (self._pace.seconds if count else min(self._pace.seconds, IDLE_SECONDS)) - time.monotonic()
            if left <= 0:
                break
            for came in self._reader.poll(self._pace.rows - count, min(left, POLL_SECONDS)):
                piece = pieces.setdefault(came.scope, Piece(came.scope))
                piece.add(came)
                self._standings[came.scope] = came.standing
                count += len(came)
                size += sum(map(len, came.values))
            # what was split off from a partition need not wait
            if any(piece.standing.has_ended for piece in pieces.values()) or self._is_enough(self._standings):
                break
        return list(pieces.values())

    def _batch(self, pieces: Sequence[Piece]) -> MicroBatch:
        batch = MicroBatch()
        for piece in pieces:
            batch.standings[piece.scope] = piece.standing
            if not piece.values:
                continue
            batch.records[piece.scope] = len(piece)
            oldest_at = min(piece.arrivals)
            batch.oldest_at = min(oldest_at, batch.oldest_at or oldest_at)
            for part, hour in self._by_hour(piece):
                self._deliver(batch, part, hour)
        return batch

    def _by_hour(self, piece: Piece) -> Iterator[tuple[Piece, int]]:
        """The records in parts that arrived in one hour each; the clock is not turned back, nor ahead of ours."""
        stretch = self._stretches.get(piece.scope)
        if stretch and stretch.is_over(self._pace):
            stretch = None
            del self._stretches[piece.scope]
        now = int(time.time()) // HOUR
        hour = stretch.hour if stretch else min(now, int(piece.arrivals[0]) // HOUR)
        start = 0
        # mostly all of them have come within the hour
        while now > hour and max(piece.arrivals[start:]) >= (hour + 1) * HOUR:
            end = next(n for n in range(start, len(piece)) if piece.arrivals[n] >= (hour + 1) * HOUR)
            if end > start:
                yield piece.part(start, end), hour
            start, hour = end, min(now, int(piece.arrivals[end]) // HOUR)
        yield piece.part(start, len(piece)) if start else piece, hour

    def _deliver(self, batch: MicroBatch, piece: Piece, hour: int) -> None:
        stretch = self._stretches.get(piece.scope)
        after = self._landed.get(piece.scope)
        if stretch is None or stretch.hour != hour:
            uri = f"{piece.scope}?after={'' if after is None else after}"
            stretch = self._stretches[piece.scope] = _Stretch(uri, hour, time.monotonic())
        read = read_values(self._reading, piece.values, stretch.rows + 1)
        stretch.rows += len(piece)
        self._landed[piece.scope] = piece.positions[-1]
        batch.deliveries.append(
            Delivery(
                self._stream.resource,
                stretch.uri,
                "" if after is None else str(after),
                lambda: iter(read),
                self._stream.format.notation,
                cursor_scope=piece.scope,
                cursor_value=str(piece.positions[-1]),
            )
        )


def read_values(reading: Reading, values: Sequence[bytes], first: int) -> list[Batch]:
    """The values of records as columns. One that keeps the others from being read is broken.

    Args:
        reading: of the stream's format.
        values: one or more.
        first: position of the first.
    """
    try:
        return [reading.batch(list(enumerate(values, start=first)))]
    except IngestError as error:
        if len(values) > 1:
            half = len(values) // 2
            return [*read_values(reading, values[:half], first), *read_values(reading, values[half:], first + half)]
        nothing = reading.batch([])
        payload = values[0][:MAX_PAYLOAD_BYTES].decode(errors="replace")
        return [replace(nothing, broken=(Broken(first, str(error), payload),))]
