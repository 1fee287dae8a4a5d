"""What a consumer of a stream has done so far."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingestion.landing import Report
    from ingestion.streams.batches import MicroBatch
    from ingestion.streams.reader import Standing

RATE_SECONDS = 60
"""What the rows per second are an average of."""


@dataclass
class Progress:
    """What a consumer has done so far.

    Attributes:
        source: name of the source.
        holder: name of the consumer.
        report: what has landed.
        standings: how far each partition that it holds has landed.
        batches: micro-batches that have landed.
        batch_seconds: how long the last one took to land.
        latency_seconds: how long the oldest record of the last one had been on its way when it had landed.
        errors: how often it had to begin anew, by kind of error.
        has_begun: the stream and the warehouse have both been reached.
    """

    source: str
    holder: str
    report: Report
    standings: dict[str, Standing] = field(default_factory=dict)
    batches: int = 0
    batch_seconds: float = 0.0
    latency_seconds: float = 0.0
    errors: dict[str, int] = field(default_factory=dict)
    has_begun: bool = False
    _landed: deque[tuple[float, Mapping[str, int]]] = field(default_factory=deque)
    _began: float = field(default_factory=time.monotonic)

    @property
    def behind(self) -> int | None:
        """Records that have arrived and not landed, in the partitions that are held; None if they are not counted."""
        counts = [standing.behind for standing in self.standings.values()]
        return None if None in counts else sum(count or 0 for count in counts)

    @property
    def read_until(self) -> float | None:
        """What arrived before has landed, in every partition that is held (seconds since 1970); None if not known."""
        reached = [standing.read_until for standing in self.standings.values()]
        known = [one for one in reached if one is not None]
        return min(known) if known and len(known) == len(reached) else None

    def rates(self) -> dict[str, float]:
        """Rows a second of each partition, lately."""
        now = time.monotonic()
        while self._landed and self._landed[0][0] < now - RATE_SECONDS:
            self._landed.popleft()
        rows: dict[str, int] = {}
        for _, counts in self._landed:
            for scope, count in counts.items():
                rows[scope] = rows.get(scope, 0) + count
        seconds = min(RATE_SECONDS, max(1.0, now - self._began))
        return {scope: count / seconds for scope, count in rows.items()}

    def holds(self, scopes: Mapping[str, object]) -> None:
        """Other partitions are somebody else's now."""
        self.standings = {scope: standing for scope, standing in self.standings.items() if scope in scopes}

    def reaches(self, batch: MicroBatch) -> None:
        """A micro-batch has been read, and is landing."""
        self.standings.update(batch.standings)
        if batch.records:
            self._landed.append((time.monotonic(), batch.records))

    def has_landed(self, batch: MicroBatch, seconds: float) -> None:
        """It has landed."""
        self.batches += 1
        self.batch_seconds = seconds
        if batch.oldest_at is not None:
            self.latency_seconds = max(0.0, time.time() - batch.oldest_at)

    def counts_error(self, error: Exception) -> None:
        """The consumer has to begin anew."""
        kind = type(error).__name__.removesuffix("Error")
        self.errors[kind] = self.errors.get(kind, 0) + 1
