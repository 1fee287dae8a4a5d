"""The build of a merge request (docs/model-style.md): only what differs from the main branch, and what reads it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from dbt.adapters.factory import reset_adapters
from dbt.cli.main import dbtRunner, dbtRunnerResult

if TYPE_CHECKING:
    from standin.warehouse import Warehouse

PROJECT = Path(__file__).resolve().parents[2]
BRANCH = ["--selector", "changed", "--defer", "--empty", "--exclude-resource-type", "test"]


class Branch:
    """A copy of the project that may be edited, and the main branch's manifest."""

    def __init__(self, folder: Path, warehouse: Warehouse) -> None:
        self.project = folder / "project"
        self.state = folder / "main"
        self.warehouse = warehouse
        for name in ("models", "seeds", "macros", "profiles", "tests/dbt"):
            shutil.copytree(PROJECT / name, self.project / name)
        for name in ("dbt_project.yml", "selectors.yml"):
            shutil.copy(PROJECT / name, self.project)
        assert self("parse").success
        self.state.mkdir()
        shutil.copy(folder / "target" / "manifest.json", self.state)

    def __call__(self, *words: str) -> dbtRunnerResult:
        folder = self.project.parent
        options = ["--project-dir", str(self.project), "--profiles-dir", str(self.project / "profiles")]
        options += ["--target-path", str(folder / "target"), "--log-path", str(folder / "logs"), "--quiet"]
        # the vars that the town was built with, on both sides: a changed var is a changed model
        options += ["--target", "dev", "--vars", "files_landed: true"]
        state = ["--state", str(self.state)] if words[0] == "build" else []
        reset_adapters()
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.warehouse.environment().items():
                patch.setenv(name, value)
            return dbtRunner().invoke([*words, *state, *options])

    def edit(self, model: str, old: str, new: str) -> None:
        path = next(self.project.rglob(f"{model}.sql"))
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), "utf-8")


def _outcomes(result: dbtRunnerResult) -> dict[str, str]:
    nodes: Any = result.result
    return {each.node.name: str(each.status) for each in nodes if each.node.resource_type == "model"}


@pytest.mark.warehouse(template="town")
def test_a_branch_builds_what_it_changed_and_what_reads_it_and_nothing_else(
    warehouse: Warehouse, tmp_path: Path
) -> None:
    branch = Branch(tmp_path, warehouse)
    branch.edit("fct_mrr_movements", "select * from final", "-- edited\nselect * from final")
    built = branch("build", *BRANCH)
    assert built.success, built.exception
    assert _outcomes(built) == {"fct_mrr_movements": "success", "mrr_by_month": "success"}
    # what it stands on was not built, and was read where it is
    kinds = {str(each.node.resource_type) for each in built.result}
    assert kinds == {"model", "unit_test", "operation"}

    branch.edit("fct_mrr_movements", "select * from final", "select *, no_such_column from final")
    broken = branch("build", *BRANCH)
    assert not broken.success
    assert "no_such_column" in str([each.message for each in broken.result])
