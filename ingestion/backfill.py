"""Lands the past of a source, window by window, and remembers which windows are done.

The memory is a table `_backfills` in the source's raw schema. A window is written there after its run has ended; killed
in between, it is landed once more, which changes nothing: what a delivery holds replaces what it held.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from ingestion.delivery import Request
from ingestion.warehouse import has_table

if TYPE_CHECKING:
    from ingestion.landing import Report
    from ingestion.warehouse import Connection, Warehouse

TABLE = "_backfills"


@dataclass(frozen=True)
class Window:
    """A window that is done.

    Attributes:
        since: its first moment (UTC).
        until: the moment after its last (UTC).
        done_before: an earlier backfill has landed it, and this one has not asked for it.
        deliveries: what has landed now.
        landed: rows.
        rejected: rows.
    """

    since: datetime
    until: datetime
    done_before: bool = False
    deliveries: int = 0
    landed: int = 0
    rejected: int = 0

    def __str__(self) -> str:
        said = "done before" if self.done_before else f"{self.landed:,} rows landed, {self.rejected:,} rejected"
        return f"{self.since:%Y-%m-%d %H:%M} to {self.until:%Y-%m-%d %H:%M}: {said}"


def windows(start: datetime, end: datetime, step: timedelta) -> list[tuple[datetime, datetime]]:
    """The windows from start to end, each of the step's length but the last."""
    edges = [start]
    while edges[-1] < end:
        edges.append(min(edges[-1] + step, end))
    return list(pairwise(edges))


def backfill(
    name: str,
    warehouse: Warehouse,
    start: datetime,
    end: datetime,
    step: timedelta,
    *,
    again: bool = False,
    allow_shrink: bool = False,
    stop: Callable[[], bool] = lambda: False,
    say: Callable[[str], None] = lambda _: None,
) -> Iterator[Window]:
    """Lands window after window, the oldest first, and gives each when it is done.

    Args:
        name: one of `ingestion.sources.NAMES`.
        warehouse: where to land.
        start: the first moment wanted (UTC).
        end: the moment after the last one wanted (UTC).
        step: length of a window.
        again: repeat windows that are done.
        allow_shrink: land deliveries that are much smaller than their earlier version.
        stop: asked before each delivery; a window that was cut off by it is not done.
        say: called with short sentences of progress.

    Raises:
        IngestError: the windows before are done; started again, it goes on with the one that failed.
    """
    from ingestion import sources
    from ingestion.run import run

    dataset = sources.find(name).dataset
    wanted = windows(start, end, step)
    with warehouse.connect() as connection:
        done = _done(connection, dataset)
    for number, (since, until) in enumerate(wanted, start=1):
        if (since, until) in done and not again:
            yield Window(since, until, done_before=True)
            continue
        if stop():
            return
        place = f"window {number} of {len(wanted)}"

        def say_where(sentence: str, place: str = place) -> None:
            say(f"{place}: {sentence}")

        request = Request(since=since, until=until)
        report = run(name, warehouse, request=request, allow_shrink=allow_shrink, stop=stop, say=say_where)
        if report.stopped:
            return
        with warehouse.connect() as connection:
            _finish(connection, dataset, since, until)
        yield _window(since, until, report)


def _window(since: datetime, until: datetime, report: Report) -> Window:
    lines = report.resources
    return Window(
        since,
        until,
        deliveries=sum(line.deliveries for line in lines),
        landed=sum(line.landed for line in lines),
        rejected=sum(line.rejected for line in lines),
    )


def _done(connection: Connection, dataset: str) -> set[tuple[datetime, datetime]]:
    from psycopg import sql

    if not has_table(connection, dataset, TABLE):
        return set()
    found = connection.execute(sql.SQL("select since, until from {}").format(sql.Identifier(dataset, TABLE)))
    return {(since.astimezone(UTC), until.astimezone(UTC)) for since, until in found}


def _finish(connection: Connection, dataset: str, since: datetime, until: datetime) -> None:
    from psycopg import sql

    table = sql.Identifier(dataset, TABLE)
    columns = "since timestamptz not null, until timestamptz not null, finished_at timestamptz not null"
    with connection.transaction():
        connection.execute(sql.SQL(f"create table if not exists {{}} ({columns})").format(table))
        connection.execute(sql.SQL("delete from {} where since = %s and until = %s").format(table), (since, until))
        connection.execute(
            sql.SQL("insert into {} values (%s, %s, %s)").format(table), (since, until, datetime.now(UTC))
        )
