"""Runs dbt the way a person does at the project's root, in this process."""

from __future__ import annotations

import os
import shutil
import sys
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from demo.paths import PROJECT, dbt_logs, dbt_target, docs_page

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class DbtError(Exception):
    """dbt did not do what it was asked to; its own output, above, says why."""


@dataclass(frozen=True)
class BuildResult:
    """What a build did: how many nodes of each kind ended how."""

    counts: Counter[tuple[str, str]]

    def kinds(self) -> list[tuple[str, str]]:
        """Each kind of node with its outcomes in words, as in `models` and `51 ok`. An exposure has none."""
        names = {
            "seed": "seeds",
            "model": "models",
            "snapshot": "snapshots",
            "test": "data tests",
            "function": "functions",
        }
        outcomes = {
            name: [f"{n} {how}" for (k, how), n in sorted(self.counts.items()) if k == kind]
            for kind, name in names.items()
        }
        return [(name, ", ".join(said)) for name, said in outcomes.items() if said]


def build(*, only: str | None = None) -> BuildResult:
    """Run `dbt build` on the local warehouse, without the unit tests: those try the SQL, and no data.

    Raises:
        DbtError: a model, test, snapshot or seed failed.
    """
    # cautious: a test that also reads a model outside the selection waits for the whole build
    selection = ["--select", only, "--indirect-selection", "cautious"] if only else []
    result = _dbt(["build", "--target", "dev", "--exclude-resource-type", "unit_test", *selection])
    return BuildResult(Counter((str(node.node.resource_type), _outcome(str(node.status))) for node in result.results))


def write_docs() -> Path:
    """Write the static docs site. Gives the page, which opens from a file, without a server."""
    _dbt(["docs", "generate", "--static", "--target", "dev", "--quiet"])
    page = docs_page()
    page.parent.mkdir(exist_ok=True)
    shutil.copyfile(dbt_target() / "static_index.html", page)
    return page


def _dbt(words: list[str]) -> Any:
    from dbt.cli.main import dbtRunner

    with _at_project_root():
        folders = ["--target-path", str(dbt_target()), "--log-path", str(dbt_logs())]
        colours = [] if sys.stdout.isatty() else ["--no-use-colors"]
        done = dbtRunner().invoke([*words, *folders, *colours, "--profiles-dir", str(PROJECT / "profiles")])
    if not done.success:
        # dbt has already printed which node failed and why
        raise DbtError(f"dbt {words[0]} failed" + (f": {done.exception}" if done.exception else "; see above"))
    return done.result


@contextmanager
def _at_project_root() -> Iterator[None]:
    before = os.getcwd()  # noqa: PTH109 - the counterpart of chdir
    os.chdir(PROJECT)
    try:
        yield
    finally:
        os.chdir(before)


def _outcome(status: str) -> str:
    return {"success": "ok", "pass": "ok"}.get(status, status)
