"""The command `ingest`."""

from __future__ import annotations

import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ingestion.errors import IngestError, LoadRefusedError, RunInProgressError, SourceUnavailableError
from ingestion.warehouse import Warehouse

if TYPE_CHECKING:
    from ingestion.landing import Report

# 1 is ours, 2 is click's for a wrong call; the rest let a scheduler decide: later, a person, or not now
EXIT_CODES = {SourceUnavailableError: 3, LoadRefusedError: 4, RunInProgressError: 5}


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
def main() -> None:
    """Land the operator's systems in the warehouse's raw schemas.

    The warehouse is the local one of `make up`, or the one that MAJAKKA_WAREHOUSE_HOST, _PORT, _USER, _PASSWORD and
    _DATABASE name. Sources are configured in .dlt/config.toml and .dlt/secrets.toml, or by environment.
    """


@main.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_sources(as_json: bool) -> None:
    """Show the sources and their tables."""
    from ingestion import sources

    found = [sources.find(name) for name in sources.NAMES]
    if as_json:
        _print_json(
            [
                {"source": s.name, "description": s.description, "resources": [r.name for r in s.resources]}
                for s in found
            ]
        )
        return
    rows = [(s.name, s.description, ", ".join(r.name for r in s.resources)) for s in found]
    rows.append(("files", "any CSV, JSON lines or Parquet file (--path)", "one table for each file"))
    _print_table(("source", "what", "tables"), rows)


@main.command()
@click.argument("sources", nargs=-1, required=True, metavar="SOURCE...")
@click.option(
    "--path",
    "paths",
    multiple=True,
    type=click.Path(path_type=Path),
    help="For files: a file to land; may be repeated.",
)
@click.option(
    "--allow-shrink",
    is_flag=True,
    help="Land deliveries that have fewer than half the rows of their earlier version.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option("--quiet", is_flag=True, help="No progress on standard error.")
def run(sources: tuple[str, ...], paths: tuple[Path, ...], allow_shrink: bool, as_json: bool, quiet: bool) -> None:
    """Land what is new of each SOURCE, one after another.

    Exit codes: 0 all landed; 1 something is wrong; 3 a source is unavailable, run again later; 4 a load was refused,
    somebody must look; 5 another run is under way. With several sources, all are tried, and the first failure counts.
    """
    from ingestion.run import run as run_source

    reports: list[Report] = []
    failures: list[IngestError] = []
    for name in sources:
        try:
            with _Progress(name, quiet) as progress:
                reports.append(
                    run_source(
                        name,
                        Warehouse.from_environment(),
                        paths=paths,
                        allow_shrink=allow_shrink,
                        say=progress,
                    )
                )
        except IngestError as error:
            click.echo(f"ingest: {error}", err=True)
            failures.append(error)
    if as_json:
        _print_json([dataclasses.asdict(report) for report in reports])
    elif reports:
        _print_reports(reports)
    if failures:
        sys.exit(EXIT_CODES.get(type(failures[0]), 1))


@main.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(as_json: bool) -> None:
    """Show what has landed so far, per table: deliveries, rows, rejected share, and when the last one came."""
    from ingestion import status as statuses

    with _errors_told(), Warehouse.from_environment().connect() as connection:
        found = statuses.resources(connection)
    if as_json:
        _print_json([dataclasses.asdict(line) for line in found])
        return
    _print_table(
        ("source", "table", "deliveries", "fetched", "landed", "rejected", "share", "last landed (UTC)"),
        [
            (
                line.source,
                line.resource,
                f"{line.deliveries:,}",
                f"{line.fetched:,}",
                f"{line.landed:,}",
                f"{line.rejected:,}",
                f"{line.rejected / max(line.fetched, 1):.2%}",
                f"{line.last_landed_at:%Y-%m-%d %H:%M:%S}",
            )
            for line in found
        ],
    )


@main.group()
def quarantine() -> None:
    """Look at the rows that broke their contract."""


@quarantine.command("list")
@click.option("--source", help="Only this source.")
@click.option("--limit", default=50, show_default=True, help="At most so many, the newest first.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def quarantine_list(source: str | None, limit: int, as_json: bool) -> None:
    """List rows in quarantine with their reasons."""
    found = _quarantined(source, limit)
    if as_json:
        _print_json([dataclasses.asdict(row) for row in found])
        return
    _print_table(
        ("id", "table", "reason", "where"),
        [
            (row.quarantine_id[:12], f"{row.source}.{row.resource}", row.reason, f"{row.uri} row {row.row}")
            for row in found
        ],
    )


@quarantine.command("show")
@click.argument("quarantine_id")
def quarantine_show(quarantine_id: str) -> None:
    """Show one row as it came. The first letters of its id are enough."""
    found = [row for row in _quarantined(None, sys.maxsize) if row.quarantine_id.startswith(quarantine_id)]
    if len(found) != 1:
        click.echo(f"ingest: {len(found)} rows in quarantine have an id that starts with {quarantine_id!r}", err=True)
        sys.exit(1)
    _print_json(dataclasses.asdict(found[0]))


def _quarantined(source: str | None, limit: int) -> list[Any]:
    from ingestion import status as statuses

    with _errors_told(), Warehouse.from_environment().connect() as connection:
        return list(statuses.quarantined(connection, source, limit))


class _errors_told:  # noqa: N801 - reads as a verb where it stands
    """Prints our errors as one line, without a traceback, and exits."""

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, IngestError):
            click.echo(f"ingest: {error}", err=True)
            sys.exit(EXIT_CODES.get(type(error), 1))


class _Progress:
    """Tells on standard error what a source is doing: a live line on a terminal, plain lines elsewhere."""

    def __init__(self, source: str, quiet: bool) -> None:
        self._source = source
        self._quiet = quiet
        self._status: Any = None

    def __enter__(self) -> _Progress:
        if not self._quiet and sys.stderr.isatty():
            from rich.console import Console

            self._status = Console(stderr=True).status(self._source)
            self._status.start()
        elif not self._quiet:
            click.echo(f"{self._source}: started", err=True)
        return self

    def __call__(self, sentence: str) -> None:
        if self._status:
            self._status.update(f"{self._source}: {sentence}")

    def __exit__(self, *_: object) -> None:
        if self._status:
            self._status.stop()


def _print_reports(reports: list[Report]) -> None:
    rows = []
    for report in reports:
        for number, line in enumerate(report.resources):
            rows.append(
                (
                    report.source if number == 0 else "",
                    line.resource,
                    f"{line.deliveries:,}",
                    f"{line.fetched:,}",
                    f"{line.landed:,}",
                    f"{line.rejected:,}",
                    ", ".join(line.new_columns),
                    f"{report.seconds:.1f}" if number == 0 else "",
                )
            )
    _print_table(("source", "table", "deliveries", "fetched", "landed", "rejected", "new columns", "seconds"), rows)


def _print_table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*header, box=SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def _print_json(value: object) -> None:
    click.echo(json.dumps(value, default=str, ensure_ascii=False, indent=2))
