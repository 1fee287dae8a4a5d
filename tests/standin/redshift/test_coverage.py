"""The coverage file tells the truth, and the page says what the file says."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

PROGRAM = Path(__file__).parents[3] / "tools" / "redshift_coverage.py"


@pytest.fixture(scope="module")
def coverage() -> ModuleType:
    spec = spec_from_file_location("redshift_coverage", PROGRAM)
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def test_every_example_gives_what_its_row_says(coverage: ModuleType, redshift: Any, warehouse_factory: Any) -> None:
    # users, groups and databases are made by an administrator
    server = warehouse_factory.server
    with redshift.psycopg(user=server.superuser, password=server.superuser_password) as connection:
        assert list(coverage.faults(connection, coverage.load())) == []


def test_an_example_that_gives_something_else_is_a_fault(coverage: ModuleType, redshift: Any) -> None:
    chapter = coverage.Chapter(
        "Made up",
        "function",
        (
            coverage.Row("wrong", "exact", example=("select 1",), result=("2",)),
            coverage.Row("failing", "exact", example=("select no_such_column",)),
            coverage.Row("not refused", "refused", example=("select 1",), error="0A000"),
        ),
    )
    with redshift.psycopg() as connection:
        found = list(coverage.faults(connection, [chapter]))
    assert [fault.split(":")[0] for fault in found] == ["Made up, wrong", "Made up, failing", "Made up, not refused"]


def test_the_page_is_what_the_file_says(coverage: ModuleType) -> None:
    assert coverage.PAGE.read_text() == coverage.page(coverage.load()), f"run {PROGRAM.name} and commit the page"


@pytest.mark.parametrize(("kind", "least"), [("function", 0.9), ("statement", 0.85)])
def test_enough_of_the_reference_is_exact_or_approximate(coverage: ModuleType, kind: str, least: float) -> None:
    rows = [row for chapter in coverage.load() if chapter.kind == kind for row in chapter.rows]
    assert sum(row.status in ("exact", "approximate") for row in rows) / len(rows) >= least
