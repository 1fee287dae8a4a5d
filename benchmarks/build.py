"""How long does `dbt build` take, and what of it grows with the operator, and what with a new day?

    python -m benchmarks.build [--customers 1000 5000 20000 50000] [--days 90]

For each size: a demo operator and an ephemeral warehouse of its own. All but the last day lands and is built from
nothing; then the last morning's deliveries land and it is built again. Measured is the whole command `dbt build` as a
schedule starts it, seeds, snapshots and data tests included, without the unit tests, which see no data.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from benchmarks.ingest import _environment, _warehouse
from demo import landing
from demo.operator import process
from demo.operator.settings import OperatorSettings, Ports

PROJECT = Path(__file__).resolve().parents[1]
GOALS = {(5_000, 90): (60.0, 25.0)}
"""Seconds for the first build and the next, by customers and days; on two cores."""

IN_MEMORY = 1_000_000
"""Days of customers. The warehouse of more is put on disk: with the operator it would not fit into memory."""


@dataclass(frozen=True)
class Build:
    """One `dbt build`: its seconds as a command, and the models that took longest."""

    seconds: float
    slowest: str


@dataclass(frozen=True)
class Measured:
    """One size: the rows that landed, the build from nothing, and the build after another morning."""

    customers: int
    rows: int
    new_rows: int
    first: Build
    second: Build


def main() -> None:
    """Measures, prints, and exits 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--customers", type=int, nargs="+", default=[1_000, 5_000, 20_000, 50_000], help="sizes")
    parser.add_argument("--days", type=int, default=90, help="days that the operator delivers")
    asked = parser.parse_args()
    measured = []
    console = Console(width=180)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("")
        for customers in asked.customers:

            def say(words: str, customers: int = customers) -> None:
                progress.update(task, description=f"{customers:,} customers: {words}")

            measured.append(_measure(OperatorSettings(customers=customers, days=asked.days), say))
            # the larger sizes take half an hour: what is known by then is said
            console.print(
                f"{customers:,} customers: {measured[-1].first.seconds:.1f} s, then {measured[-1].second.seconds:.1f} s"
            )
    table = Table(title=f"dbt build of an operator with {asked.days} days")
    for heading in ("customers", "rows", "from nothing", "slowest", "new rows", "next build", "slowest"):
        table.add_column(heading, justify="right")
    missed = []
    for each in measured:
        table.add_row(
            *(f"{each.customers:,}", f"{each.rows:,}", f"{each.first.seconds:.1f} s", each.first.slowest),
            *(f"{each.new_rows:,}", f"{each.second.seconds:.1f} s", each.second.slowest),
        )
        for build, goal in zip((each.first, each.second), GOALS.get((each.customers, asked.days), ()), strict=False):
            if build.seconds > goal:
                missed.append(f"{each.customers:,} customers: {build.seconds:.1f} s, goal {goal:.0f} s")
    console.print(table)
    if missed:
        sys.exit("missed: " + "; ".join(missed))


def _measure(settings: OperatorSettings, say: Callable[[str], None]) -> Measured:
    before = dict(os.environ)
    if settings.customers * settings.days > IN_MEMORY:
        os.environ.setdefault("TMPDIR", tempfile.gettempdir())
    with _warehouse() as warehouse, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ |= _environment(warehouse)
        say("the operator starts")
        operator = process.start(folder / "operator", settings, Ports(0, 0, 0))
        try:
            os.environ |= operator.environment()
            rows = _land(say)
            say("dbt build, from nothing")
            first = _build(folder)
            operator.advance()
            new_rows = _land(say)
            say("dbt build, after another morning")
            second = _build(folder)
        finally:
            process.stop(folder / "operator")
            os.environ.clear()
            os.environ.update(before)
    return Measured(settings.customers, rows, new_rows, first, second)


def _land(say: Callable[[str], None]) -> int:
    """Lands what is new; gives the number of rows."""
    times = landing.SourceTimes.none()
    landing.land_all(times, say)
    return times.fetched.total()


def _build(folder: Path) -> Build:
    dbt = Path(sys.executable).parent / "dbt"
    command: list[str | Path] = [dbt, "build", "--target", "dev", "--exclude-resource-type", "unit_test", "--quiet"]
    command += ["--project-dir", PROJECT, "--profiles-dir", PROJECT / "profiles"]
    command += ["--target-path", folder / "target", "--log-path", folder / "logs"]
    started = time.perf_counter()
    subprocess.run(command, check=True)
    seconds = time.perf_counter() - started
    results = json.loads((folder / "target" / "run_results.json").read_text())["results"]
    longest = sorted(results, key=lambda each: each["execution_time"], reverse=True)[:3]
    return Build(
        seconds, ", ".join(f"{each['unique_id'].split('.')[2]} {each['execution_time']:.1f}" for each in longest)
    )


if __name__ == "__main__":
    main()
