"""The commands that land: run, receive, backfill; and what goes before them: prepare, redrive."""

from __future__ import annotations

import dataclasses
import signal
import sys
import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ingestion.commands.options import Length, UtcTime
from ingestion.commands.telling import (
    Progress,
    errors_told,
    exit_code,
    json_option,
    print_json,
    print_reports,
    print_table,
    quiet_option,
    tell,
)
from ingestion.errors import IngestError
from ingestion.warehouse import Warehouse

if TYPE_CHECKING:
    from types import FrameType

    from ingestion.landing import Report

shrink_option = click.option(
    "--allow-shrink",
    is_flag=True,
    help="Land deliveries that have fewer than half the rows of their earlier version.",
)


@click.command()
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option("--since", type=UtcTime(), help="Only what was made or changed from this time on (UTC), landed or not.")
@click.option("--until", type=UtcTime(), help="Only what was made or changed before this time (UTC), landed or not.")
@click.option(
    "--full", is_flag=True, help="Everything that the source has, landed or not; it replaces what has landed."
)
@click.option(
    "--path",
    "paths",
    multiple=True,
    type=click.Path(path_type=Path),
    help="For files: a file to land; may be repeated.",
)
@shrink_option
@json_option
@quiet_option
def run(
    *,
    sources: tuple[str, ...],
    since: datetime | None,
    until: datetime | None,
    full: bool,
    paths: tuple[Path, ...],
    allow_shrink: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Land what is new of each SOURCE, one after another.

    Exit codes: 0 all landed; 1 something is wrong; 3 a source is unavailable, run again later; 4 a load was refused,
    or a delivery cannot be read: somebody must look; 5 another run is under way. With several sources, all are tried,
    and the first failure counts.
    """
    from ingestion.delivery import Request
    from ingestion.run import run as run_source

    refuse_empty_window(since, until)
    reports: list[Report] = []
    failures: list[IngestError] = []
    with stopped_by_signals() as stop:
        for name in sources:
            if stop.is_set():
                break
            try:
                with Progress(name, quiet) as progress:
                    report = run_source(
                        name,
                        Warehouse.from_environment(),
                        paths=paths,
                        request=Request(since=since, until=until, full=full),
                        allow_shrink=allow_shrink,
                        stop=stop.is_set,
                        say=progress,
                    )
                reports.append(report)
            except IngestError as error:
                tell(error)
                failures.append(error)
                if error.report:
                    reports.append(error.report)
    _print(reports, as_json)
    if stop.is_set() and not quiet:
        click.echo("ingest: stopped before the end; the next run goes on from here", err=True)
    if failures:
        sys.exit(exit_code(failures[0]))


@click.command()
@click.argument("source")
@click.option("--once/--forever", default=True, show_default=True, help="Empty the queue, or go on until told to stop.")
@json_option
@quiet_option
def receive(source: str, once: bool, as_json: bool, quiet: bool) -> None:
    """Land what the SOURCE announces, as it announces it.

    With --forever it listens until SIGTERM or Ctrl-C, lands what it has in hand, and ends with code 0. A source that is
    down is tried again, ever less often; a delivery that cannot be read is told and passed over. A load that is refused
    ends it, with code 4.
    """
    from ingestion.receive import receive as received

    reports: list[Report] = []
    with errors_told(), stopped_by_signals() as stop, Progress(source, quiet) as progress:
        try:
            for report in received(source, Warehouse.from_environment(), once=once, stop=stop, say=progress, tell=tell):
                if once:
                    reports.append(report)
                else:
                    _print([report], as_json)
        except IngestError as error:
            if error.report:
                _print([error.report], as_json)
            raise
    if once:
        _print(reports, as_json)


@click.command()
@click.argument("source")
@click.option("--from", "start", type=UtcTime(), required=True, help="The first moment wanted (UTC).")
@click.option("--to", "end", type=UtcTime(), required=True, help="The moment after the last one wanted (UTC).")
@click.option("--step", type=Length(), default="1d", show_default=True, help="Length of a window: 6h, 1d, 2w.")
@click.option("--again", is_flag=True, help="Repeat windows that an earlier backfill has finished.")
@shrink_option
@json_option
@quiet_option
def backfill(
    *,
    source: str,
    start: datetime,
    end: datetime,
    step: timedelta,
    again: bool,
    allow_shrink: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Land the past of a SOURCE, window by window, the oldest first.

    Each window is landed whether or not it has landed before: what it holds replaces itself. Finished windows are
    written down in the warehouse, so a backfill that was interrupted goes on where it was when it is started again.
    """
    from ingestion.backfill import backfill as backfill_source

    refuse_empty_window(start, end)
    done = []
    with errors_told(), stopped_by_signals() as stop, Progress(source, quiet) as progress:
        for window in backfill_source(
            source,
            Warehouse.from_environment(),
            start,
            end,
            step,
            again=again,
            allow_shrink=allow_shrink,
            stop=stop.is_set,
            say=progress,
        ):
            done.append(window)
            if not quiet and not sys.stderr.isatty():
                click.echo(f"{source}: {window}", err=True)
    if as_json:
        print_json([dataclasses.asdict(window) for window in done])
        return
    print_table(
        ("from", "to", "deliveries", "landed", "rejected", ""),
        [
            (
                f"{window.since:%Y-%m-%d %H:%M}",
                f"{window.until:%Y-%m-%d %H:%M}",
                f"{window.deliveries:,}",
                f"{window.landed:,}",
                f"{window.rejected:,}",
                "done before" if window.done_before else "",
            )
            for window in done
        ],
    )


@click.command()
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
def prepare(sources: tuple[str, ...]) -> None:
    """Make the tables of each SOURCE, and land nothing: models that read them can be built then."""
    from ingestion import sources as described
    from ingestion.prepare import prepare as prepare_source

    with errors_told():
        for name in sources:
            for table in prepare_source(described.find(name), Warehouse.from_environment()):
                click.echo(table)


@click.command()
@click.argument("source")
def redrive(source: str) -> None:
    """Bring the messages of a SOURCE's dead-letter queue back on its queue.

    For when what made them dead has been mended; `ingest receive` lands them then.
    """
    from ingestion import sources

    with errors_told():
        transport = sources.find(source).transport
        if not hasattr(transport, "redrive"):
            raise IngestError(f"{source} is not announced by a queue, so it has no dead letters")
        moved = transport.redrive(lambda sentence: click.echo(f"{source}: {sentence}", err=True))
    click.echo(f"about {moved:,} messages are on their way back; `ingest receive {source}` lands what they announce")


class stopped_by_signals:  # noqa: N801 - reads as a verb where it stands
    """An event that SIGTERM and Ctrl-C set; a second one ends the process at once."""

    def __enter__(self) -> threading.Event:
        self._event = threading.Event()
        self._before: dict[signal.Signals, object] = {}
        for number in (signal.SIGTERM, signal.SIGINT):
            self._before[number] = signal.signal(number, self._stop)
        return self._event

    def _stop(self, number: int, _: FrameType | None) -> None:
        if self._event.is_set():
            sys.exit(128 + number)
        click.echo("ingest: stopping after what is in hand; once more ends at once", err=True)
        self._event.set()

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]


def refuse_empty_window(start: datetime | None, end: datetime | None) -> None:
    """Ends the command if no moment can be wanted."""
    if start and end and start >= end:
        raise click.UsageError(f"the window ends ({end}) before it has begun ({start})")


def _print(reports: list[Report], as_json: bool) -> None:
    if as_json:
        print_json([dataclasses.asdict(report) for report in reports])
    elif reports:
        print_reports(reports)
