"""The command `demo`, behind `make demo`, `up`, `down`, `docs` and `clean`."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console


class _Commands(click.Group):
    """Shows the errors that a person can put right as one clear text, with exit code 1 and no traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        from demo.operator.settings import OperatorError
        from demo.run import IncompleteError
        from demo.warehouse import DbtError
        from ingestion.errors import IngestError
        from standin.errors import StandinError

        try:
            return super().invoke(ctx)
        except (DbtError, IncompleteError, IngestError, OperatorError, StandinError) as error:
            raise click.ClickException(str(error)) from error


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """A small telecom operator, and a full warehouse of its data, on this machine."""


@main.command()
@click.option("--customers", default=500, show_default=True, help="How many customers the operator has.")
@click.option("--days", default=60, show_default=True, help="How many days of its life are delivered.")
@click.option("--seed", default=1, show_default=True, help="Another seed is another operator.")
def run(customers: int, days: int, seed: int) -> None:
    """Start everything, land every source, build every model, and show what is there.

    Running it again lands what is new (nothing, as a rule) and builds again. Exit code 0 only if every row that the
    operator sent has landed or is in quarantine, and every test of every model has passed.
    """
    from demo.operator.settings import OperatorSettings
    from demo.run import run as run_demo

    run_demo(OperatorSettings(customers=customers, days=days, seed=seed), _console())


def _console() -> Console:
    from rich.console import Console

    # a log has no width of its own; the tables need this much
    return Console(highlight=False, width=None if sys.stdout.isatty() else 140)


@main.command()
def up() -> None:
    """Start the warehouse, and the demo operator if it has been made."""
    from demo.operator.generate import read_settings
    from demo.paths import operator_folder
    from demo.platform import start_operator, start_warehouse

    server = start_warehouse()
    click.echo(f"The warehouse is up: port {server.port}, process {server.pid}; look into it with standin psql.")
    if not (operator_folder() / "settings.json").exists():
        click.echo("There is no demo operator yet; `make demo` makes one and fills the warehouse.")
        return
    operator = start_operator(read_settings(operator_folder()))
    ports = ", ".join(str(port) for port in operator.ports)
    click.echo(f"The demo operator is up: ports {ports}, process {operator.pid}; land it with ingest run.")
    click.echo("Stop them with make down.")


@main.command()
def down() -> None:
    """Stop the warehouse and the demo operator. Their data stay."""
    from demo.platform import stop

    stopped = stop()
    for name, was_running in (("warehouse", stopped.warehouse), ("demo operator", stopped.operator)):
        click.echo(f"The {name} {'is stopped' if was_running else 'was not running'}.")


@main.command()
def clean() -> None:
    """Stop everything and remove the local data, the docs site and dbt's output."""
    from demo.platform import clean as clean_platform

    removed = clean_platform()
    for path in removed:
        click.echo(f"Removed {path}")
    if not removed:
        click.echo("There was nothing to remove.")


@main.command()
def docs() -> None:
    """Write the static docs site from the local warehouse."""
    from demo.platform import start_warehouse
    from demo.warehouse import write_docs

    start_warehouse()
    click.echo(f"The docs site is written: open {write_docs()}")


@main.command()
def env() -> None:
    """Print the variables that lead to the running warehouse and operator: `eval "$(demo env)"`."""
    from demo.operator import process
    from demo.operator.settings import OperatorError
    from demo.paths import operator_folder
    from standin.settings import Settings

    operator = process.running(operator_folder())
    if operator is None:
        raise OperatorError("the demo operator is not running: start it with make up")
    for name, value in {**Settings.from_environment().environment(), **operator.environment()}.items():
        click.echo(f"export {name}={shlex.quote(value)}")
