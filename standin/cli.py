"""`standin`: the local warehouse, from the command line."""

from __future__ import annotations

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from standin.errors import StandinError
from standin.settings import LOOPBACK, Settings, warehouse_folder

if TYPE_CHECKING:
    from standin.redshift.service import FaceSettings, RunningFace
    from standin.server import Server

_NOT_RUNNING = 3
_VARIABLES = """\b
  MAJAKKA_HOME                 where its data live       <project>/.majakka
  MAJAKKA_WAREHOUSE_PORT       where it listens          5442
  MAJAKKA_WAREHOUSE_USER       the role that owns it     majakka
  MAJAKKA_WAREHOUSE_PASSWORD   the role's password       majakka
  MAJAKKA_WAREHOUSE_DATABASE   the database              majakka
  MAJAKKA_STANDIN_PORT         the Redshift face's port  5439
  MAJAKKA_STANDIN_DATABASE     the database behind it    majakka_redshift"""


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
@click.option("--tls", is_flag=True, help="Let clients of the Redshift face encrypt, with a certificate of its own.")
def up(tls: bool) -> None:
    """Start the warehouse and its Redshift face; make them first if there are none.

    Does nothing if they run already. Exit code 1 if they cannot be started, with the reason and what to do.
    """
    from standin import postgres
    from standin.provision import provision
    from standin.redshift import service

    settings, folder = _local_settings(), warehouse_folder()
    face_settings = service.FaceSettings.from_environment(settings)
    before = postgres.running(folder)
    server = postgres.start(folder, settings.port)
    provision(server, settings)
    same = before is not None and before.pid == server.pid
    click.echo("The warehouse runs already." if same else "The warehouse is up.")
    _describe(server, settings)
    face = service.start(folder, server, face_settings, tls=tls)
    _describe_face(face, face_settings)
    click.echo("Stop it with `standin down`, look into it with `standin psql`.")


@main.command()
def down() -> None:
    """Stop the warehouse and its Redshift face. Their data stay.

    Ends the connections to it. Exit code 0 also if it was not running.
    """
    from standin import postgres
    from standin.redshift import service

    folder = warehouse_folder()
    service.stop(folder)
    stopped = postgres.stop(folder)
    click.echo(f"The warehouse in {folder} {'is stopped; its data stay' if stopped else 'was not running'}.")


@main.command()
@click.pass_context
def status(ctx: click.Context) -> None:
    """Tell whether the warehouse runs: exit code 0 if it does, 3 if not."""
    from standin import postgres
    from standin.redshift import service

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
    face = service.running(folder)
    if face is None:
        click.echo("Its Redshift face does not run. Start it with `standin up`.")
    else:
        _describe_face(face, service.FaceSettings.from_environment(settings))


@main.command(context_settings={"ignore_unknown_options": True})
@click.option("--superuser", is_flag=True, help="Connect as the superuser postgres instead.")
@click.option("--redshift", is_flag=True, help="Connect to the Redshift face instead.")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def psql(superuser: bool, redshift: bool, arguments: tuple[str, ...]) -> None:
    """Open psql on the warehouse; ARGUMENTS go to psql, as in `standin psql -c 'select 1'`.

    The password is the documented local one (majakka, or MAJAKKA_WAREHOUSE_PASSWORD) and is handed over by itself.
    """
    from standin.binaries import find_binaries

    settings = Settings.from_environment()
    host, port, user, password = settings.host, settings.port, settings.user, settings.password
    database = settings.database
    if redshift:
        from standin.redshift.service import FaceSettings

        face = FaceSettings.from_environment(settings)
        host, port, database = face.host, face.port, face.database
        if superuser:
            raise click.UsageError("--superuser and --redshift exclude each other: the face has no superuser.")
    elif superuser:
        server = _running()
        host, port, user, password = server.host, server.port, server.superuser, server.superuser_password
    # of the caller's PG* variables none may lead elsewhere
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    environment |= {
        "PGHOST": host,
        "PGPORT": str(port),
        "PGUSER": user,
        "PGPASSWORD": password,
        "PGDATABASE": database,
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
    from standin.redshift.service import FaceSettings

    settings = Settings.from_environment()
    variables = settings.environment() | FaceSettings.from_environment(settings).environment()
    if test_server:
        variables["MAJAKKA_TEST_SERVER"] = _running().url()
    for name, value in variables.items():
        click.echo(f"export {name}={shlex.quote(value)}")


@main.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--redshift", is_flag=True, help="The database behind the Redshift face instead.")
def reset(yes: bool, redshift: bool) -> None:
    """Drop the warehouse's database with everything in it, and make it anew, empty; with --redshift, the face's.

    Ends every connection to it. The warehouse must be running.
    """
    from standin import provision
    from standin.redshift import service

    settings, server = _local_settings(), _running()
    face = service.FaceSettings.from_environment(settings)
    database = face.database if redshift else settings.database
    question = f"Drop everything in database {database} on {server.host}:{server.port}?"
    if not yes:
        click.confirm(question, abort=True)
    if redshift:
        server.drop_database(database)
        service.prepare(server, face)
    else:
        provision.reset(server, settings)
    click.echo(f"The database {database} is new and empty.")


@main.command()
@click.option("--env", default="prod", show_default=True, help="The environment that it is of.")
@click.option("--version", help="The version's name; versions are sorted by it.  [default: today's date]")
@click.option("--schema", "schemas", multiple=True, help="Only this schema; may be given several times.")
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("tests/schema_snapshots"),
    show_default=True,
    help="Where snapshots are.",
)
@click.option(
    "--source",
    type=click.Choice(["standin", "redshift"]),
    default="standin",
    show_default=True,
    help="The local Redshift face, or the Redshift that the REDSHIFT_* variables name.",
)
def snapshot(env: str, version: str | None, schemas: tuple[str, ...], folder: Path, source: str) -> None:
    """Record the schema of a Redshift: tables and views without rows, as a file that tests start from.

    A Redshift is named by REDSHIFT_HOST, REDSHIFT_PORT (5439), REDSHIFT_USER, REDSHIFT_PASSWORD and REDSHIFT_DATABASE,
    as in the dbt profile. It is only read.
    """
    from datetime import UTC, datetime

    from standin.redshift import source as sources
    from standin.redshift.snapshot import record

    opened = sources.redshift() if source == "redshift" else sources.standin(Settings.from_environment())
    with opened as execute:
        made = record(execute, env, version or datetime.now(UTC).date().isoformat(), schemas)
    file = made.save(folder)
    click.echo(f"{len(made.relations)} tables and views are recorded in {file}.")


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


def _describe_face(face: RunningFace, settings: FaceSettings) -> None:
    click.echo(f"As Redshift: port {face.port}, database {settings.database}, process {face.pid}.")
