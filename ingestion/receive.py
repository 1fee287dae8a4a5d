"""Lands what a source announces, as it announces it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from ingestion.errors import IngestError, SourceUnavailableError, UnreadableDeliveryError

if TYPE_CHECKING:
    from ingestion.landing import Report
    from ingestion.warehouse import Warehouse

LISTEN_SECONDS = 20
"""How long an empty queue is listened to before the run lock is given back."""

LONGEST_PAUSE_SECONDS = 300


def receive(
    name: str,
    warehouse: Warehouse,
    *,
    once: bool,
    stop: threading.Event,
    listen_seconds: int = LISTEN_SECONDS,
    say: Callable[[str], None] = lambda _: None,
    tell: Callable[[IngestError], None] = lambda _: None,
) -> Iterator[Report]:
    """Run after run of one source; gives the report of each that brought something.

    Args:
        name: one of `ingestion.sources.NAMES`.
        warehouse: where to land.
        once: end when nothing more is announced.
        stop: when set, the run under way ends after the delivery that it reads.
        listen_seconds: how long an empty queue is listened to; how soon a source without a queue is asked again.
        say: called with short sentences of progress.
        tell: called with errors that do not end it: a source that is down, a delivery that cannot be read.

    Raises:
        IngestError: with `once`, any; else those that a person has to look at.
    """
    from ingestion import landing, sources

    source = sources.find(name)
    is_queue = hasattr(source.transport, "wait_seconds")
    if is_queue and not once:
        source = replace(source, transport=replace(source.transport, wait_seconds=listen_seconds))  # type: ignore[type-var]
    pause = failures = 0
    while not stop.wait(pause):
        # a queue is listened to; anything else is asked again after a while
        pause = 0 if is_queue else listen_seconds
        try:
            report = landing.land(source, warehouse, stop=stop.is_set, say=say)
        except (SourceUnavailableError, UnreadableDeliveryError) as error:
            if once:
                raise
            tell(error)
            report = error.report  # type: ignore[assignment]
            failures = failures + 1 if isinstance(error, SourceUnavailableError) else 0
            pause = min(2**failures, LONGEST_PAUSE_SECONDS) if failures else listen_seconds
        else:
            failures = 0
        if report and any(line.deliveries for line in report.resources):
            yield report
        if once:
            return
