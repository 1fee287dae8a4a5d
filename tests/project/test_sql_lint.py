"""`make lint` lays the SQL out as the house does; the linter really looks."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
UGLY = PROJECT / "tests" / "project" / "fixtures" / "ugly.sql"


def _sqlfluff(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sqlfluff", "lint", *arguments],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )


def _lint_sql(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(PROJECT / "tools" / "lint_sql.py"), *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def linted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project of two clean models, one of which calls a macro; both have been linted."""
    folder = tmp_path_factory.mktemp("linted")
    shutil.copy(PROJECT / ".sqlfluff", folder)
    shutil.copytree(PROJECT / "macros" / "_sqlfluff", folder / "macros" / "_sqlfluff")
    (folder / "macros" / "lib").mkdir()
    (folder / "macros" / "lib" / "one.sql").write_text("{% macro one() %}1{% endmacro %}\n")
    (folder / "models").mkdir()
    (folder / "models" / "a.sql").write_text("select 1 as a\n")
    (folder / "models" / "b.sql").write_text("select {{ one() }} as b\n")
    first = _lint_sql(folder, "models")
    assert first.returncode == 0, first.stdout + first.stderr
    assert "All Finished" in first.stdout
    return folder


@pytest.fixture
def little(linted: Path, tmp_path: Path) -> Path:
    """The little project as it was linted, to be edited."""
    return shutil.copytree(linted, tmp_path / "little")


def test_what_was_clean_is_not_linted_again_and_what_was_not_is_told_again(little: Path) -> None:
    assert _lint_sql(little, "models").stdout == ""

    (little / "models" / "a.sql").write_text("SELECT 1 AS a\n")
    for _ in range(2):
        faulty = _lint_sql(little, "models")
        assert faulty.returncode == 1
        assert "== [models/a.sql] FAIL" in faulty.stdout
        assert "b.sql" not in faulty.stdout

    (little / "models" / "a.sql").write_text("select 1 as a\n")
    assert _lint_sql(little, "models").returncode == 0


@pytest.mark.parametrize("what", ["configuration", "configuration of a folder", "macro", "shim"])
def test_what_was_clean_is_linted_again_when_what_it_depends_on_changes(little: Path, what: str) -> None:
    if what == "configuration":
        config = little / ".sqlfluff"
        config.write_text(
            config.read_text("utf-8").replace("capitalisation_policy = lower", "capitalisation_policy = upper")
        )
    elif what == "configuration of a folder":
        (little / "models" / ".sqlfluff").write_text("[sqlfluff]\nmax_line_length = 8\n")
    elif what == "macro":
        (little / "macros" / "lib" / "one.sql").write_text("{% macro one() %}1 AS b, 2{% endmacro %}\n")
    else:
        (little / "macros" / "_sqlfluff" / "dbt.py").write_text("broken = \n")
    again = _lint_sql(little, "models")
    assert again.returncode == 1
    assert again.stdout + again.stderr != ""


def test_a_path_without_sql_is_refused(little: Path) -> None:
    assert _lint_sql(little, "modles").returncode == 2


def test_every_option_of_ours_is_understood() -> None:
    """sqlfluff ignores an option that it does not know. Each of ours forbids something that the ugly file does
    consistently, which the defaults let pass."""
    found = set(re.findall(r"\| ([A-Z]{2}\d\d) \|", _sqlfluff(str(UGLY), "--disregard-sqlfluffignores").stdout))
    ours = {
        "capitalisation.keywords": "CP01",
        "capitalisation.identifiers": "CP02",
        "capitalisation.functions": "CP03",
        "capitalisation.literals": "CP04",
        "capitalisation.types": "CP05",
        "ambiguous.column_references": "AM06",
        "convention.casting_style": "CV11",
        "convention.not_equal": "CV01",
        "max_line_length": "LT05",
    }
    assert {option for option, rule in ours.items() if rule not in found} == set()
    # what the defaults catch: explicit aliases, trailing commas, join types, unused CTEs, union
    assert {"AL02", "LT04", "AM05", "ST03", "AM02"} <= found


def test_nothing_is_exempted() -> None:
    exempted = [
        f"{path.relative_to(PROJECT)}:{number}"
        for folder in ("models", "macros", "tests/dbt")
        for path in sorted((PROJECT / folder).rglob("*.sql"))
        for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1)
        if "noqa" in line
    ]
    assert exempted == []
