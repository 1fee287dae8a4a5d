"""The truth about the customers is what follows from the rows a consumer accepts."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from operator_clients import Row, amount
from operator_contracts import is_good
from operator_story import Story


@pytest.fixture(scope="module")
def accepted(story: Story) -> dict[str, list[Row]]:
    """Good rows, each once, as they stand after both mornings."""
    found: dict[str, dict[str, Row]] = defaultdict(dict)
    for batch in story.restarted.batches:
        for row in batch.rows:
            if row is not None and is_good(batch.resource, row):
                found[batch.resource].setdefault(repr(row), row)
    return {resource: list(rows.values()) for resource, rows in found.items()}


def test_balances_and_last_bills(story: Story, accepted: dict[str, list[Row]]) -> None:
    balance: dict[str, Decimal] = defaultdict(Decimal)
    last: dict[str, tuple[str, str]] = {}
    for bill in accepted["bills"]:
        balance[bill["customer_id"]] += amount(bill["amount_due"])
        last[bill["customer_id"]] = max(last.get(bill["customer_id"], ("", "")), (bill["bill_date"], bill["bill_no"]))
    for payment in accepted["payments"]:
        balance[payment["customer_id"]] -= amount(payment["amount"])
    for customer_id, customer in story.truth.customers.items():
        assert Decimal(customer.balance_amount) == balance[customer_id]
        assert customer.last_bill_no == last.get(customer_id, (None, None))[1]
    assert any(Decimal(c.balance_amount) > 0 for c in story.truth.customers.values())


def test_bills_are_the_sum_of_their_items(accepted: dict[str, list[Row]]) -> None:
    items: dict[str, Decimal] = defaultdict(Decimal)
    for item in accepted["bill_items"]:
        items[item["bill_no"]] += amount(item["amount"])
    assert items == {bill["bill_no"]: amount(bill["amount_due"]) for bill in accepted["bills"]}
    for bill in accepted["bills"]:
        net = amount(bill["amount_due"]) - amount(bill["tax_amount"])
        assert abs(net * Decimal("0.255") - amount(bill["tax_amount"])) < Decimal("0.01")


def test_everything_refers_to_something(accepted: dict[str, list[Row]]) -> None:
    customers = {row["customer_id"] for row in accepted["customers"]}
    products = {row["product_id"] for row in accepted["products"]}
    bills = {row["bill_no"]: row["customer_id"] for row in accepted["bills"]}
    offerings = {row["product_offering_id"] for row in accepted["product_offerings"]}
    resources = ("contact_media", "consents", "bills", "products", "trouble_tickets", "survey_responses", "top_ups")
    for resource in (*resources, "dunning_notices", "product_recommendations"):
        assert {row["customer_id"] for row in accepted[resource]} <= customers
    for resource in ("party_interactions", "product_orders"):
        named = {row["customer_id"] for row in accepted[resource]}
        assert None in named
        assert named - {None} <= customers
    assert {row["product_id"] for row in accepted["usage"]} <= products
    assert {row["product_id"] for row in accepted["bill_items"] if row["product_id"]} <= products
    assert {row["product_offering_id"] for row in accepted["products"]} <= offerings
    assert all(bills[row["bill_no"]] == row["customer_id"] for row in accepted["payments"])
    assert {e["customer_id"] for e in accepted["events"] if "customer_id" in e} <= customers
    assert {row["product_id"] for row in accepted["top_ups"]} <= products
    assert all(bills[row["bill_no"]] == row["customer_id"] for row in accepted["dunning_notices"])
    interactions = {row["party_interaction_id"] for row in accepted["party_interactions"]}
    assert {row["related_party_interaction_id"] for row in accepted["survey_responses"]} - {None} <= interactions
    recommendations = {row["recommendation_id"]: row["customer_id"] for row in accepted["product_recommendations"]}
    seen = [e for e in accepted["events"] if "recommendation_id" in e]
    assert all(recommendations[e["recommendation_id"]] == e["customer_id"] for e in seen)
    for resource, key in (
        ("products", "product_id"),
        ("bills", "bill_no"),
        ("product_orders", "product_order_id"),
        ("product_order_items", "product_order_item_id"),
        ("product_recommendations", "recommendation_id"),
    ):
        ids = [row[key] for row in accepted[resource]]
        assert len(ids) == len(set(ids))


def test_usage_of_the_last_30_days(story: Story, accepted: dict[str, list[Row]]) -> None:
    owner = {row["product_id"]: row["customer_id"] for row in accepted["products"]}
    since = (datetime(2026, 10, 31, tzinfo=UTC) - timedelta(days=29)).isoformat()
    sums: dict[str, Counter] = defaultdict(Counter)
    statuses: dict[str, set[str]] = defaultdict(set)
    for row in accepted["usage"]:
        statuses[row["usage_id"]].add(row["status"])
    kinds = Counter(tuple(sorted(found)) for found in statuses.values())
    assert set(kinds) == {("rated",), ("rated", "received"), ("received",)}
    for row in accepted["usage"]:
        if row["status"] == "received" and "rated" in statuses[row["usage_id"]]:
            continue
        if row["usage_date"] >= since:
            for column in ("data_bytes", "duration_seconds", "message_count", "rated_amount"):
                sums[owner[row["product_id"]]][column] += row[column] or 0
    for customer_id, customer in story.truth.customers.items():
        used = customer.usage_30d
        mine = sums[customer_id]
        assert (used.data_bytes, used.duration_seconds, used.message_count) == (
            mine["data_bytes"],
            mine["duration_seconds"],
            mine["message_count"],
        )
        assert Decimal(used.rated_amount) == mine["rated_amount"]
    assert any(Decimal(c.usage_30d.rated_amount) > 0 for c in story.truth.customers.values())


def test_customer_attributes(story: Story, accepted: dict[str, list[Row]]) -> None:
    latest = {}
    for row in sorted(accepted["customers"], key=lambda row: row["last_update"]):
        latest[row["customer_id"]] = row
    assert {c: (row["status"], row["engaged_party_id"]) for c, row in latest.items()} == {
        c.customer_id: (c.status, c.party_id) for c in story.truth.customers.values()
    }
    consents: dict[str, dict[str, str]] = defaultdict(dict)
    for row in sorted(accepted["consents"], key=lambda row: row["last_update"]):
        consents[row["customer_id"]][row["purpose"]] = row["status"]
    media = {}
    for row in sorted(accepted["contact_media"], key=lambda row: row["last_update"]):
        media[row["contact_medium_id"]] = row
    active = Counter(row["customer_id"] for row in accepted["products"] if row["status"] == "active")
    talked: dict[str, str] = {}
    for row in accepted["party_interactions"]:
        if row["customer_id"] is None:
            continue
        talked[row["customer_id"]] = max(talked.get(row["customer_id"], ""), row["start_date_time"])
    for customer_id, customer in story.truth.customers.items():
        mine = [m for m in media.values() if m["customer_id"] == customer_id and m["valid_to"] is None]
        emails = [m for m in mine if m["contact_type"] == "email"]
        assert customer.email_addresses == sorted(m["email_address"] for m in emails)
        assert [m["email_address"] for m in emails if m["preferred"]] == [
            e for e in [customer.preferred_email] if e is not None
        ]
        phones = [m["phone_number"] for m in mine if m["preferred"] and m["contact_type"] == "phone"]
        assert phones == [p for p in [customer.preferred_phone] if p is not None]
        assert customer.consents == consents[customer_id]
        assert customer.active_product_count == active[customer_id]
        assert customer.last_interaction_at == talked.get(customer_id)


def test_sessions_and_devices(story: Story, accepted: dict[str, list[Row]]) -> None:
    devices: dict[str, set[str]] = defaultdict(set)
    sessions: dict[str, tuple[datetime, datetime]] = {}
    by_device: dict[str, list[Row]] = defaultdict(list)
    for event in sorted(accepted["events"], key=lambda e: e["occurred_at"]):
        by_device[event["device_id"]].append(event)
    for device, events in by_device.items():
        session: list[Row] = []
        for event in [*events, None]:
            at = datetime.fromisoformat(event["occurred_at"]) if event else None
            if session and (
                at is None or at - datetime.fromisoformat(session[-1]["occurred_at"]) > timedelta(minutes=30)
            ):
                known = {e["customer_id"] for e in session if "customer_id" in e}
                assert len(known) <= 1
                for customer_id in known:
                    devices[customer_id].add(device)
                    span = (
                        datetime.fromisoformat(session[0]["occurred_at"]),
                        datetime.fromisoformat(session[-1]["occurred_at"]),
                    )
                    sessions[customer_id] = max(span, sessions.get(customer_id, span))
                session = []
            if event:
                session.append(event)
    for customer_id, customer in story.truth.customers.items():
        assert customer.device_ids == sorted(devices[customer_id])
        expected = sessions.get(customer_id)
        given = (customer.last_session_at, customer.last_session_ended_at)
        assert tuple(datetime.fromisoformat(t) for t in given if t) == (expected or ())


def test_the_second_morning_has_something_to_tell(story: Story) -> None:
    assert story.second.as_of - story.first.as_of == timedelta(days=1)
    statuses = {row["status"] for row in story.second.crm[0].rows if row}
    assert {"active", "terminated"} <= statuses
    for before, after in zip(story.first.catalog, story.second.catalog, strict=True):
        assert before.version != after.version
    old = {row["product_id"]: row["status"] for row in story.first.catalog[1].rows}
    new = {row["product_id"]: row["status"] for row in story.second.catalog[1].rows}
    assert {(old.get(key), status) for key, status in new.items() if old.get(key) != status} >= {
        ("pendingActive", "active"),
        ("pendingTerminate", "terminated"),
    }
    assert None in {old.get(key) for key in new}
