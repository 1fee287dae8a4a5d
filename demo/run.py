"""The main job: from nothing to a full warehouse, and a table at the end that says what is in it."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from demo import landing, warehouse
from demo.paths import operator_folder
from demo.platform import start_operator, start_warehouse
from demo.questions import QUESTIONS
from ingestion.warehouse import Warehouse

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from demo.landing import Line, SourceTimes
    from demo.operator.process import Operator
    from demo.operator.settings import OperatorSettings
    from demo.warehouse import BuildResult
    from standin.server import Server


class IncompleteError(Exception):
    """Rows that the operator has sent are neither landed nor in quarantine."""


def run(settings: OperatorSettings, console: Console) -> None:
    """Start the platform, land every source on both mornings, build, document, and report.

    Raises:
        IncompleteError: the report is printed, and it does not add up.
        DbtError, IngestError, OperatorError, StandinError: a step failed; what was done before it stays.
    """
    started = time.monotonic()
    step(console, "Starting the warehouse")
    server = start_warehouse()
    step(console, f"Starting the demo operator: {settings.customers:,} customers, {settings.days} days")
    operator = start_operator(settings)

    times = landing.SourceTimes.none()
    if operator.morning == 1:
        step(console, f"The morning of {settings.last_day:%d %B %Y}: landing every source")
        land(console, times)
        step(console, "Keeping today's customers, to compare tomorrow's with (dbt snapshot)")
        warehouse.build(only="+customers_snapshot")
        operator.advance()
    step(console, "The next morning: a late file, a file sent again with corrections, and a day's work")
    land(console, times)
    step(console, "Building and testing every model (dbt build)")
    built = warehouse.build()
    step(console, "Writing the docs site (dbt docs generate)")
    page = warehouse.write_docs()

    lines = landing.lines(operator_folder(), operator.morning, times)
    console.print()
    console.print(_sources(lines, times))
    console.print(_models(built))
    for question in QUESTIONS:
        console.print(Text(question.words, style="bold"))
        console.print(_answer(question.sql))
    console.print(_where_next(server, operator, page))
    console.print(f"Done in {time.monotonic() - started:.0f} seconds.", style="bold")
    incomplete = [f"{line.source}.{line.table}" for line in lines if not line.is_complete]
    if incomplete:
        raise IncompleteError(f"not everything that was sent is accounted for: {', '.join(incomplete)}")


def step(console: Console, words: str) -> None:
    """Say what comes next."""
    console.print(Text(f"\n▸ {words}", style="bold cyan"))


def land(console: Console, times: SourceTimes) -> None:
    """Land everything, telling which source is at it."""
    if console.is_terminal:
        with console.status("") as live:
            landing.land_all(times, live.update)
        return
    told: set[str] = set()

    def say(sentence: str) -> None:
        source = sentence.partition(":")[0]
        if source not in told:
            told.add(source)
            console.print(f"  {source}")

    landing.land_all(times, say)


def _sources(lines: Sequence[Line], times: SourceTimes) -> Table:
    table = Table(
        *("source", "table"),
        box=SIMPLE_HEAD,
        pad_edge=False,
        title="What the operator sent, and where it is (rows)",
        title_justify="left",
        title_style="bold",
    )
    for name in ("sent", "fetched", "landed", "quarantined", "new in this run", "seconds", ""):
        table.add_column(name, justify="right")
    before = ""
    for line in lines:
        numbers = (f"{count:,}" for count in (line.sent, line.fetched, line.landed, line.rejected, line.new))
        seconds = "" if line.source == before else f"{times.seconds[line.source]:.1f}"
        name = "" if line.source == before else line.source
        table.add_row(name, line.table, *numbers, seconds, "✓" if line.is_complete else "incomplete")
        before = line.source
    return table


def _models(built: BuildResult) -> Table:
    from psycopg import sql

    table = Table(box=SIMPLE_HEAD, pad_edge=False, title="What dbt built", title_justify="left", title_style="bold")
    table.add_column("what")
    table.add_column("outcome", justify="right")
    for kind, outcomes in built.kinds():
        table.add_row(kind, outcomes)
    table.add_section()
    with Warehouse.from_environment().connect() as connection:
        marts = connection.execute(
            "select table_name from information_schema.tables where table_schema = 'marts' order by table_name"
        ).fetchall()
        for (name,) in marts:
            counted = connection.execute(sql.SQL("select count(*) from {}").format(sql.Identifier("marts", name)))
            table.add_row(f"marts.{name}", f"{counted.fetchall()[0][0]:,} rows")
    return table


def _answer(query: str) -> Table:
    with Warehouse.from_environment().connect() as connection:
        found = connection.execute(query)
        names = [str(column[0]) for column in found.description or ()]
        rows = found.fetchall()
    table = Table(*names, box=SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row))
    return table


def _where_next(server: Server, operator: Operator, page: Path) -> Table:
    address = Warehouse.from_environment()
    table = Table.grid(padding=(0, 3))
    look = [
        ("the docs site", str(page)),
        ("SQL", ".venv/bin/standin psql"),
        ("any client", f"postgresql://{address.user}@{address.host}:{address.port}/{address.database}"),
        ("models", "source .venv/bin/activate; dbt run; dbt test; dbt show --select customer_view"),
        ("sources", "ingest status; ingest quarantine list; ingest run crm"),
        ("running", f"the warehouse (process {server.pid}, port {server.port})"),
        ("", f"the operator (process {operator.pid}, ports {', '.join(str(port) for port in operator.ports)})"),
        ("to stop them", "make down (make clean also removes their data)"),
    ]
    table.title, table.title_justify, table.title_style = "Where to look next", "left", "bold"
    for what, where in look:
        table.add_row(what, Text(where))
    return table
