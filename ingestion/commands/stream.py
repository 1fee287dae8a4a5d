"""The commands for streams: stream, archive, replay."""

from __future__ import annotations

import dataclasses
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from ingestion.commands.landing import refuse_empty_window, stopped_by_signals
from ingestion.commands.options import UtcTime
from ingestion.commands.telling import (
    Progress,
    errors_told,
    json_option,
    print_json,
    print_reports,
    quiet_option,
    tell,
)
from ingestion.errors import IngestError
from ingestion.warehouse import Warehouse

if TYPE_CHECKING:
    from ingestion.landing import Report
    from ingestion.streams import progress as progresses


@click.command()
@click.argument("source")
@click.option("--metrics-port", type=click.IntRange(0, 65_535), help="Serve Prometheus metrics there.")
@click.option("--metrics-host", default="127.0.0.1", show_default=True, help="The address to serve them on.")
@click.option(
    "--accept-loss",
    is_flag=True,
    help="If the stream no longer has records that nobody has landed, go on with the oldest that are left; once.",
)
@json_option
@quiet_option
def stream(
    *, source: str, metrics_port: int | None, metrics_host: str, accept_loss: bool, as_json: bool, quiet: bool
) -> None:
    """Land the stream of SOURCE as it comes, in micro-batches, until SIGTERM or Ctrl-C.

    Any number of consumers may run, on any machines: they share the stream's partitions. Told to stop, one lands what
    it has read, gives back its partitions, and ends with code 0. While the stream or the warehouse is away it tries
    again; records that the stream has lost, or too many that break the contract, end it with code 4.
    """
    from ingestion import sources
    from ingestion.streams.consumer import stream as stream_source

    with errors_told(), stopped_by_signals() as stop, ExitStack() as stack:
        observers = []
        if metrics_port is not None:
            from ingestion.streams.metrics import Metrics

            metrics = stack.enter_context(closing(Metrics(metrics_host, metrics_port)))
            observers.append(metrics.observe)
            click.echo(f"{source}: metrics on http://{metrics_host}:{metrics.port}/metrics", err=True)
        told = stack.enter_context(Progress(source, quiet))
        observers.append(lambda progress: told(_sentence(progress)))

        def observe(progress: progresses.Progress) -> None:
            for observer in observers:
                observer(progress)

        try:
            report = stream_source(
                sources.find(source),
                Warehouse.from_environment(),
                stop=stop,
                accept_loss=accept_loss,
                observe=observe,
                tell=tell,
            )
        except IngestError as error:
            if error.report:
                _print(error.report, as_json)
            raise
    _print(report, as_json)


@click.command()
@click.argument("source")
@json_option
@quiet_option
def archive(source: str, as_json: bool, quiet: bool) -> None:
    """Write what has landed from the stream of SOURCE to its archive in S3, as it came, by hour.

    What is over is read from the stream once more, so run it more often than the stream forgets: once an hour, say.
    Ends with code 4 if the stream has forgotten something nevertheless.
    """
    from ingestion import sources
    from ingestion.streams.archive import archive as archive_source

    done = []
    with errors_told(), stopped_by_signals() as stop, Progress(source, quiet) as progress:
        for one in archive_source(sources.find(source), Warehouse.from_environment(), stop=stop.is_set, say=progress):
            done.append(one)
            if not as_json:
                click.echo(f"{one.url or 'lost'}: {one.count:,} records")
    if as_json:
        print_json([dataclasses.asdict(one) for one in done])


@click.command()
@click.argument("source")
@click.option("--from", "start", type=UtcTime(), required=True, help="A moment in the first hour wanted (UTC).")
@click.option("--to", "end", type=UtcTime(), required=True, help="The moment after the last one wanted (UTC).")
@json_option
@quiet_option
def replay(*, source: str, start: datetime, end: datetime, as_json: bool, quiet: bool) -> None:
    """Land what the archive of SOURCE has of some hours again, held against today's contract.

    The rows that these hours had brought are replaced. The hours are those in which records arrived in the stream.
    """
    from ingestion import sources
    from ingestion.streams.archive import replay as replay_source

    refuse_empty_window(start, end)
    done = []
    with errors_told(), stopped_by_signals() as stop, Progress(source, quiet) as progress:
        for hour, report in replay_source(
            sources.find(source), Warehouse.from_environment(), start, end, stop=stop.is_set, say=progress
        ):
            done.append(report)
            if not quiet:
                click.echo(f"{source}: {hour:%Y-%m-%d %H}h UTC is done", err=True)
    if as_json:
        print_json([dataclasses.asdict(report) for report in done])
    else:
        print_reports(done)


def _sentence(progress: progresses.Progress) -> str:
    rows = sum(line.fetched for line in progress.report.resources)
    parts = [f"{rows:,} records", f"{sum(progress.rates().values()):,.0f} a second"]
    if progress.behind is not None:
        parts.append(f"{progress.behind:,} behind")
    if progress.read_until is not None:
        parts.append(f"up to {datetime.fromtimestamp(progress.read_until, UTC):%H:%M:%S} UTC")
    return f"{', '.join(parts)}; {len(progress.standings)} partitions"


def _print(report: Report, as_json: bool) -> None:
    if as_json:
        print_json([dataclasses.asdict(report)])
    else:
        print_reports([report])
