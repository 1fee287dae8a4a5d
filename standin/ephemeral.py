"""A throw-away server that several processes share, and that goes with the last of them however it ends.

The processes of one run (the workers of a test run, say) know a folder, and nothing else. Each joins; the first starts
the server, the others find it. No process is trusted to clean up:

    folder/users        locked, shared, by every process that uses the server
    folder/starting     locked by the one who starts it
    folder/supervisor   locked as long as the supervisor lives
    folder/server.json  how to reach the server, once it is ready
    folder/failed       why it could not be started, so that the others need not find out

The supervisor (`standin.supervisor`) starts Postgres and then asks for the exclusive lock on `users`. The kernel grants
it when the last user has closed the file or died, of kill -9 too; then the supervisor stops Postgres and removes the
folder. Should the supervisor itself be killed, the next run's `sweep` does its work.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
import uuid
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from standin import postgres
from standin.errors import StandinError
from standin.processes import adopt, wait_until
from standin.server import Server
from standin.settings import run_folder, run_folders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_GONE_SECONDS = 30
_ORPHAN_SECONDS = 60


class Membership:
    """One process' share in a run's server. `leave` gives it up; the end of the process does so too."""

    def __init__(self, server: Server, descriptor: int) -> None:
        self.server = server
        self._descriptor: int | None = descriptor

    def leave(self) -> None:
        """Let go of the server. If nobody else uses it, it is stopped soon after; see `await_gone`."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def join(folder: Path, prepare: Callable[[Server], None] = lambda server: None) -> Membership:
    """Become a user of the run's server, starting it if nobody has; `prepare` is called once, by who started it.

    Raises `StandinError` if it cannot be started, in every process of the run with the same text.
    """
    descriptor = _enter(folder)
    try:
        with _exclusively(folder / "starting"):
            failure = folder / "failed"
            if failure.exists():
                raise StandinError(failure.read_text())
            address = folder / "server.json"
            if not address.exists():
                try:
                    server = _start_supervised(folder)
                    prepare(server)
                except StandinError as error:
                    failure.write_text(str(error))
                    raise
                _write(address, server)
            return Membership(_read(address), descriptor)
    except BaseException:
        os.close(descriptor)
        raise


def await_gone(folder: Path) -> None:
    """Wait until the server and the folder of a run are gone, all its users having left.

    Raises `StandinError` if they stay: then a process that the users started still holds on to it.
    """
    # opened now, because the supervisor removes the file, and holds the lock until it ends
    try:
        supervisor = os.open(folder / "supervisor", os.O_RDWR)
    except FileNotFoundError:
        ended = True
    else:
        ended = wait_until(lambda: _try_lock(supervisor), _GONE_SECONDS)
        os.close(supervisor)
    if ended and folder.exists():
        # the supervisor was killed, or its starter before there was one
        sweep()
    if folder.exists():
        raise StandinError(
            f"The temporary server in {folder} is still in use after the end of its run: probably a process that the "
            "run forked lives on. The server goes when that process ends."
        )


@contextmanager
def temporary() -> Iterator[Server]:
    """A server of one's own until the end of the block, stopped and removed even when this process is killed."""
    folder = run_folder(uuid.uuid4().hex)
    membership = join(folder)
    try:
        yield membership.server
    finally:
        membership.leave()
        await_gone(folder)


def sweep() -> None:
    """Remove what runs of this user left behind whose supervisor was killed."""
    for folder in run_folders():
        with suppress(FileNotFoundError):
            if not (folder / "users").exists():
                # just being made; or its maker was killed between two lines, a while ago
                if time.time() - folder.stat().st_mtime > _ORPHAN_SECONDS:
                    shutil.rmtree(folder)
                continue
            users = os.open(folder / "users", os.O_RDWR)
            try:
                if _try_lock(users) and not _is_supervised(folder):
                    remove(folder)
            finally:
                os.close(users)


def remove(folder: Path) -> None:
    """Stop the server of a run and remove its folder. The caller holds the exclusive lock on `users`."""
    postgres.stop(folder)
    shutil.rmtree(folder)


def _enter(folder: Path) -> int:
    """A shared lock on the folder's `users`, as its descriptor; the folder cannot go while it is held."""
    while True:
        folder.mkdir(mode=0o711, exist_ok=True)
        if folder.stat().st_uid != os.geteuid():
            raise StandinError(f"{folder} belongs to somebody else. Set TMPDIR to a folder of your own.")
        # for the system user that root's servers run as, whatever the umask says; it may pass, not look
        folder.chmod(0o711)
        try:
            descriptor = os.open(folder / "users", os.O_RDWR | os.O_CREAT, 0o600)
        except FileNotFoundError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            # the supervisor of an earlier server may have removed the file while we waited
            if os.fstat(descriptor).st_nlink:
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)


def _start_supervised(folder: Path) -> Server:
    # locked here and inherited: from its first instruction to its last the supervisor can be seen to live
    life = os.open(folder / "supervisor", os.O_RDWR | os.O_CREAT, 0o600)
    if not _try_lock(life):
        # who started it was killed before writing down how to reach the server, and others keep it alive
        os.close(life)
        return postgres.start(folder)
    try:
        with (folder / "supervisor.log").open("wb") as log:
            supervisor = subprocess.Popen(
                [sys.executable, "-m", "standin.supervisor", str(folder)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd="/",
                pass_fds=(life,),
                # the terminal's Ctrl-C is for the users; the supervisor notices when they are gone
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": _python_path()},
            )
    finally:
        os.close(life)
    adopt(supervisor)
    # meanwhile: the users will need it anyway, and it takes as long as half an initdb
    import psycopg  # noqa: F401

    sweep()
    line = b""
    if supervisor.stdout is not None:
        with supervisor.stdout as answer:
            line = answer.readline()
    if not line:
        supervisor.wait()
        log_text = (folder / "supervisor.log").read_text(errors="replace")
        raise StandinError(
            f"The supervisor of the temporary server ended with code {supervisor.returncode}:\n{log_text}"
        )
    told = json.loads(line)
    if "error" in told:
        raise StandinError(told["error"])
    return _server(told)


def _python_path() -> str:
    own = str(Path(__file__).resolve().parent.parent)
    return os.pathsep.join(filter(None, [own, os.environ.get("PYTHONPATH")]))


def address(server: Server) -> str:
    """A server as one line of JSON, its password included."""
    return json.dumps(
        {
            "host": server.host,
            "port": server.port,
            "superuser": server.superuser,
            "superuser_password": server.superuser_password,
            "folder": str(server.folder),
            "pid": server.pid,
            "socket": server.socket,
        }
    )


def _server(told: dict[str, object]) -> Server:
    return Server(
        host=str(told["host"]),
        port=int(str(told["port"])),
        superuser=str(told["superuser"]),
        superuser_password=str(told["superuser_password"]),
        folder=Path(str(told["folder"])),
        pid=int(str(told["pid"])),
        socket=None if told["socket"] is None else str(told["socket"]),
    )


def _write(file: Path, server: Server) -> None:
    fresh = file.with_suffix(".new")
    fresh.touch(0o600)
    fresh.write_text(address(server))
    fresh.replace(file)


def _read(file: Path) -> Server:
    return _server(json.loads(file.read_text()))


@contextmanager
def _exclusively(file: Path) -> Iterator[None]:
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _is_supervised(folder: Path) -> bool:
    try:
        descriptor = os.open(folder / "supervisor", os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        return not _try_lock(descriptor)
    finally:
        os.close(descriptor)
