"""The models on a real Postgres, from raw rows to marts."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import md5
from time import time
from typing import TYPE_CHECKING, Any

import pytest
import raw_tables

if TYPE_CHECKING:
    from conftest import Dbt

MARTS = {
    "marts": [
        *("customer_view", "dim_customers", "dim_persons", "person_customers", "person_changes", "identity_quarantine"),
        *("fct_bills", "fct_usage_daily", "fct_web_sessions"),
    ],
    "observability": ["ingestion_deliveries", "quarantined_rows"],
}


def _customers(dbt: Dbt) -> dict[str, dict[str, Any]]:
    return {row["customer_id"]: row for row in dbt.rows("select * from marts.customer_view")}


def _person_key(founder: str) -> str:
    return md5(f"person|{founder}".encode(), usedforsecurity=False).hexdigest()


def _marts(dbt: Dbt) -> dict[str, list[tuple[Any, ...]]]:
    return {
        name: sorted((tuple(row.values()) for row in dbt.rows(f"select * from {schema}.{name}")), key=repr)
        for schema, names in MARTS.items()
        for name in names
    }


# ---- what the marts say


def test_the_view_of_the_customer_with_everything(built: Dbt) -> None:
    assert _customers(built)["C1"] == {
        "customer_id": "C1",
        "as_of_on": date(2026, 10, 31),
        "person_key": _person_key("C1"),
        "other_customer_count": 1,  # C2
        "party_id": "P1",
        "given_name": "Äiti",
        "family_name": "Öberg",
        "born_on": None,
        "language": "fi",
        "customer_status": "active",
        "status_reason": None,
        "customer_since_on": date(2020, 1, 1),
        "preferred_email_address": "late@x.example",
        "preferred_phone_number": "+358401",
        "street_line": "Katu 1",
        "city": "Oulu",
        "post_code": "90100",
        "country_code": "FI",
        "email_address_count": 2,
        "phone_number_count": 1,
        "device_count": 1,
        "has_consented_marketing_email": True,
        "has_consented_marketing_sms": False,
        "has_consented_profiling": False,
        "has_consented_data_sharing": False,
        "active_product_count": 2,
        "active_product_names": "Mobile 1, Mobile 2",
        "recurring_amount": Decimal("29.9000"),
        "open_order_count": 0,
        "last_ordered_at": datetime(2026, 10, 21, 10),
        "last_bill_no": "B2",
        "last_billed_on": date(2026, 10, 1),
        "last_bill_due_on": date(2026, 11, 15),
        "last_bill_due_amount": Decimal("45.5000"),
        "balance_amount": Decimal("55.5000"),  # 30 + 45.50 - 20
        "overdue_amount": Decimal("10.0000"),  # of B1; B2 is not due yet
        "is_overdue": True,
        "dunning_level": 2,
        "late_bill_share": Decimal("1.0000"),
        "last_30_days_voice_seconds": 60,
        "last_30_days_data_bytes": 5_000_000_000,
        "last_30_days_message_count": 2,
        "last_30_days_rated_amount": Decimal("0.3000"),
        "last_contact_at": datetime(2026, 10, 20, 8),
        "last_contact_kind": "trouble_ticket",
        "last_contact_channel": "phone",
        "last_contact_reason": "No network",
        "last_interaction_at": datetime(2026, 10, 19, 10),
        "open_ticket_count": 1,
        # the second call came from her number, and said no name
        "last_90_days_contact_count": 2,
        "last_90_days_repeat_contact_count": 1,
        "last_survey_score": 3,
        "last_survey_answered_at": datetime(2026, 10, 19, 12),
        "last_session_at": datetime(2026, 10, 21, 10),
        "last_session_landing_page_url": "https://shop.example/1",
        "last_session_device_kind": "phone",
    }


def test_the_view_of_the_others(built: Dbt) -> None:
    customers = _customers(built)
    assert set(customers) == {"C1", "C2", "C3", "C4"}
    # the same person's other customership
    assert customers["C2"]["party_id"] == "P1"
    assert customers["C2"]["person_key"] == customers["C1"]["person_key"] != customers["C3"]["person_key"]
    assert customers["C2"]["balance_amount"] == customers["C2"]["overdue_amount"] == Decimal(10)
    assert customers["C2"]["active_product_count"] == 0
    # paid for a bill that never landed; the address has ended; the device is shared
    assert customers["C3"]["balance_amount"] == Decimal(-5)
    assert customers["C3"]["preferred_email_address"] is None
    assert customers["C3"]["email_address_count"] == 0
    assert customers["C3"]["last_session_at"] == datetime(2026, 10, 22, 10)
    # nothing
    assert {name for name, value in customers["C4"].items() if value not in (None, 0, False)} == {
        *("customer_id", "as_of_on", "person_key", "party_id", "family_name", "language", "customer_status"),
        "customer_since_on",
    }


def test_times_are_told_in_utc_whatever_the_session_s_zone(built: Dbt) -> None:
    query = "select last_updated_at from marts.dim_customers where customer_id = 'C1'"
    with built.warehouse.connect(options="-c timezone=Asia/Tokyo") as connection:
        assert connection.execute(query).fetchall() == [(datetime(2026, 10, 1, 22, 30),)]


def test_columns_are_those_that_are_documented_and_have_the_types_of_their_names(built: Dbt) -> None:
    parsed = built.parsed("files_landed: true")
    nodes = [n for n in parsed.nodes.values() if n.resource_type in ("model", "seed", "snapshot")]
    types = {"timestamp without time zone": r".*_at", "date": r".*_on", "boolean": r"(is|has)_.*"}
    faults = []
    for node in nodes:
        found = built.rows(
            "select column_name, data_type, numeric_scale from information_schema.columns"
            f" where table_schema = '{node.schema}' and table_name = '{node.alias}' order by ordinal_position"
        )
        if [column["column_name"] for column in found] != list(node.columns):
            faults.append(f"{node.name} has {[c['column_name'] for c in found]}, documented are {list(node.columns)}")
        for column in found:
            name, data_type = column["column_name"], column["data_type"]
            if name.startswith("dbt_"):  # dbt's own, in snapshots
                continue
            for type_name, pattern in types.items():
                if (data_type == type_name) != bool(re.fullmatch(pattern, name)):
                    faults.append(f"{node.name}.{name} is a {data_type}")
            if name.endswith(("_amount", "_share")) and (data_type, column["numeric_scale"]) != ("numeric", 4):
                faults.append(f"{node.name}.{name} is a {data_type} with scale {column['numeric_scale']}")
            if name.endswith("_count") and data_type not in ("bigint", "integer"):
                faults.append(f"{node.name}.{name} is a {data_type}")
    assert len(nodes) > 50
    assert faults == [], "\n".join(faults)


# ---- building again


@pytest.mark.warehouse(template="town")
def test_building_again_changes_nothing_and_a_change_in_crm_is_remembered(dbt: Dbt) -> None:
    before = _marts(dbt)
    assert dbt("run", variables="files_landed: true").success
    assert dbt("snapshot").success
    assert _marts(dbt) == before

    with dbt.warehouse.connect() as connection:
        raw_tables.finish_load(connection, "crm", "1793577600.5")
        moved = {"customer_id": "C3", "engaged_party_id": "P3", "family_name": "Berg", "status": "terminated"}
        moved |= {"customer_since": "2020-01-01", "last_update": "2026-11-01 12:00:00+00:00"}
        raw_tables.land(connection, "crm", "customers", [moved], uri="file-2", load_id="1793577600.5")
    assert dbt("build", "--select", "+customers_snapshot").success
    versions = dbt.rows(
        "select customer_status, dbt_valid_from, dbt_valid_to from snapshots.customers_snapshot"
        " where customer_id = 'C3' order by dbt_valid_from"
    )
    changed_at = datetime(2026, 11, 1, 12)
    assert [tuple(version.values()) for version in versions] == [
        ("active", datetime(2026, 10, 1), changed_at),
        ("terminated", changed_at, None),
    ]


@pytest.mark.warehouse(template="town")
def test_half_a_load_is_not_modelled(dbt: Dbt) -> None:
    before = _marts(dbt)
    with dbt.warehouse.connect() as connection:
        # killed before dlt wrote that the load was finished
        rows = [{"payment_id": "Y9", "bill_no": "B1", "customer_id": "C1", "payment_date": "2026-10-31"}]
        rows[0] |= {"amount": "10.0000", "method": "card"}
        raw_tables.land(connection, "billing", "payments", rows, uri="file-9", load_id="1793577600.5")

    result = dbt("build", "--select", "+customer_view", "--exclude", "resource_type:unit_test")

    assert not result.success
    statuses = dbt.statuses(result)
    assert statuses["raw_billing_payments_has_landed_whole"] == "fail"
    assert statuses["stg_billing__payments"] == statuses["customer_view"] == "skipped"
    assert statuses["stg_usage__usage"] == "success"
    assert _marts(dbt) == before

    # the next run of ingest finishes what is whole, or clears it away
    with dbt.warehouse.connect() as connection:
        raw_tables.finish_load(connection, "billing", "1793577600.5")
    assert dbt("build", "--select", "int_payments__deduplicated+", "--exclude", "resource_type:unit_test").success
    assert _customers(dbt)["C1"]["balance_amount"] == Decimal("45.5000")


@pytest.mark.warehouse(template="town")
def test_the_reporting_day_can_be_chosen(dbt: Dbt) -> None:
    assert dbt("run", "--select", "int_reporting__as_of+", variables="as_of_on: '2026-10-15'").success
    customer = _customers(dbt)["C1"]
    assert customer["as_of_on"] == date(2026, 10, 15)
    # the thirty days that end on the fifteenth have the old text message, and not the call of the thirty-first
    assert customer["last_30_days_message_count"] == 3
    assert customer["last_30_days_voice_seconds"] == 0


@pytest.mark.warehouse(template="town")
def test_freshness_reads_the_time_of_the_load(dbt: Dbt) -> None:
    with dbt.warehouse.connect() as connection:
        for source, age in (("crm", 60), ("usage", 2 * 86_400)):
            load_id = f"{time() - age:.6f}"
            raw_tables.finish_load(connection, source, load_id)
            connection.execute(f"update raw_{source}._deliveries set _dlt_load_id = %s", (load_id,))
    result = dbt("source", "freshness", "--select", "source:crm._deliveries", "source:usage._deliveries")
    # the project's own hooks are among the results
    found = {each.node.source_name: each for each in result.result.results if each.node.resource_type == "source"}
    assert found["crm"].status == "pass"
    assert found["usage"].status == "warn"
    assert abs(found["crm"].max_loaded_at.timestamp() - (datetime.now(UTC).timestamp() - 60)) < 60
