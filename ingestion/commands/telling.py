"""How commands speak: tables and JSON on standard output, progress and errors on standard error, exit codes."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from ingestion.errors import (
    IngestError,
    LoadRefusedError,
    RecordsLostError,
    RunInProgressError,
    SourceUnavailableError,
    UnreadableDeliveryError,
)

if TYPE_CHECKING:
    from ingestion.landing import Report

# 1 is ours, 2 is click's for a wrong call; the rest let a scheduler decide: later, a person, or not now
EXIT_CODES: dict[type[IngestError], int] = {
    SourceUnavailableError: 3,
    LoadRefusedError: 4,
    RecordsLostError: 4,
    UnreadableDeliveryError: 4,
    RunInProgressError: 5,
}
STALE = 6
"""Exit code of `ingest status --max-age` when something is older."""

SECONDS_BETWEEN_LINES = 10

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")
quiet_option = click.option("--quiet", is_flag=True, help="No progress on standard error.")


def exit_code(error: IngestError) -> int:
    """What the process ends with because of this error."""
    return EXIT_CODES.get(type(error), 1)


def tell(error: IngestError) -> None:
    """Prints an error of ours as one line, without a traceback."""
    click.echo(f"ingest: {error}", err=True)


@contextmanager
def errors_told() -> Iterator[None]:
    """Prints an error of ours and exits with its code."""
    try:
        yield
    except IngestError as error:
        tell(error)
        sys.exit(exit_code(error))


class Progress:
    """Tells on standard error what is being done: a live line on a terminal, a line now and then elsewhere."""

    def __init__(self, subject: str, quiet: bool) -> None:
        self._subject = subject
        self._quiet = quiet
        self._status: Any = None
        self._told = time.monotonic()

    def __enter__(self) -> Progress:
        if not self._quiet and sys.stderr.isatty():
            from rich.console import Console

            self._status = Console(stderr=True).status(self._subject)
            self._status.start()
        elif not self._quiet:
            click.echo(f"{self._subject}: started", err=True)
        return self

    def __call__(self, sentence: str) -> None:
        """Takes a short sentence."""
        now = time.monotonic()
        if self._status:
            self._status.update(f"{self._subject}: {sentence}")
        elif not self._quiet and now - self._told > SECONDS_BETWEEN_LINES:
            self._told = now
            click.echo(f"{self._subject}: {sentence}", err=True)

    def __exit__(self, *_: object) -> None:
        if self._status:
            self._status.stop()


def print_reports(reports: Sequence[Report]) -> None:
    """What runs did, a line for each table."""
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
    print_table(("source", "table", "deliveries", "fetched", "landed", "rejected", "new columns", "seconds"), rows)


def print_table(header: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    """A table that fits a terminal."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*header, box=SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console(width=None if sys.stdout.isatty() else 160).print(table)


def print_json(value: object) -> None:
    """JSON for machines; times and decimals as text."""
    click.echo(json.dumps(value, default=str, ensure_ascii=False, indent=2))
