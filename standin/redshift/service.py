"""The Redshift face beside the persistent warehouse: on a known port, with a database of its own.

The database is not the warehouse's: Redshift's catalogue changes what Postgres' own functions and types do, and the
warehouse is to stay plain Postgres. In the warehouse's folder:

    face.json    process number and port of the running face
    face.log     faults of the face, without what clients sent
    tls/         its certificate, if it encrypts
"""

from __future__ import annotations

import json
import os
import signal
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from standin import cluster
from standin.errors import StandinError
from standin.processes import command_line, is_alive, require_free_port, wait_until
from standin.provision import provision
from standin.settings import LOOPBACK, parse_port

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from standin.server import Server
    from standin.settings import Settings

_PORT_VARIABLE = "MAJAKKA_STANDIN_PORT"
_STOP_SECONDS = 10


@dataclass(frozen=True)
class FaceSettings:
    """How a program reaches the face: the three `MAJAKKA_STANDIN_*` variables, defaults filled in.

    `warehouse` are the settings of the database behind it: the role is the warehouse's.
    """

    host: str
    port: int
    warehouse: Settings

    @classmethod
    def from_environment(cls, settings: Settings, environ: Mapping[str, str] | None = None) -> FaceSettings:
        """Read the variables; an unset or empty one means its default.

        Raises `StandinError` for a port that is none, and for the warehouse's own database.
        """
        environ = os.environ if environ is None else environ
        database = environ.get("MAJAKKA_STANDIN_DATABASE") or f"{settings.database}_redshift"
        if database == settings.database:
            raise StandinError(
                f"MAJAKKA_STANDIN_DATABASE is {database!r}, which is the warehouse's own: the Redshift face needs a "
                "database of its own. Choose another, or unset the variable."
            )
        return cls(
            host=environ.get("MAJAKKA_STANDIN_HOST") or LOOPBACK,
            port=parse_port(environ.get(_PORT_VARIABLE) or "5439", _PORT_VARIABLE, 5439),
            warehouse=replace(settings, database=database),
        )

    @property
    def database(self) -> str:
        """The database's name."""
        return self.warehouse.database

    def environment(self) -> dict[str, str]:
        """The variables that lead another program to the face."""
        return {
            "MAJAKKA_STANDIN_HOST": self.host,
            "MAJAKKA_STANDIN_PORT": str(self.port),
            "MAJAKKA_STANDIN_DATABASE": self.database,
        }


@dataclass(frozen=True)
class RunningFace:
    """A face that somebody started."""

    pid: int
    port: int


def start(folder: Path, server: Server, settings: FaceSettings, *, tls: bool = False) -> RunningFace:
    """The face before the server of this folder, and its database; goes on with one that runs.

    Raises `StandinError` (`PortTakenError` if it is about the port).
    """
    with cluster.locked(folder):
        prepare(server, settings)
        found = running(folder)
        if found is None:
            return _launch(folder, server, settings, tls=tls)
    if found.port != settings.port:
        raise StandinError(
            f"The Redshift face runs on port {found.port} already, not on {settings.port}. Stop it first with "
            f"`standin down`, or use it as it is: set {_PORT_VARIABLE}={found.port}."
        )
    return found


def _launch(folder: Path, server: Server, settings: FaceSettings, *, tls: bool) -> RunningFace:
    from standin.redshift import process

    require_free_port(settings.port, _PORT_VARIABLE)
    face = process.start(
        server,
        settings.port,
        host=settings.host,
        log=folder / "face.log",
        stays=folder,
        tls=folder / "tls" if tls else None,
    )
    face.let_go()
    fresh = folder / "face.json.new"
    fresh.write_text(json.dumps({"pid": face.pid, "port": face.port}))
    fresh.replace(folder / "face.json")
    return RunningFace(face.pid, face.port)


def prepare(server: Server, settings: FaceSettings) -> None:
    """Make sure that the database behind the face is there, with today's catalogue."""
    from standin.redshift.catalog.install import install

    provision(server, settings.warehouse)
    with server.connect(settings.database) as connection:
        install(connection)


def running(folder: Path) -> RunningFace | None:
    """The face of this folder if it runs, else None."""
    try:
        told = json.loads((folder / "face.json").read_text())
        found = RunningFace(int(told["pid"]), int(told["port"]))
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError):
        return None
    arguments = command_line(found.pid) if is_alive(found.pid) else []
    ours = "standin.redshift.process" in arguments and str(folder.resolve()) in arguments
    return found if ours else None


def stop(folder: Path) -> bool:
    """Stop the face of this folder, ending its connections; False if none ran. Raises `StandinError` if it stays."""
    found = running(folder)
    if found is None:
        return False
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(found.pid, number)
        except ProcessLookupError:
            break
        if wait_until(lambda: not is_alive(found.pid), _STOP_SECONDS):
            break
    else:
        raise StandinError(f"The Redshift face (process {found.pid}) does not stop.")
    (folder / "face.json").unlink(missing_ok=True)
    return True
