"""Orders, dunning, top-ups, surveys, recommendations and people by other keys: they agree with the rest of the data."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

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


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


# --- orders -----------------------------------------------------------------------------------------------


def test_products_came_and_went_by_orders(accepted: dict[str, list[Row]]) -> None:
    orders = {row["product_order_id"]: row for row in accepted["product_orders"]}
    states: dict[tuple[str, str], str] = {}
    for item in accepted["product_order_items"]:
        if item["product_id"]:
            states[item["product_id"], item["action"]] = orders[item["product_order_id"]]["state"]
    for product in accepted["products"]:
        placed = states[product["product_id"], "add"]
        if product["status"] == "cancelled":
            assert placed == "cancelled"
        elif product["status"] in ("created", "pendingActive"):
            assert placed in ("acknowledged", "inProgress")
        else:
            assert placed == "completed"
        ended = states.get((product["product_id"], "delete"))
        assert (ended == "completed") == (product["status"] == "terminated")
    assert {order["state"] for order in orders.values()} >= {"completed", "failed", "inProgress"}
    assert {item["action"] for item in accepted["product_order_items"]} >= {"add", "delete", "modify"}


def test_web_orders_are_those_that_the_web_shop_took(accepted: dict[str, list[Row]]) -> None:
    orders = {row["external_id"]: row for row in accepted["product_orders"] if row["external_id"]}
    assert {row["channel"] for row in orders.values()} == {"web"}
    items: dict[str, Decimal] = defaultdict(Decimal)
    for item in accepted["product_order_items"]:
        items[item["product_order_id"]] += amount(item["recurring_price_amount"] or 0)
        items[item["product_order_id"]] += amount(item["one_time_price_amount"] or 0)
    placed = [e for e in accepted["events"] if e["event_type"] == "order_placed" and "order_id" in e]
    for event in placed:
        order = orders[event["order_id"]]
        assert event.get("customer_id") == order["customer_id"]
        assert amount(event["order_amount"]) == items[order["product_order_id"]]
        assert event["occurred_at"][:19] == order["order_date"][:19]
    assert {event.get("customer_id") is None for event in placed} == {True, False}


# --- money ------------------------------------------------------------------------------------------------


def test_reminders_follow_those_who_have_not_paid(story: Story, accepted: dict[str, list[Row]]) -> None:
    bills = {row["bill_no"]: row for row in accepted["bills"]}
    for notice in accepted["dunning_notices"]:
        bill = bills[notice["bill_no"]]
        paid = [p for p in accepted["payments"] if p["bill_no"] == bill["bill_no"]]
        before = sum(amount(p["amount"]) for p in paid if p["payment_date"] < notice["notice_date"])
        assert bill["payment_due_date"] < notice["notice_date"]
        assert before < amount(bill["amount_due"])
    last = {row["customer_id"]: row["level"] for row in accepted["dunning_notices"]}
    assert last
    assert last == {c.customer_id: c.last_dunning_level for c in story.truth.customers.values() if c.last_dunning_level}


def test_who_tops_up_is_not_billed_for_usage(story: Story, accepted: dict[str, list[Row]]) -> None:
    prepaid = {row["product_id"] for row in accepted["products"] if row["product_offering_id"] == "PO-1007"}
    put: dict[str, Decimal] = defaultdict(Decimal)
    for row in accepted["top_ups"]:
        assert row["product_id"] in prepaid
        assert (row["voucher"] is not None) == (row["channel"] == "store")
        put[row["customer_id"]] += amount(row["amount"])
    assert put
    assert not [i for i in accepted["bill_items"] if i["product_id"] in prepaid]
    truth = {c.customer_id: Decimal(c.top_up_amount) for c in story.truth.customers.values()}
    assert {name: total for name, total in truth.items() if total} == put


def test_surveys_and_orders_are_told_of_each_customer(story: Story, accepted: dict[str, list[Row]]) -> None:
    answers = sorted(accepted["survey_responses"], key=lambda row: (row["responded_at"], row["survey_response_id"]))
    last = {row["customer_id"]: row["score"] for row in answers}
    ordered = Counter(row["customer_id"] for row in accepted["product_orders"])
    for customer_id, customer in story.truth.customers.items():
        assert customer.last_nps_score == last.get(customer_id)
        assert customer.product_order_count == ordered[customer_id]
    assert {row["survey"] for row in answers} == {"nps_relationship", "nps_support"}


# --- people -----------------------------------------------------------------------------------------------


def _plain(value: str) -> str:
    """An address or a number as CRM writes it."""
    value = value.strip().lower().replace(" ", "")
    return f"+358{value[1:]}" if value.startswith("0") else value


def test_what_names_nobody_is_hers_by_an_address_or_a_number_that_was_hers_then(
    story: Story, accepted: dict[str, list[Row]]
) -> None:
    unnamed = {
        row["party_interaction_id"]: (row, row["start_date_time"])
        for row in accepted["party_interactions"]
        if row["customer_id"] is None
    } | {
        row["product_order_id"]: (row, row["order_date"])
        for row in accepted["product_orders"]
        if row["customer_id"] is None
    }
    for person in story.truth.persons.values():
        for number in person.interaction_ids + person.guest_order_ids:
            row, moment = unnamed.pop(number)
            given = {_plain(row[column]) for column in ("email_address", "phone_number") if row[column]}
            hers = {
                way.value
                for way in person.emails + person.phones
                if way.valid_from <= moment and (way.valid_to is None or moment < way.valid_to)
            }
            assert given
            assert given <= hers
    # the rest are strangers
    known = {way.value for person in story.truth.persons.values() for way in person.emails + person.phones}
    assert unnamed
    for row, _ in unnamed.values():
        assert not {_plain(row[c]) for c in ("email_address", "phone_number") if row[c]} & known


def test_people_are_harder_to_tell_apart_than_their_numbers(story: Story) -> None:
    people, customers = story.truth.persons, story.truth.customers
    assert {c for person in people.values() for c in person.customer_ids} == set(customers)
    twice = [person for person in people.values() if len(person.customer_ids) > 1]
    assert any(len({customers[c].party_id for c in person.customer_ids}) > 1 for person in twice)
    emails: dict[str, list[str]] = defaultdict(list)
    phones: dict[str, list[tuple[str, str | None]]] = defaultdict(list)
    for person in people.values():
        for way in person.emails:
            emails[way.value].append(person.birth_date)
        for way in person.phones:
            phones[way.value].append((way.valid_from, way.valid_to))
    assert any(len(set(born)) > 1 for born in emails.values()), "a household's address"
    recycled = [sorted(spans) for spans in phones.values() if len(spans) > 1]
    assert recycled
    for old, new in recycled:
        assert old[1] is not None
        assert old[1] < new[0]
    for person in people.values():
        assert {device for c in person.customer_ids for device in customers[c].device_ids} <= set(person.device_ids)


# --- recommendations --------------------------------------------------------------------------------------


def test_what_became_of_recommendations(story: Story, accepted: dict[str, list[Row]]) -> None:
    recommended = {row["recommendation_id"]: row for row in accepted["product_recommendations"]}
    seen: dict[str, dict[str, list[datetime]]] = defaultdict(lambda: defaultdict(list))
    for event in accepted["events"]:
        if "recommendation_id" in event:
            seen[event["recommendation_id"]][event["event_type"]].append(_at(event["occurred_at"]))
    assert set(seen) == set(story.truth.recommendations)
    orders = {row["product_order_id"]: row for row in accepted["product_orders"]}
    bought: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    for item in accepted["product_order_items"]:
        order = orders[item["product_order_id"]]
        if item["action"] == "add":
            bought[order["customer_id"], item["product_offering_id"]].append(_at(order["order_date"]))
    for name, told in story.truth.recommendations.items():
        row, shown = recommended[name], sorted(seen[name]["recommendation_shown"])
        assert not row["is_holdout"]
        assert (told.shown_count, told.clicked_count) == (len(shown), len(seen[name]["recommendation_clicked"]))
        assert (told.customer_id, told.product_offering_id) == (row["customer_id"], row["product_offering_id"])
        first = shown[0].replace(microsecond=0)
        within = [t for t in bought[row["customer_id"], row["product_offering_id"]] if t <= first + timedelta(days=14)]
        taken = min((t for t in within if t >= first), default=None)
        assert (_at(told.ordered_at) if told.ordered_at else None) == taken
    assert any(told.ordered_at for told in story.truth.recommendations.values())
    assert any(row["is_holdout"] for row in recommended.values())
    assert len({row["model_version"] for row in recommended.values()}) == 2


def test_one_customer_gets_recommendations_without_consent_and_some_too_many(
    story: Story, accepted: dict[str, list[Row]]
) -> None:
    answers: dict[str, list[tuple[datetime, str]]] = defaultdict(list)
    for row in accepted["consents"]:
        if row["purpose"] == "profiling":
            answers[row["customer_id"]].append((_at(row["valid_from"]), row["status"]))
    unwilling = set()
    for row in accepted["product_recommendations"]:
        before = [answer for answer in answers[row["customer_id"]] if answer[0] <= _at(row["recommended_at"])]
        if not before or max(before)[1] != "granted":
            unwilling.add(row["customer_id"])
    assert len(unwilling) == 1
    assert {told.customer_id for told in story.truth.recommendations.values()} >= unwilling
    shown: dict[str, list[datetime]] = defaultdict(list)
    for event in accepted["events"]:
        if event["event_type"] == "recommendation_shown":
            shown[event["customer_id"]].append(_at(event["occurred_at"]))
    too_many = {
        customer_id
        for customer_id, times in shown.items()
        if any(sum(t <= other < t + timedelta(days=7) for other in times) > 5 for t in times)
    }
    assert too_many - unwilling


# --- traffic ----------------------------------------------------------------------------------------------


def test_two_versions_of_the_events_side_by_side(accepted: dict[str, list[Row]]) -> None:
    new = {"utm_medium", "order_id", "order_amount", "recommendation_id", "engaged_seconds"}
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    for event in accepted["events"]:
        kinds[event["schema_version"]][event["event_type"]] += 1
        if event["schema_version"] == "1-0-2":
            assert not new & set(event)
    assert set(kinds) == {"1-0-2", "1-1-0"}
    only_new = {"page_ping", "cart_remove", "cart_checkout", "recommendation_shown", "recommendation_clicked"}
    assert set(kinds["1-1-0"]) - set(kinds["1-0-2"]) == only_new
    assert all(e["engaged_seconds"] > 0 for e in accepted["events"] if e["event_type"] == "page_ping")


def test_crawlers_and_a_screen_are_nobody(accepted: dict[str, list[Row]]) -> None:
    crawled = [e for e in accepted["events"] if "bot" in e["user_agent"].lower()]
    assert len({e["user_agent"] for e in crawled}) == 2
    assert not [e for e in crawled if "customer_id" in e]
    by_device: dict[str, list[datetime]] = defaultdict(list)
    for event in accepted["events"]:
        by_device[event["device_id"]].append(_at(event["occurred_at"]))
    endless = []
    for device, times in by_device.items():
        times.sort()
        gaps = [later - earlier for earlier, later in pairwise(times)]
        if times[-1] - times[0] > timedelta(days=3) and max(gaps) < timedelta(minutes=30):
            endless.append(device)
    assert len(endless) == 1
    assert not [e for e in accepted["events"] if e["device_id"] in endless and "customer_id" in e]
