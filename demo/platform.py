"""Starts and stops the local platform: the warehouse and the demo operator."""

from __future__ import annotations

import os
import shutil
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from demo.operator import process
from demo.operator.settings import OperatorError, OperatorSettings
from demo.paths import dbt_logs, dbt_target, docs_page, home, operator_folder, secrets
from standin import postgres
from standin.provision import provision
from standin.settings import Settings, warehouse_folder

if TYPE_CHECKING:
    from pathlib import Path

    from demo.operator.process import Operator
    from standin.server import Server

SECRETS_MARK = "# Written by `make demo` for the demo operator; it is overwritten as long as this line stands.\n"


@dataclass(frozen=True)
class Stopped:
    """What was running and is not any more."""

    warehouse: bool
    operator: bool


def start_warehouse() -> Server:
    """Start the warehouse, or go on with the one that runs.

    Raises:
        StandinError: it cannot start; the text says why and what to do.
    """
    settings = Settings.from_environment()
    server = postgres.start(warehouse_folder(), settings.port)
    provision(server, settings)
    os.environ.update(settings.environment())
    return server


def start_operator(settings: OperatorSettings) -> Operator:
    """Start the operator, or go on with the one that runs, and tell ingestion where its systems are.

    Raises:
        OperatorError: it cannot start, or the folder holds another operator than the one asked for.
    """
    operator = process.start(operator_folder(), settings)
    os.environ.update(operator.environment())
    _write_secrets(operator.environment())
    return operator


def stop() -> Stopped:
    """Stop both; their data stay."""
    return Stopped(operator=process.stop(operator_folder()), warehouse=postgres.stop(warehouse_folder()))


def clean() -> list[Path]:
    """Stop both and remove everything that the demo has written. Gives what was removed.

    Raises:
        OperatorError: the run-time folder holds something that the demo did not write.
    """
    stop()
    folder = home()
    ours = ("operator", "warehouse", "target", "logs", "site")
    strange = sorted(found.name for found in folder.glob("[!.]*") if not found.name.startswith(ours))
    if strange:
        raise OperatorError(f"{folder} also holds {', '.join(strange)}, which is not the demo's; remove it by hand")
    candidates = [folder, dbt_target(), dbt_logs(), docs_page().parent]
    written = secrets()
    if written and _is_ours(written):
        candidates.append(written)
    removed = []
    for path in candidates:
        if path.is_dir():
            shutil.rmtree(path)
        elif path.exists():
            path.unlink()
        else:
            continue
        removed.append(path)
    return removed


def _write_secrets(environment: dict[str, str]) -> None:
    """Let `ingest run` work in the next shell too; a file that somebody wrote by hand is left alone."""
    path = secrets()
    if path is None or (path.exists() and not _is_ours(path)):
        return
    sections: dict[str, list[str]] = {}
    for variable, value in environment.items():
        _, source, key = variable.lower().split("__")
        # a port is a number in .dlt/config.toml; everything else here is text
        written = value if key == "port" else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
        sections.setdefault(source, []).append(f"{key} = {written}")
    lines = [f"\n[sources.{source}]\n" + "\n".join(keys) + "\n" for source, keys in sections.items()]
    path.touch(mode=stat.S_IRUSR | stat.S_IWUSR)
    path.write_text(SECRETS_MARK + "".join(lines))


def _is_ours(path: Path) -> bool:
    return path.is_file() and path.read_text().startswith(SECRETS_MARK)
