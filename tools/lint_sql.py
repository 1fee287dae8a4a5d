"""`sqlfluff lint`, remembering which files were clean: `python -m tools.lint_sql models tests/dbt`.

sqlfluff needs a fifth of a second of a core for each file, and has no cache as ruff and mypy have. What it says of a
file depends on the file, the macros it may call, the configuration and the linter's version, and on nothing else: a
file that was clean is clean until one of these changes. Only clean files are remembered, so a complaint is repeated
until it is mended. A fresh clone remembers nothing and lints everything.
"""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from sqlfluff.core import FluffConfig

CACHE = Path(".sqlfluff_cache") / "clean.json"
MACROS = ("*.sql", "*.py")


def main(arguments: list[str]) -> int:
    """Lint the SQL files in and below the given paths, seen from the working folder. Gives sqlfluff's exit code."""
    files = sorted({file for name in arguments for file in _sql_files(Path(name))})
    if not files:
        print("lint_sql: there is no SQL file in", *arguments, file=sys.stderr)
        return 2
    common = _what_all_depend_on()
    keys = {str(file): _key(file, common) for file in files}
    clean = _remembered()
    stale = [name for name, key in keys.items() if clean.get(name) != key]
    if not stale:
        return 0

    # several processes cost more than they bring for a few files
    processes = "0" if len(stale) > 40 else "1"
    command = [sys.executable, "-m", "sqlfluff", "lint", "--nocolor", "--disable-progress-bar"]
    done = subprocess.run([*command, "--processes", processes, *stale], stdout=subprocess.PIPE, text=True, check=False)
    print(done.stdout, end="")
    faulty = set(re.findall(r"^== \[(.+)\] FAIL", done.stdout, re.MULTILINE))
    if done.returncode == 0 or (done.returncode == 1 and faulty):
        _remember({name: keys[name] for name in stale if name not in faulty}, forget=faulty)
    return done.returncode


def _sql_files(path: Path) -> list[Path]:
    return [path] if path.is_file() else list(path.rglob("*.sql"))


def _what_all_depend_on() -> str:
    """A digest of the linter and of the macros and shims that any file may call."""
    digest = hashlib.sha256()
    for package in ("sqlfluff", "sqlfluffrs"):
        try:
            digest.update(f"{package} {version(package)}\n".encode())
        except PackageNotFoundError:
            digest.update(f"no {package}\n".encode())
    macros = sorted(path for pattern in MACROS for path in Path("macros").rglob(pattern))
    for path in [*macros, Path(".sqlfluffignore")]:
        if path.is_file():
            digest.update(f"{path}\n".encode() + path.read_bytes())
    return digest.hexdigest()


def _key(file: Path, common: str) -> str:
    """A digest of the file, of its configuration as sqlfluff sees it, wherever it is written, and of the rest."""
    values = FluffConfig.from_path(str(file)).iter_vals()
    plain = [(name, value) for _, name, value in values if isinstance(value, str | int | float | list | None)]
    # paths in it are absolute, wherever the project lies
    settings = repr(plain).replace(str(Path.cwd()), ".")
    return hashlib.sha256(f"{common}\n{file}\n{settings}\n".encode() + file.read_bytes()).hexdigest()


def _remembered() -> dict[str, str]:
    try:
        return dict(json.loads(CACHE.read_text("utf-8")))
    except (FileNotFoundError, ValueError):
        return {}


def _remember(clean: dict[str, str], *, forget: set[str]) -> None:
    """Adds to what is remembered; of two that do so at once the later one wins, and some files are linted again."""
    kept = {name: key for name, key in _remembered().items() if name not in forget and Path(name).is_file()}
    CACHE.parent.mkdir(exist_ok=True)
    written = CACHE.with_suffix(f".{hashlib.sha256(repr(clean).encode()).hexdigest()[:8]}")
    written.write_text(json.dumps(kept | clean, indent=0, sort_keys=True), "utf-8")
    written.replace(CACHE)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
