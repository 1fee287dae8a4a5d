"""Small questions about processes and ports of this machine."""

from __future__ import annotations

import errno
import os
import pwd
import socket
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from standin.errors import PortTakenError, StandinError
from standin.settings import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Callable

_HAS_PROC = Path("/proc/self/stat").exists()
# Servers started by this very process: a killed one stays a zombie until it is asked for.
_children: dict[int, subprocess.Popen[bytes]] = {}


def adopt(process: subprocess.Popen[bytes]) -> None:
    """Remember a child that outlives the code that started it, so that its end is noticed and nothing warns."""
    _children[process.pid] = process


def is_alive(pid: int) -> bool:
    """Whether a process with this number runs; a zombie does not."""
    child = _children.get(pid)
    if child is not None:
        if child.poll() is None:
            return True
        del _children[pid]
    return _state(pid)[:1] not in {"", "Z", "X"}


def command_line(pid: int) -> list[str]:
    """The arguments of a process; empty when it is gone, a zombie or out of sight."""
    if not _HAS_PROC:
        return _ps("command", pid).split()
    try:
        raw = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return []
    return [os.fsdecode(part) for part in raw.split(b"\0")[:-1]]


def _state(pid: int) -> str:
    if not _HAS_PROC:
        return _ps("stat", pid)
    try:
        # "1234 (a name) S 1 ...", and the name may contain anything
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def _ps(column: str, pid: int) -> str:
    command = ["ps", "-ww", "-o", f"{column}=", "-p", str(pid)]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def wait_until(condition: Callable[[], bool], timeout: float) -> bool:
    """Whether the condition came true within so many seconds; asked every 10 ms."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def user_name(uid: int) -> str:
    """The account's name, or `uid 1234` when it has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def free_port() -> int:
    """A loopback port that nobody listens on just now. Somebody may take it the next moment: be ready to retry."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def require_free_port(port: int, variable: str = "MAJAKKA_WAREHOUSE_PORT") -> None:
    """Raise `PortTakenError`, naming the holder where the system tells, unless the loopback port can be bound.

    The variable is the one that chooses the port.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # as Postgres does: a port whose last connections are still timing out is free
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise port_taken(port, variable) from error
            if error.errno == errno.EACCES:
                raise StandinError(
                    f"Port {port} may be used by the system administrator only. Set {variable} to a number above 1023."
                ) from error
            raise


def port_taken(port: int, variable: str = "MAJAKKA_WAREHOUSE_PORT") -> PortTakenError:
    """The error for a port that somebody else holds; the variable is the one that chooses it."""
    holder = listener(port)
    by = f" by process {holder} ({' '.join(command_line(holder))[:120]})" if holder else ""
    return PortTakenError(
        f"Port {port} on {LOOPBACK} is already taken{by}. Stop that process, or choose another port: "
        f"set the variable {variable}, for example {variable}={free_port()}."
    )


def listener(port: int) -> int | None:
    """The process that listens on the port, if this is Linux and we may look into it."""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError):
            for line in Path(table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == "0A" and int(fields[1].rsplit(":", 1)[1], 16) == port:
                    inodes.add(f"socket:[{fields[9]}]")
    if not inodes:
        return None
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            for descriptor in (process / "fd").iterdir():
                # one that is closed meanwhile says nothing of the others
                with suppress(OSError):
                    if str(descriptor.readlink()) in inodes:
                        return int(process.name)
    return None
