"""Prints at the end of a run what the project counts of itself."""

from __future__ import annotations

from typing import Any


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """The counts of test_sql_static.py, which come from whichever worker ran it."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    counts = [value for report in reports for name, value in report.user_properties if name == "count"]
    if counts:
        terminalreporter.section("the models, counted")
        for line in counts:
            terminalreporter.write_line(line)
