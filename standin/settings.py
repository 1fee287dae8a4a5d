"""Where the local warehouse is and who uses it, as the environment says."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from standin.errors import StandinError

if TYPE_CHECKING:
    from collections.abc import Mapping

LOOPBACK = "127.0.0.1"
# A file system in memory, on Linux. A container's has 64 MB: too little.
_MEMORY = Path("/dev/shm")  # noqa: S108 - the folder that we make in it has a name that cannot be guessed
_PLENTY_OF_MEMORY = 4_000_000_000
# They belong to the superuser and to Postgres: the warehouse must be neither.
_RESERVED_DATABASES = {"postgres", "template0", "template1"}
_PROJECT_FILE = "pyproject.toml"


@dataclass(frozen=True)
class Settings:
    """How a program reaches the warehouse: the five `MAJAKKA_WAREHOUSE_*` variables, defaults filled in."""

    host: str = LOOPBACK
    port: int = 5442
    user: str = "majakka"
    password: str = field(default="majakka", repr=False)
    database: str = "majakka"

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Settings:
        """Read the variables; an unset or empty one means its default.

        Raises `StandinError` for a port that is no port, and for names that would collide with Postgres' own.
        """
        environ = os.environ if environ is None else environ

        def value(name: str, default: str) -> str:
            return environ.get(f"MAJAKKA_WAREHOUSE_{name}") or default

        settings = cls(
            host=value("HOST", cls.host),
            port=parse_port(value("PORT", str(cls.port)), "MAJAKKA_WAREHOUSE_PORT", cls.port),
            user=value("USER", cls.user),
            password=value("PASSWORD", "majakka"),
            database=value("DATABASE", cls.database),
        )
        if settings.user == "postgres" or settings.user.startswith("pg_"):
            raise StandinError(
                f"MAJAKKA_WAREHOUSE_USER is {settings.user!r}, a name that Postgres keeps for itself. "
                "Choose another, or unset the variable to get 'majakka'."
            )
        if settings.database in _RESERVED_DATABASES:
            raise StandinError(
                f"MAJAKKA_WAREHOUSE_DATABASE is {settings.database!r}, a database that Postgres needs itself. "
                "Choose another, or unset the variable to get 'majakka'."
            )
        return settings

    def environment(self) -> dict[str, str]:
        """The `MAJAKKA_WAREHOUSE_*` variables that lead another program to this warehouse."""
        return {
            "MAJAKKA_WAREHOUSE_HOST": self.host,
            "MAJAKKA_WAREHOUSE_PORT": str(self.port),
            "MAJAKKA_WAREHOUSE_USER": self.user,
            "MAJAKKA_WAREHOUSE_PASSWORD": self.password,
            "MAJAKKA_WAREHOUSE_DATABASE": self.database,
        }


def warehouse_folder(environ: Mapping[str, str] | None = None) -> Path:
    """The folder of the persistent warehouse: `$MAJAKKA_HOME/warehouse`, else `<project root>/.majakka/warehouse`."""
    environ = os.environ if environ is None else environ
    home = environ.get("MAJAKKA_HOME")
    return (Path(home) if home else _project_root() / ".majakka").absolute() / "warehouse"


def run_folder(run_id: str) -> Path:
    """Where a new temporary server may live (see `standin.ephemeral`). Nothing is made yet; ask once in a run.

    In `TMPDIR` if that is set, else in memory if there is plenty, else in the system's temporary folder. In memory a
    database is copied in a tenth of the time that some disks need to make its three hundred files.
    """
    return temporary_place() / f"standin-{os.geteuid()}-{run_id}"


def run_folders() -> list[Path]:
    """The folders of this user's temporary servers that are there now, wherever they may be."""
    places = {temporary_place(), Path(tempfile.gettempdir()).resolve(), _MEMORY}
    return [folder for place in places for folder in place.glob(f"standin-{os.geteuid()}-*")]


def temporary_place() -> Path:
    """The folder in which the folders of temporary servers are made."""
    usable = os.path.ismount(_MEMORY) and os.access(_MEMORY, os.W_OK | os.X_OK)
    if usable and not os.environ.get("TMPDIR") and shutil.disk_usage(_MEMORY).free >= _PLENTY_OF_MEMORY:
        return _MEMORY
    return Path(tempfile.gettempdir()).resolve()


def postgres_url(host: str, port: int, user: str, password: str, database: str) -> str:
    """A `postgresql://` address with every part escaped."""
    parts = [quote(part, safe="") for part in (user, password, database)]
    return f"postgresql://{parts[0]}:{parts[1]}@{host}:{port}/{parts[2]}"


def parse_port(text: str, variable: str, default: int) -> int:
    """The port that a variable says. Raises `StandinError` if it is none."""
    if text.isascii() and text.isdigit() and 1 <= int(text) <= 65535:
        return int(text)
    raise StandinError(
        f"{variable} is {text!r}, which is no port. Give a number between 1 and 65535, or unset it to get {default}."
    )


def _project_root() -> Path:
    # An editable installation knows its clone wherever the command is typed; a wheel goes by the working folder.
    clone = Path(__file__).resolve().parent.parent
    if (clone / _PROJECT_FILE).is_file():
        return clone
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / "dbt_project.yml").is_file()), here)
