"""`make lint` lays the SQL out as the house does; the linter really looks."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

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
