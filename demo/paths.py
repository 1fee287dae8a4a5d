"""Where the local platform keeps things.

Everything is in the project's folder, ignored by git; `MAJAKKA_HOME` moves all of it to another folder.
"""

from __future__ import annotations

import os
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent


def home() -> Path:
    """The run-time folder: `MAJAKKA_HOME`, or `.majakka` in the project."""
    moved = _moved()
    return moved if moved else PROJECT / ".majakka"


def operator_folder() -> Path:
    """The demo operator's data."""
    return home() / "operator"


def dbt_target() -> Path:
    """What dbt compiles; at the project's root, where bare `dbt` looks for it."""
    return (_moved() or PROJECT) / "target"


def dbt_logs() -> Path:
    """Logs of dbt."""
    return (_moved() or PROJECT) / "logs"


def docs_page() -> Path:
    """The static docs site: one file that opens without a server."""
    return (_moved() or PROJECT) / "site" / "index.html"


def secrets() -> Path | None:
    """The file that lets `ingest` reach the demo operator from any shell; none for a platform that was moved."""
    return None if _moved() else PROJECT / ".dlt" / "secrets.toml"


def _moved() -> Path | None:
    given = os.environ.get("MAJAKKA_HOME")
    return Path(given).absolute() if given else None
