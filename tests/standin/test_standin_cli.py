"""The command line, as a person meets it: in a process of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from standin import postgres
from standin.cli import main
from standin.processes import free_port, is_alive
from standin.redshift import service

Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    place = tmp_path_factory.mktemp("home")
    yield place
    service.stop(place / "warehouse")
    postgres.stop(place / "warehouse")
    shutil.rmtree(place)


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def face_port() -> int:
    return free_port()


@pytest.fixture
def standin(home: Path, port: int, face_port: int) -> Command:
    def command(*arguments: str, input: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("MAJAKKA_")}
        environment |= {"MAJAKKA_HOME": str(home), "MAJAKKA_WAREHOUSE_PORT": str(port)}
        environment |= {"MAJAKKA_STANDIN_PORT": str(face_port)} | variables
        script = "from standin.cli import main; main(prog_name='standin')"
        return subprocess.run(
            [sys.executable, "-c", script, *arguments],
            capture_output=True,
            text=True,
            env=environment,
            input=input,
            check=False,
        )

    return command


def test_a_day_with_the_warehouse(standin: Command, home: Path, port: int, face_port: int, tmp_path: Path) -> None:
    before = standin("status")
    assert (before.returncode, "standin up" in before.stdout) == (3, True)

    up = standin("up")
    assert up.returncode == 0, up.stderr
    server = postgres.running(home / "warehouse")
    face = service.running(home / "warehouse")
    assert server is not None
    assert face is not None
    assert up.stdout.splitlines() == [
        "The warehouse is up.",
        "  host      127.0.0.1",
        f"  port      {port}",
        "  database  majakka (user majakka)",
        f"  folder    {home}/warehouse",
        f"  process   {server.pid}",
        f"As Redshift: port {face_port}, database majakka_redshift, process {face.pid}.",
        "Stop it with `standin down`, look into it with `standin psql`.",
    ]
    assert standin("up").stdout.startswith("The warehouse runs already.")
    assert standin("status").returncode == 0
    assert f"MAJAKKA_WAREHOUSE_PORT={port}" in standin("status", MAJAKKA_WAREHOUSE_PORT="5").stdout

    made = standin(
        "psql", "-Atc", "create table t (); select current_user, current_database()", PGHOST="nowhere.invalid"
    )
    assert (made.returncode, made.stdout.splitlines()[-1]) == (0, "majakka|majakka")
    assert standin("psql", "--superuser", "-Atc", "select current_user").stdout == "postgres\n"
    assert standin("psql", "-c", "select nonsense").returncode == 1

    as_redshift = standin("psql", "--redshift", "-Atc", "create table r (a int distkey); select count(*) from r")
    assert (as_redshift.returncode, as_redshift.stdout.splitlines()[-1]) == (0, "0"), as_redshift.stderr
    recorded = standin("snapshot", "--version", "1", "--folder", str(tmp_path))
    assert recorded.stdout == f"1 tables and views are recorded in {tmp_path}/prod/1.sql.\n", recorded.stderr
    assert "distkey" in (tmp_path / "prod" / "1.sql").read_text().lower()
    emptied = standin("reset", "--redshift", "--yes")
    assert emptied.stdout == "The database majakka_redshift is new and empty.\n", emptied.stderr
    assert standin("psql", "--redshift", "-c", "select from r").returncode == 1

    refused = standin("reset", input="n\n")
    assert (refused.returncode, "Drop everything in database majakka" in refused.stdout) == (1, True)
    assert standin("psql", "-c", "select from t").returncode == 0
    assert standin("reset", "--yes").stdout == "The database majakka is new and empty.\n"
    assert standin("psql", "-c", "select from t").returncode == 1

    down = standin("down")
    assert not is_alive(face.pid)
    assert (down.returncode, "is stopped; its data stay" in down.stdout) == (0, True)
    again = standin("down")
    assert (again.returncode, "was not running" in again.stdout) == (0, True)
    for command in (("reset", "--yes"), ("psql", "--superuser"), ("env", "--test-server")):
        result = standin(*command)
        assert (result.returncode, "Start it with `standin up`" in result.stderr) == (1, True)


def test_env_can_be_evaluated_by_a_shell(standin: Command, port: int) -> None:
    printed = standin("env", MAJAKKA_WAREHOUSE_PASSWORD="it's $HOME").stdout
    shell = subprocess.run(
        ["sh", "-c", f'{printed}\necho "$MAJAKKA_WAREHOUSE_PORT $MAJAKKA_WAREHOUSE_PASSWORD"'],
        capture_output=True,
        text=True,
        check=True,
    )
    assert shell.stdout == f"{port} it's $HOME\n"


def test_errors_are_one_text_without_traceback(standin: Command) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        taken = holder.getsockname()[1]
        result = standin("up", MAJAKKA_WAREHOUSE_PORT=str(taken))
    assert result.returncode == 1
    assert result.stderr.startswith(f"Error: Port {taken} on 127.0.0.1 is already taken")
    assert "Traceback" not in result.stderr
    with socket.create_server(("127.0.0.1", 0)) as holder:
        taken = holder.getsockname()[1]
        result = standin("up", MAJAKKA_STANDIN_PORT=str(taken))
    assert result.returncode == 1
    assert result.stderr.startswith(f"Error: Port {taken} on 127.0.0.1 is already taken")
    assert "MAJAKKA_STANDIN_PORT=" in result.stderr
    shared = standin("up", MAJAKKA_STANDIN_DATABASE="majakka")
    assert (shared.returncode, "needs a database of its own" in shared.stderr) == (1, True)
    unnamed = standin("snapshot", "--source", "redshift", REDSHIFT_HOST="", REDSHIFT_USER="me")
    assert (unnamed.returncode, "Set REDSHIFT_HOST, REDSHIFT_PASSWORD" in unnamed.stderr) == (1, True)
    elsewhere = standin("up", MAJAKKA_WAREHOUSE_HOST="db.example.com")
    assert (elsewhere.returncode, "serves this machine only" in elsewhere.stderr) == (1, True)


@pytest.mark.parametrize("command", [None, *main.commands])
def test_help_everywhere(command: str | None) -> None:
    result = CliRunner().invoke(main, [*([command] if command else []), "--help"])
    assert result.exit_code == 0
    assert "Usage:" in result.output


def test_help_is_quick_because_imports_wait() -> None:
    script = "import sys, standin.cli; sys.exit(any(name in sys.modules for name in ('psycopg', 'standin.postgres')))"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
