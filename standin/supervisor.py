"""Keeps a temporary server as long as somebody uses it: `python -m standin.supervisor FOLDER`.

Tells on standard output, in one line of JSON, how to reach the server or why it did not start. See `standin.ephemeral`.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from standin import ephemeral, postgres
from standin.errors import StandinError

if TYPE_CHECKING:
    from types import FrameType


def supervise(folder: Path) -> None:
    """Start the server, tell about it, wait for the last user to go (or for SIGTERM), stop and remove everything."""
    users = os.open(folder / "users", os.O_RDWR)
    try:
        try:
            _tell(ephemeral.address(postgres.start(folder)))
        except StandinError as error:
            _tell(json.dumps({"error": str(error)}))
        fcntl.flock(users, fcntl.LOCK_EX)
    finally:
        ephemeral.remove(folder)


def _tell(line: str) -> None:
    # if who asked was killed meanwhile, there is nobody to tell, and the lock will say so
    try:
        os.write(1, line.encode() + b"\n")
    except BrokenPipeError:
        return
    finally:
        # the reader waits for the end; and descriptor 1 must not become some other file
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.close(nowhere)


def _end(number: int, frame: FrameType | None) -> NoReturn:
    sys.exit(128 + number)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, _end)
    supervise(Path(sys.argv[1]))
