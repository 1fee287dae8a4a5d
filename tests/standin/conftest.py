"""Tools for tests that start, kill and starve real servers."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from standin import postgres
from standin.binaries import find_binaries
from standin.errors import StandinError
from standin.processes import command_line, wait_until
from standin.settings import temporary_place


def closed_folders(path: Path) -> list[Path]:
    """The folders down to the path that other users may not enter."""
    resolved = path.resolve()
    return [folder for folder in (*reversed(resolved.parents), resolved) if not folder.stat().st_mode & 0o001]


@pytest.fixture
def open_binaries() -> None:
    """Other users can reach Postgres' programs. They cannot where the project lies below a closed folder."""
    if closed := closed_folders(find_binaries()):
        pytest.skip(f"no other user can run the programs of this environment: {closed[0]} is closed")


@contextmanager
def a_room() -> Iterator[Path]:
    """A folder, closed to others, where temporary servers live; removed afterwards, and not kept as pytest's are."""
    place = Path(tempfile.mkdtemp(prefix="test-", dir=temporary_place()))
    yield place
    shutil.rmtree(place)


@pytest.fixture
def room() -> Iterator[Path]:
    with a_room() as place:
        yield place


@pytest.fixture
def folder(room: Path) -> Iterator[Path]:
    """A place for a server, which is stopped after the test."""
    place = room / "warehouse"
    yield place
    if place.is_dir():
        postgres.stop(place)


@pytest.fixture(scope="session")
def original() -> Iterator[Path]:
    """A folder whose server was made and stopped."""
    with a_room() as place:
        postgres.start(place / "warehouse")
        postgres.stop(place / "warehouse")
        yield place / "warehouse"


@pytest.fixture
def made(original: Path, folder: Path) -> Path:
    """A copy of it: in a fifth of the time that making another takes."""
    shutil.copytree(original, folder)
    return folder


@pytest.fixture
def as_user() -> Callable[[int, Callable[[], str]], str]:
    """Calls a function as another user, in a forked process; gives back its text, or that of its StandinError."""
    if os.geteuid() != 0:
        pytest.skip("only root can become another user")
    return _as_user


def _as_user(uid: int, function: Callable[[], str]) -> str:
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        text = "the child broke before it could tell"
        try:
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
            text = function()
        except StandinError as error:
            text = f"StandinError: {error}"
        except BaseException as error:
            text = f"unexpected: {error!r}"
        finally:
            os.write(writing, text.encode())
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        text = answer.read()
    os.waitpid(child, 0)
    return text


@pytest.fixture
def tmpfs(tmp_path: Path) -> Iterator[Callable[[str], Path]]:
    """Mounts a small file system of a given size (`8m`)."""
    mounted: list[Path] = []

    def mount(size: str) -> Path:
        place = tmp_path / f"tmpfs-{size}"
        place.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=755", "tmpfs", str(place)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
        except FileNotFoundError:
            pytest.skip("there is no program mount")
        if done.returncode != 0:
            pytest.skip(f"mounting a small file system is not permitted here: {done.stderr.strip()}")
        mounted.append(place)
        return place

    yield mount
    for place in mounted:
        subprocess.run(["umount", str(place)], check=True)


@pytest.fixture
def processes_about() -> Callable[[Path], list[int]]:
    """The processes that have a path in their arguments."""
    return _processes_about


def _processes_about(path: Path) -> list[int]:
    """The processes that have the path in their arguments, this one and its parents excluded."""
    own = {os.getpid(), os.getppid()}
    every = [int(entry.name) for entry in Path("/proc").glob("[0-9]*")]
    return [pid for pid in every if pid not in own and any(str(path) in argument for argument in command_line(pid))]


# A shell has what it runs in the background, and all that is started by it, ignore Ctrl-C: this undoes it.
_HEARS_CTRL_C = """
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


class NestedRun:
    """A pytest run in a folder and a temporary folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.temporary = folder / "tmp"
        self.temporary.mkdir(parents=True)
        # plugins of other packages, which take two seconds to import
        others = "-p no:schemathesis -p no:hypothesispytest -p no:anyio"
        (folder / "pytest.ini").write_text(f"[pytest]\naddopts = --strict-markers -p no:cacheprovider {others}\n")

    def start(self, source: str, *arguments: str, **variables: str) -> subprocess.Popen[str]:
        (self.folder / "test_nested.py").write_text(source)
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "MAJAKKA_"))
        }
        environment |= {"TMPDIR": str(self.temporary)} | variables
        return subprocess.Popen(
            [
                sys.executable,
                "-c",
                _HEARS_CTRL_C,
                "-m",
                "pytest",
                "-q",
                "--basetemp",
                str(self.folder / "base"),
                *arguments,
            ],
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def run(self, source: str, *arguments: str, **variables: str) -> str:
        """Run to the end; gives back what pytest printed."""
        return self.start(source, *arguments, **variables).communicate(timeout=60)[0]

    def await_file(self, name: str) -> str:
        file = self.folder / name
        assert wait_until(file.exists, 30), f"{name} did not appear"
        time.sleep(0.05)
        return file.read_text()

    def leftovers(self) -> list[str]:
        """What is still there of servers: folders, and the processes that are about them."""
        found = [str(path) for path in self.temporary.glob("standin-*")]
        return found + [" ".join(command_line(pid)) for pid in _processes_about(self.temporary)]

    def is_clean_within(self, seconds: float) -> bool:
        return wait_until(lambda: not self.leftovers(), seconds)


@pytest.fixture
def nested(room: Path) -> NestedRun:
    return NestedRun(room / "nested")
