"""What dbt's own runs leave in the warehouse."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from conftest import Dbt

pytestmark = pytest.mark.warehouse(template="town")


def test_a_run_leaves_its_record(dbt: Dbt) -> None:
    before = dbt.rows("select count(*) as n from run_log.invocations")[0]["n"]
    assert dbt("build", "--select", "stg_crm__customers int_customers__latest_kept", variables="{}").success
    (last,) = dbt.rows("select * from run_log.invocations order by ended_at desc limit 1")
    assert (last["command"], last["target_name"]) == ("build", "dev")
    assert last["started_at"] < last["ended_at"]
    assert dbt.rows("select count(*) as n from run_log.invocations") == [{"n": before + 1}]

    results = dbt.rows(f"select * from run_log.node_results where invocation_id = '{last['invocation_id']}'")
    by_node = {result["node_id"]: result for result in results}
    table = by_node["model.majakka.int_customers__latest_kept"]
    assert (table["status"], table["materialization"], table["affected_count"]) == ("success", "table", 4)
    assert table["execution_seconds"] > 0
    assert last["started_at"] <= table["started_at"] <= last["ended_at"]
    tests = [result for result in results if result["resource_type"] == "test"]
    assert tests
    assert {(result["status"], result["failure_count"]) for result in tests} == {("pass", 0)}
    # a view is not counted: to count it is to run it
    assert dbt.rows(
        f"select relation_name, row_count from run_log.row_counts where invocation_id = '{last['invocation_id']}'"
    ) == [{"relation_name": "intermediate.int_customers__latest_kept", "row_count": 4}]


def test_a_failure_is_told_without_the_values_of_rows(dbt: Dbt) -> None:
    with dbt.warehouse.connect() as connection:
        # names no longer fit: the mart's contract says varchar(256)
        connection.execute("update raw_crm.customers set family_name = 'Secretname' || repeat('x', 300)")
    assert not dbt("run", "--select", "stg_crm__customers", "int_customers__latest_kept", "customer_view").success
    failed = dbt.rows("select node_id, status, message from run_log.node_results where status = 'error'")
    assert [row["node_id"] for row in failed] == ["model.majakka.customer_view"]
    assert "customer_view" in failed[0]["message"]
    assert "\n" not in failed[0]["message"]
    assert dbt.rows("select count(*) as n from run_log.node_results where message like '%Secretname%'") == [{"n": 0}]


def test_loads_are_seen_once_and_only_where_they_are_modelled(dbt: Dbt) -> None:
    seen = dbt.rows("select source_name, count(*) as n from run_log.source_loads group by 1 order by 1")
    assert {row["n"] for row in seen} == {1}
    assert {"crm", "billing", "events"} <= {row["source_name"] for row in seen}
    assert dbt("run", "--select", "stg_crm__customers").success
    assert dbt.rows("select source_name, count(*) as n from run_log.source_loads group by 1 order by 1") == seen


def test_commands_that_build_nothing_leave_nothing(dbt: Dbt) -> None:
    before = dbt.rows("select count(*) as n from run_log.invocations")
    assert dbt("compile", "--select", "stg_crm__customers").success
    assert dbt("show", "--select", "stg_crm__customers").success
    assert dbt.rows("select count(*) as n from run_log.invocations") == before


def test_a_table_that_lost_its_rows_stops_the_build(dbt: Dbt) -> None:
    with dbt.warehouse.connect() as connection:
        connection.execute(
            "insert into raw_crm.customers select (jsonb_populate_record(c, jsonb_build_object('customer_id', 'X' || n,"
            " '_source_row', 1000 + n))).*"
            " from raw_crm.customers as c, generate_series(1, 1000) as n where customer_id = 'C4'"
        )
    # of the tests, only the named one: a thousand copies of a customer break others
    selected = ("build", "--select", "stg_crm__customers", "int_customers__latest_kept", "dim_customers")
    selected += ("has_not_lost_rows_dim_customers_", "--exclude", "test_type:unit", "--indirect-selection", "empty")
    assert dbt(*selected).success
    with dbt.warehouse.connect() as connection:
        connection.execute("delete from raw_crm.customers where customer_id like 'X%' and customer_id > 'X4'")
    lost = dbt(*selected)
    assert not lost.success
    assert {name for name, status in dbt.statuses(lost).items() if status == "fail"} == {
        "has_not_lost_rows_dim_customers_"
    }
    assert dbt(*selected, variables="allow_lost_rows: true").success
    # now that is what there is
    assert dbt(*selected).success
    history = dbt.rows(
        "select row_count from run_log.row_counts where relation_name = 'marts.dim_customers' order by row_count desc"
    )
    assert [row["row_count"] for row in history[:2]] == [1004, 339]
