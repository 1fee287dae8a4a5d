"""Segments on a real Postgres: who is in, who comes and goes from day to day, and what a bad condition does."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from conftest import Dbt

SEGMENTS = ("int_segments__matched", "int_segments__memberships", "segment_members", "segments")

pytestmark = pytest.mark.warehouse(template="town")


def _change(dbt: Dbt, statement: str, *values: Any) -> None:
    with dbt.warehouse.connect() as connection:
        connection.execute(statement, values)


def _stays(dbt: Dbt, *segments: str) -> set[tuple[str, str, date, date | None]]:
    rows = dbt.rows("select customer_id, segment_id, entered_on, exited_on from marts.segment_members")
    return {tuple(row.values()) for row in rows if not segments or row["segment_id"] in segments}


def _build(dbt: Dbt, day: date, *options: str) -> None:
    """The segments, as the build of a reporting day makes them."""
    _change(dbt, "update intermediate.int_reporting__as_of set as_of_on = %s", day)
    result = dbt("run", "--select", *SEGMENTS, *options)
    assert result.success, dbt.failures(result)


def test_members_come_and_go_from_day_to_day(dbt: Dbt) -> None:
    day = [date(2026, 10, 31), date(2026, 11, 1), date(2026, 11, 2), date(2026, 11, 3)]
    # C1 answered with a 3, owes and was reminded twice, and called again; in need of a consent, she is in nothing
    names = ("detractors", "late_payers", "repeat_callers")
    assert _stays(dbt) == {("C1", name, day[0], None) for name in names}

    # the next day one segment has ended, and another asks for more
    _change(dbt, "update seeds.segment_definitions set valid_until_on = %s where segment_id = 'detractors'", day[0])
    definition = "update seeds.segment_definitions set sql_condition = %s where segment_id = 'late_payers'"
    _change(dbt, definition, "is_overdue and dunning_level >= 3")
    _build(dbt, day[1])
    after = {
        ("C1", "detractors", day[0], day[1]),
        ("C1", "late_payers", day[0], day[1]),
        ("C1", "repeat_callers", day[0], None),
    }
    assert _stays(dbt) == after
    assert dbt.rows("select segment_id from marts.segments where not is_valid order by 1") == [
        {"segment_id": "detractors"},
        {"segment_id": "fibre_launch_2026"},
    ]

    # who comes back is in anew, and twice in the history
    _change(dbt, definition, "is_overdue")
    _build(dbt, day[2])
    after |= {("C1", "late_payers", day[2], None), ("C2", "late_payers", day[2], None)}
    assert _stays(dbt) == after

    # a full refresh has no way to know what was, and does not try; nor does a build for an earlier day
    _build(dbt, day[2], "--full-refresh")
    assert _stays(dbt) == after
    _change(dbt, definition, "false")
    _build(dbt, day[1])
    assert _stays(dbt) == after

    # the last build of a day decides for it
    _build(dbt, day[2])
    assert _stays(dbt, "late_payers") == {("C1", "late_payers", day[0], day[1])}

    # and who withdraws a consent is out with the next build
    add = (
        "insert into seeds.segment_definitions (segment_id, segment_name, used_for, needs_consent_purpose, owner,"
        " valid_from_on, sql_condition, segment_description) values ('letters', 'n', 'marketing', 'marketing_email',"
        " 'digital', '2026-01-01', 'true', 'd')"
    )
    _change(dbt, add)
    _build(dbt, day[2])
    assert _stays(dbt, "letters") == {("C1", "letters", day[2], None)}
    _change(
        dbt,
        "update intermediate.int_consents__latest_kept set consent_status = 'withdrawn'"
        " where consent_purpose = 'marketing_email'",
    )
    _build(dbt, day[3])
    assert _stays(dbt, "letters") == {("C1", "letters", day[2], day[3])}


def test_a_bad_condition_is_refused_with_the_name_of_its_segment_and_nobody_moves(dbt: Dbt) -> None:
    before = _stays(dbt)
    for condition, fault in (
        ("is_overdue and", "is no condition"),
        ("family_name = 'Berg'", "reads family_name"),
    ):
        statement = "update seeds.segment_definitions set sql_condition = %s where segment_id = 'late_payers'"
        _change(dbt, statement, condition)
        result = dbt("run", "--select", *SEGMENTS)
        assert not result.success
        assert f"The condition of segment late_payers {fault}" in str(dbt.failures(result))
        assert condition in str(dbt.failures(result))
    assert _stays(dbt) == before
