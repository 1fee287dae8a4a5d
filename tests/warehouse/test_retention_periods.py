"""The retention periods of the project, on a built warehouse: they are about what is there, and the web follows."""

from datetime import timedelta

import pytest
from small_operator import target_of

from ingestion import sources
from ingestion.privacy.retention import expire, periods

ANEW = (
    *("run", "--full-refresh", "--select", "int_events__deduplicated+,config.materialized:incremental"),
    *("int_usage__summed_to_days", "int_usage__summed_to_months"),
)
BALANCED = "what_has_landed_is_modelled_or_was_replaced"
BALANCES = (
    *("build", "--select", "int_events__bots_set_aside", "int_events__late_set_aside"),
    *("source_exclusions", "source_reconciliation", BALANCED, "--indirect-selection", "empty"),
)
WEB = ("intermediate.int_events__deduplicated", "marts.fct_web_sessions")


@pytest.mark.warehouse(template="town")
def test_what_is_made_of_web_visits_follows_and_whoever_forgets_it_is_told(dbt):
    target = target_of(dbt.warehouse)
    ours = [sources.find(name) for name in sources.NAMES]
    with target.connect() as connection:
        found = {one.relation: one for one in periods(connection)}
        first, last = connection.execute(
            "select min(occurred_at)::date, max(occurred_at)::date from raw_events.events"
        ).fetchone()
    assert first < last
    # the oldest half of the town's visits is too old on this day
    today = last + timedelta(days=found["raw_events.events"].days)
    counted = {one.relation: one.count for one in expire(ours, target, today=today, dry_run=True)}
    assert counted["raw_events.events"] > 0
    # each relation that the warehouse has was asked, and has the column that its age is counted from
    assert {"raw_billing.bill_items", "snapshots.customers_snapshot", "run_log.node_results"} < set(counted)
    # the town has the optional files, too
    assert sum(name.endswith("._quarantine") for name in counted) == len(ours) + 1

    done = {one.relation: one.count for one in expire(ours, target, today=today)}
    assert done == counted
    assert dbt.statuses(dbt(*BALANCES))[BALANCED] == "fail"
    missing = "select missing_count from observability.source_reconciliation where source_name = 'events'"
    assert dbt.rows(missing)[0]["missing_count"] < 0

    built = dbt(*ANEW)
    assert built.success, dbt.failures(built)
    dbt(*BALANCES)
    assert dbt.rows(missing) == [{"missing_count": 0}]
    for table, column in zip(WEB, ("occurred_at", "started_at"), strict=True):
        (row,) = dbt.rows(f"select count(*) as n, min({column})::date as oldest from {table}")
        assert row["n"] > 0
        assert row["oldest"] >= last
