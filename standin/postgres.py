"""Start and stop a Postgres in a folder, listening on this machine only: loopback TCP, and a Unix socket on Linux.

    server = start(Path("somewhere"), port=5442)   # makes the folder if it is new, reuses the server if it runs
    server.create_database("mine")
    stop(Path("somewhere"))

Every start that cannot work raises `StandinError` with what to do next.
"""

from __future__ import annotations

import errno
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from standin import cluster
from standin.account import choose_account
from standin.binaries import find_binaries
from standin.errors import PortTakenError, StandinError
from standin.processes import (
    adopt,
    command_line,
    free_port,
    is_alive,
    listener,
    port_taken,
    require_free_port,
    user_name,
    wait_until,
)
from standin.server import Server
from standin.settings import LOOPBACK

if TYPE_CHECKING:
    import subprocess

    from standin.account import Account

__all__ = ["Server", "running", "start", "stop"]

# recovery after a kill replays the log: seconds for a warehouse of this size
_START_SECONDS = 120
_STOP_SECONDS = 30
_RACES = 5


def start(folder: Path, port: int | None = None) -> Server:
    """The server of this folder, listening on the port; without a port: on any free one.

    Makes folder and data on the first call, reuses a server that runs already, recovers from a killed one. Raises
    `StandinError` (`PortTakenError` if it is about the port).
    """
    folder = folder.resolve()
    if port is not None and not 0 < port < 65536:
        raise StandinError(f"{port} is no port: give a number between 1 and 65535.")
    cluster.prepare_folder(folder)
    with cluster.locked(folder) as lock:
        found = _postmaster(folder)
        if found is not None:
            return _reuse(folder, found, port)
        if port is not None:
            _end_orphan(folder, port)
            require_free_port(port)
        binaries = find_binaries()
        account = choose_account(binaries, folder)
        try:
            if not cluster.is_made(folder):
                cluster.make_cluster(folder, binaries, account, lock)
            cluster.remove_leftovers(folder)
            for attempt in range(1, _RACES + 1):
                try:
                    return _launch(folder, binaries, account, port or free_port())
                except PortTakenError:
                    # between choosing a free port and listening, somebody else took it
                    if port is not None or attempt == _RACES:
                        raise
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise cluster.no_space(folder) from error
            raise
    raise AssertionError("unreachable: the loop returns or raises")


def running(folder: Path) -> Server | None:
    """The server of this folder if it runs and takes connections, else None."""
    folder = folder.resolve()
    found = _postmaster(folder)
    return _server(folder, found) if found is not None and found.is_ready else None


def stop(folder: Path) -> bool:
    """Stop the server of this folder, ending its connections; False if none ran.

    Raises `StandinError` if it belongs to somebody else or does not stop within half a minute.
    """
    folder = folder.resolve()
    if not folder.is_dir() or _postmaster(folder) is None:
        return False
    with cluster.locked(folder):
        found = _postmaster(folder)
        if found is None:
            return False
        # first by ending connections and writing everything down; if that hangs, by dropping everything
        for number, seconds in ((signal.SIGINT, _STOP_SECONDS), (signal.SIGQUIT, 5)):
            try:
                os.kill(found.pid, number)
            except ProcessLookupError:
                return True
            except PermissionError as error:
                owner = user_name(cluster.data_folder(folder).stat().st_uid)
                raise StandinError(
                    f"The server in {folder} (process {found.pid}) belongs to {owner}: stop it as {owner}."
                ) from error
            if wait_until(lambda: not _is_postmaster(found.pid, folder), seconds):
                return True
        raise StandinError(
            f"The server in {folder} does not stop. End process {found.pid} with `kill -9 {found.pid}`; "
            "it recovers at the next start."
        )


@dataclass(frozen=True)
class _Postmaster:
    """What a living server wrote into its postmaster.pid."""

    pid: int
    port: int
    sockets: str
    is_ready: bool


def _postmaster(folder: Path) -> _Postmaster | None:
    """The living server of the folder. A file left by a dead one, or one by whose number another goes, is none."""
    try:
        lines = (cluster.data_folder(folder) / "postmaster.pid").read_text().splitlines()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError as error:
        owner = user_name(folder.stat().st_uid)
        raise StandinError(f"{folder} belongs to {owner}: run the command as {owner}.") from error
    if not lines or not lines[0].strip().isdigit():
        return None
    pid = int(lines[0])
    if not _is_postmaster(pid, folder):
        return None
    port = int(lines[3]) if len(lines) > 3 and lines[3].strip() else 0
    sockets = lines[4].strip() if len(lines) > 4 else ""
    return _Postmaster(pid, port, sockets, is_ready=len(lines) > 7 and lines[7].strip() == "ready")


