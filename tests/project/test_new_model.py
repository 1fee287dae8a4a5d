"""`make new-model`: what it writes keeps the house's rules as it is, and only its unit test is wrong."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from dbt.adapters.factory import reset_adapters
from dbt.cli.main import dbtRunner

from tools.new_model import main

PROJECT = Path(__file__).resolve().parents[2]
ASKED = {
    "marts/billing/fct_refunds": ("int_payments__deduplicated", "payment_id"),
    "intermediate/refunds/int_refunds__summed_to_bills": ("int_bills__deduplicated", "bill_no"),
}
TWO_KEYS = ["intermediate/refunds/int_refunds__followed", "--reads", "int_bills__deduplicated"]


def _new_model(project: Path, *words: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, [*words, "--project", str(project)])
    return done.exit_code, done.output


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project in which two models have been started, one of them in a folder of its own."""
    project = tmp_path_factory.mktemp("project")
    for name in ("models", "seeds", "macros", "profiles", "tests/dbt"):
        shutil.copytree(PROJECT / name, project / name)
    for name in ("dbt_project.yml", "selectors.yml", ".sqlfluff"):
        shutil.copy(PROJECT / name, project)
    for model, (reads, key) in ASKED.items():
        code, said = _new_model(project, model, "--reads", reads, "--key", key)
        assert code == 0, said
    code, said = _new_model(project, *TWO_KEYS, "--key", "bill_no", "--key", "customer_id")
    assert code == 0, said
    return project


def test_what_is_written_is_laid_out_as_the_house_lays_it_out(started: Path) -> None:
    paths = [f"models/{model}.sql" for model in [*ASKED, TWO_KEYS[0]]]
    command = [sys.executable, "-m", "sqlfluff", "lint", *paths]
    linted = subprocess.run(command, cwd=started, capture_output=True, text=True, check=False)
    assert linted.returncode == 0, linted.stdout + linted.stderr


def test_what_is_written_keeps_the_rules(started: Path) -> None:
    reset_adapters()
    common = ["--project-dir", str(started), "--profiles-dir", str(started / "profiles"), "--target", "dev", "--quiet"]
    common += ["--target-path", str(started / "target"), "--log-path", str(started / "logs")]
    parsed = dbtRunner().invoke(["parse", *common])
    assert parsed.success, parsed.exception
    manifest = parsed.result
    mart = manifest.nodes["model.majakka.fct_refunds"]
    assert mart.contract.enforced
    assert mart.columns["payment_id"].data_type == "varchar(64)"
    for model, (_, key) in ASKED.items():
        node = manifest.nodes[f"model.majakka.{model.split('/')[-1]}"]
        assert node.description == f"One row per {key}."
        assert node.config.group
        known = manifest.nodes[f"model.majakka.{ASKED[model][0]}"].columns[key]
        assert node.columns[key].description == known.description
        assert node.columns[key].config.meta == known.config.meta
        assert [test.model for test in manifest.unit_tests.values()].count(node.name) == 1


def test_the_unit_test_expects_what_the_model_does_not_do(started: Path) -> None:
    tests = yaml.safe_load((started / "models/marts/billing/_billing__unit_tests.yml").read_text("utf-8"))
    mine = tests["unit_tests"][-1]
    assert mine["model"] == "fct_refunds"
    assert mine["given"][0]["rows"] == [{"payment_id": "A1"}]
    assert mine["expect"]["rows"] == [{"payment_id": "write me"}]


@pytest.mark.parametrize(
    ("model", "reads", "key", "said"),
    [
        ("marts/billing/fct_bills", "int_bills__deduplicated", "bill_no", "already"),
        ("marts/billing/int_x__y", "int_bills__deduplicated", "bill_no", "no name"),
        ("marts/nobody/fct_x", "int_bills__deduplicated", "bill_no", "nobody owns"),
        ("marts/billing/fct_x", "int_billz", "bill_no", "no model"),
        ("marts/billing/fct_x", "int_bills__deduplicated", "bill_number", "no column"),
        ("staging/crm/stg_crm__x", "int_bills__deduplicated", "bill_no", "no place"),
    ],
)
def test_what_would_break_a_rule_is_refused_and_nothing_is_written(model: str, reads: str, key: str, said: str) -> None:
    before = {path: path.stat().st_mtime_ns for path in (PROJECT / "models").rglob("*")}
    code, output = _new_model(PROJECT, model, "--reads", reads, "--key", key)
    assert code == 1
    assert said in output
    assert {path: path.stat().st_mtime_ns for path in (PROJECT / "models").rglob("*")} == before


def test_a_file_that_ends_with_something_else_is_told_and_nothing_is_written(tmp_path: Path) -> None:
    shutil.copytree(PROJECT / "models", tmp_path / "models")
    shutil.copy(PROJECT / "dbt_project.yml", tmp_path)
    tests = tmp_path / "models/marts/billing/_billing__unit_tests.yml"
    tests.write_text(tests.read_text("utf-8") + "anchors: []\n", "utf-8")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    code, output = _new_model(tmp_path, "marts/billing/fct_x", "--reads", "int_bills__deduplicated", "--key", "bill_no")
    assert code == 1
    assert "does not end with its unit_tests" in output
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
