"""`standin`: the local warehouse, from the command line."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING, Any

import click

from standin.errors import StandinError
from standin.settings import LOOPBACK, Settings, warehouse_folder

if TYPE_CHECKING:
    from standin.server import Server

_NOT_RUNNING = 3
_VARIABLES = """\b
  MAJAKKA_HOME                 where its data live       <project>/.majakka
  MAJAKKA_WAREHOUSE_PORT       where it listens          5442
  MAJAKKA_WAREHOUSE_USER       the role that owns it     majakka
  MAJAKKA_WAREHOUSE_PASSWORD   the role's password       majakka
  MAJAKKA_WAREHOUSE_DATABASE   the database              majakka"""


class _Commands(click.Group):
    """Shows our errors as one clear text, with exit code 1 and no traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except StandinError as error:
            raise click.ClickException(str(error)) from error


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=f"Variables, and what holds without them:\n\n{_VARIABLES}",
)
def main() -> None:
    """The local warehouse: a PostgreSQL of this project's own, on this machine's loopback address only.

    It is fast and unsafe: it recovers from being killed, but a power cut may cost its data. Everything in it can be
    made again with `make demo`.
    """


@main.command()
def up() -> None:
    """Start the warehouse; make it first if there is none.

    Does nothing if it runs already. Exit code 1 if it cannot be started, with the reason and what to do.
    """
    from standin import postgres
    from standin.provision import provision

    settings, folder = _local_settings(), warehouse_folder()
    before = postgres.running(folder)
    server = postgres.start(folder, settings.port)
    provision(server, settings)
    same = before is not None and before.pid == server.pid
    click.echo("The warehouse runs already." if same else "The warehouse is up.")
    _describe(server, settings)
    click.echo("Stop it with `standin down`, look into it with `standin psql`.")


@main.command()
def down() -> None:
    """Stop the warehouse. Its data stay.

    Ends the connections to it. Exit code 0 also if it was not running.
    """
    from standin import postgres

    folder = warehouse_folder()
    stopped = postgres.stop(folder)
    click.echo(f"The warehouse in {folder} {'is stopped; its data stay' if stopped else 'was not running'}.")


@main.command()
@click.pass_context
def status(ctx: click.Context) -> None:
    """Tell whether the warehouse runs: exit code 0 if it does, 3 if not."""
    from standin import postgres

    folder = warehouse_folder()
    server = postgres.running(folder)
    if server is None:
        click.echo(f"The warehouse in {folder} is not running. Start it with `standin up`.")
        ctx.exit(_NOT_RUNNING)
    settings = Settings.from_environment()
    click.echo("The warehouse runs.")
    _describe(server, settings)
    if server.port != settings.port:
        click.echo(
            f"Note: the environment says port {settings.port}. Set MAJAKKA_WAREHOUSE_PORT={server.port} to reach it."
        )


@main.command(context_settings={"ignore_unknown_options": True})
@click.option("--superuser", is_flag=True, help="Connect as the superuser postgres instead.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def psql(superuser: bool, arguments: tuple[str, ...]) -> None:
    """Open psql on the warehouse; ARGUMENTS go to psql, as in `standin psql -c 'select 1'`.

    The password is the documented local one (majakka, or MAJAKKA_WAREHOUSE_PASSWORD) and is handed over by itself.
    """
    from standin.binaries import find_binaries

    settings = Settings.from_environment()
    host, port, user, password = settings.host, settings.port, settings.user, settings.password
    if superuser:
        server = _running()
        host, port, user, password = server.host, server.port, server.superuser, server.superuser_password
    # of the caller's PG* variables none may lead elsewhere
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    environment |= {
        "PGHOST": host,
        "PGPORT": str(port),
        "PGUSER": user,
        "PGPASSWORD": password,
        "PGDATABASE": settings.database,
    }
    program = str(find_binaries() / "psql")
    os.execve(program, [program, *arguments], environment)  # noqa: S606 - no shell is what we want


@main.command()
@click.option(
    "--test-server",
    is_flag=True,
    help="Also MAJAKKA_TEST_SERVER, the superuser's address: tests then use the running warehouse's server, in "
    "databases of their own.",
)
def env(test_server: bool) -> None:
    """Print the variables that lead other programs to the warehouse: `eval "$(standin env)"`."""
    variables = Settings.from_environment().environment()
    if test_server:
        variables["MAJAKKA_TEST_SERVER"] = _running().url()
    for name, value in variables.items():
        click.echo(f"export {name}={shlex.quote(value)}")


@main.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
def reset(yes: bool) -> None:
    """Drop the warehouse's database with everything in it, and make it anew, empty.

    Ends every connection to it. The warehouse must be running.
    """
    from standin import provision

    settings, server = _local_settings(), _running()
    question = f"Drop everything in database {settings.database} on {server.host}:{server.port}?"
    if not yes:
        click.confirm(question, abort=True)
    provision.reset(server, settings)
    click.echo(f"The database {settings.database} is new and empty.")


def _local_settings() -> Settings:
    settings = Settings.from_environment()
    if settings.host not in {LOOPBACK, "localhost"}:
        raise StandinError(
            f"MAJAKKA_WAREHOUSE_HOST is {settings.host!r}, and standin serves this machine only, at {LOOPBACK}. "
            "Unset the variable to use the local warehouse."
        )
    return settings


def _running() -> Server:
    from standin import postgres

    folder = warehouse_folder()
    server = postgres.running(folder)
    if server is None:
        raise StandinError(f"The warehouse in {folder} is not running. Start it with `standin up`.")
    return server


def _describe(server: Server, settings: Settings) -> None:
    for name, value in (
        ("host", server.host),
        ("port", server.port),
        ("database", f"{settings.database} (user {settings.user})"),
        ("folder", server.folder),
        ("process", server.pid),
    ):
        click.echo(f"  {name:<9} {value}")