def _is_postmaster(pid: int, folder: Path) -> bool:
    arguments = command_line(pid) if is_alive(pid) else []
    return str(cluster.data_folder(folder)) in arguments and "-D" in arguments


def _server(folder: Path, found: _Postmaster) -> Server:
    return Server(
        LOOPBACK,
        found.port,
        cluster.superuser_password(folder),
        folder=folder,
        pid=found.pid,
        socket=f"{found.sockets}/.s.PGSQL.{found.port}" if found.sockets else None,
    )


def _reuse(folder: Path, found: _Postmaster, port: int | None) -> Server:
    # somebody else may have started it a moment ago and been killed before it was ready
    ready = _await_ready(folder, found.pid)
    if ready is None:
        raise cluster.why_not_started(folder, _log(folder))
    if port is not None and ready.port != port:
        raise StandinError(
            f"The server in {folder} already runs on port {ready.port}, not on {port}. Stop it first with "
            f"`standin down`, or use it as it is: set MAJAKKA_WAREHOUSE_PORT={ready.port}."
        )
    return _server(folder, ready)


def _launch(folder: Path, binaries: Path, account: Account, port: int) -> Server:
    data = cluster.data_folder(folder)
    account.take(data)
    data.chmod(0o700)
    cluster.configure(folder, account, port)
    deadline = time.monotonic() + _START_SECONDS
    while True:
        _clear_stale_pid(data)
        process = _spawn(folder, binaries, account)
        try:
            ready = _await_ready(folder, process.pid)
        except (KeyboardInterrupt, SystemExit):
            process.send_signal(signal.SIGQUIT)
            process.wait()
            raise
        if ready is not None:
            return _server(folder, ready)
        log = _log(folder)
        if "Address already in use" in log:
            raise port_taken(port)
        # the backends of a server killed a moment ago are still going: they end within moments
        lingering = "pre-existing shared memory block" in log or "already exists" in log
        if not lingering or time.monotonic() > deadline:
            raise cluster.why_not_started(folder, log)
        time.sleep(0.1)


def _end_orphan(folder: Path, port: int) -> None:
    """End the server of a folder that was removed while it ran: it has lost its files, and keeps the port."""
    holder = listener(port)
    if holder is not None and _is_postmaster(holder, folder):
        os.kill(holder, signal.SIGQUIT)
        wait_until(lambda: not is_alive(holder), _STOP_SECONDS)


def _spawn(folder: Path, binaries: Path, account: Account) -> subprocess.Popen[bytes]:
    log = cluster.log_file(folder)
    if log.exists():
        log.replace(log.with_name(log.name + ".1"))
    with log.open("wb") as output:
        process = account.spawn([str(binaries / "postgres"), "-D", str(cluster.data_folder(folder))], output)
    adopt(process)
    return process


def _clear_stale_pid(data: Path) -> None:
    """Remove a dead server's postmaster.pid when its number went to another process, which Postgres would respect."""
    file = data / "postmaster.pid"
    try:
        first = file.read_text().split("\n", 1)[0].strip()
    except FileNotFoundError:
        return
    if not first.isdigit() or is_alive(int(first)):
        file.unlink()


def _await_ready(folder: Path, pid: int) -> _Postmaster | None:
    """Wait until the server takes connections; None if its process ended before."""
    ready: list[_Postmaster] = []

    def ready_or_gone() -> bool:
        found = _postmaster(folder)
        if found is not None and found.pid == pid and found.is_ready:
            ready.append(found)
            return True
        return not is_alive(pid)

    if not wait_until(ready_or_gone, _START_SECONDS):
        raise StandinError(
            f"The server in {folder} (process {pid}) is still starting after {_START_SECONDS} s. "
            f"See {cluster.log_file(folder)}; wait and try again, or end it with `standin down`."
        )
    return ready[0] if ready else None


def _log(folder: Path) -> str:
    try:
        return cluster.log_file(folder).read_text(errors="replace")
    except FileNotFoundError:
        return ""
