"""Lands every source, and holds what has landed against what the operator says it sent."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from demo.operator import truth
from demo.operator.settings import SERVED
from ingestion import sources, status
from ingestion.prepare import prepare
from ingestion.run import run
from ingestion.warehouse import Warehouse

if TYPE_CHECKING:
    from pathlib import Path


@dataclass
class SourceTimes:
    """What this run fetched, and how long each source took, over all mornings."""

    fetched: Counter[tuple[str, str]]
    seconds: dict[str, float]

    @classmethod
    def none(cls) -> SourceTimes:
        """Before anything has been fetched."""
        return cls(Counter(), dict.fromkeys(sources.NAMES, 0.0))


@dataclass(frozen=True)
class Line:
    """One raw table. Rows, over all deliveries so far.

    Attributes:
        sent: what the operator says it has sent, malformed rows and repeated deliveries included.
        fetched: what ingestion has read of it.
        landed: what it accepted; rows that a newer delivery replaced later are counted.
        rejected: what it put into quarantine.
        new: what this run fetched.
    """

    source: str
    table: str
    sent: int
    fetched: int
    landed: int
    rejected: int
    new: int

    @property
    def is_complete(self) -> bool:
        """Whether every row that was sent has landed or is in quarantine, with its reason."""
        return self.sent == self.fetched == self.landed + self.rejected


def land_all(times: SourceTimes, say: Callable[[str], None]) -> None:
    """Land what is new of every source that the operator serves; of others, make the tables that models read.

    Raises:
        IngestError: a source could not be landed.
    """
    warehouse = Warehouse.from_environment()
    for name in sources.NAMES:
        if name not in SERVED:
            prepare(sources.find(name), warehouse)
            continue
        started = time.monotonic()
        report = run(name, warehouse, say=lambda sentence, name=name: say(f"{name}: {sentence}"))  # type: ignore[misc]
        times.seconds[name] += time.monotonic() - started
        for line in report.resources:
            times.fetched[name, line.resource] += line.fetched


def lines(folder: Path, morning: int, times: SourceTimes) -> list[Line]:
    """What was sent up to a morning, beside what has landed."""
    sent: Counter[tuple[str, str]] = Counter()
    for delivery in truth.load(folder).deliveries:
        if delivery.morning <= morning:
            sent[delivery.source, delivery.resource] += delivery.rows
    with Warehouse.from_environment().connect() as connection:
        landed = {(line.source, line.resource): line for line in status.resources(connection)}
    found = []
    for source, table in sorted(sent, key=lambda key: (sources.NAMES.index(key[0]), key[1])):
        line = landed.get((source, table))
        counts = (line.fetched, line.landed, line.rejected) if line else (0, 0, 0)
        found.append(Line(source, table, sent[source, table], *counts, new=times.fetched[source, table]))
    return found
