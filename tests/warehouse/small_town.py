"""A few customers with everything that can happen to one, small enough to work out by hand.

C1 has everything, with repeats, corrections and overlaps. C2 is the same person's other customership and has little.
C3 shares C1's device. C4 has nothing at all. Somebody writes, and somebody orders, without saying who he is.
"""

from __future__ import annotations

from typing import Any

import psycopg
from raw_tables import Row
from raw_tables import land as land_rows


def _customer(customer_id: str, **changes: Any) -> Row:
    return {
        "customer_id": customer_id,
        "engaged_party_id": f"P{customer_id[1:]}",
        "given_name": "Äiti",
        "family_name": "Öberg",
        "language": "fi",
        "status": "active",
        "customer_since": "2020-01-01",
        "last_update": "2026-10-01 00:00:00+00:00",
        **changes,
    }


def _medium(number: int, customer_id: str, kind: str, **changes: Any) -> Row:
    return {
        "contact_medium_id": f"M{number}",
        "customer_id": customer_id,
        "contact_type": kind,
        "preferred": True,
        "valid_from": "2026-01-01 00:00:00+00:00",
        "last_update": "2026-01-01 00:00:00+00:00",
        **changes,
    }


def _bill(bill_no: str, customer_id: str, billed_on: str, amount: str, due_on: str) -> Row:
    return {
        "bill_no": bill_no,
        "customer_id": customer_id,
        "customer_name": "Äiti Öberg",
        "bill_date": billed_on,
        "period_start": "2026-09-01",
        "period_end": "2026-09-30",
        "payment_due_date": due_on,
        "amount_due": amount,
        "tax_amount": "1.0000",
        "currency": "EUR",
        "state": "sent",
    }


def _payment(number: int, bill_no: str, customer_id: str, amount: str) -> Row:
    return {
        "payment_id": f"Y{number}",
        "bill_no": bill_no,
        "customer_id": customer_id,
        "payment_date": "2026-10-20",
        "amount": amount,
        "method": "card",
    }


def _product(number: int, customer_id: str, status: str, price: str | None) -> Row:
    return {
        "product_id": f"PR{number}",
        "customer_id": customer_id,
        "product_offering_id": "O1",
        "name": f"Mobile {number}",
        "status": status,
        "start_date": "2024-01-01 00:00:00+00:00",
        "msisdn": f"+35840{number}",
        "recurring_price_amount": price,
        "currency": "EUR",
    }


def _usage(number: int, product_id: str, used_at: str, kind: str, **measures: Any) -> Row:
    return {
        "usage_id": f"U{number}",
        "usage_date": used_at,
        "usage_type": kind,
        "product_id": product_id,
        "status": "rated",
        "rated_amount": "0.1000",
        "is_roaming": False,
        **measures,
    }


def _event(number: int, device_id: str, occurred_at: str, kind: str, **more: Any) -> Row:
    return {
        "event_id": f"E{number}",
        "event_type": kind,
        "schema_version": "1-0-2",
        "occurred_at": occurred_at,
        "device_id": device_id,
        "page_url": f"https://shop.example/{number}",
        "user_agent": "Mozilla/5.0 (iPhone) Mobile Safari",
        **more,
    }


def _order(number: int, state: str, **more: Any) -> Row:
    return {
        "product_order_id": f"R{number}",
        "order_date": "2026-10-21 10:00:00+00:00",
        "channel": "web",
        "state": state,
        "last_update": "2026-10-22 08:00:00+00:00",
        **more,
    }


def _item(order_number: int, number: int, action: str, **more: Any) -> Row:
    return {
        "product_order_item_id": f"R{order_number}-{number}",
        "product_order_id": f"R{order_number}",
        "item_number": number,
        "product_offering_id": "O1",
        "action": action,
        "quantity": 1,
        "currency": "EUR",
        **more,
    }


def _recommendation(number: int, customer_id: str, rank: int, **more: Any) -> Row:
    return {
        "recommendation_id": f"N{number}",
        "customer_id": customer_id,
        "product_offering_id": "O1",
        "model_version": "als-1",
        "placement": "my_pages",
        "item_rank": rank,
        "score": 0.5,
        "recommended_at": "2026-10-19 03:00:00+00:00",
        "is_holdout": False,
        **more,
    }


def _consent(number: int, purpose: str, status: str, day: str) -> Row:
    moment = f"2026-{day} 00:00:00+00:00"
    return {
        "consent_id": f"S{number}",
        "customer_id": "C1",
        "purpose": purpose,
        "status": status,
        "valid_from": moment,
        "last_update": moment,
    }


def _ticket(status: str, day: str) -> Row:
    return {
        "trouble_ticket_id": "K1",
        "customer_id": "C1",
        "name": "No network",
        "severity": "major",
        "status": status,
        "channel": "phone",
        "creation_date": "2026-10-20 08:00:00+00:00",
        "last_update": f"2026-{day} 00:00:00+00:00",
    }


def _land_orders(connection: psycopg.Connection[Any]) -> None:
    # R1 ends one product and starts another, R2 was never fulfilled, R3 is a guest's who has C1's address
    orders = [
        _order(1, "completed", customer_id="C1", completion_date="2026-10-22 08:00:00+00:00", external_id="W1"),
        _order(2, "cancelled", customer_id="C2", channel="phone"),
        _order(3, "acknowledged", email_address="Early@X.example", phone_number="0401"),
    ]
    land_rows(connection, "orders", "product_orders", orders)
    items = [
        _item(1, 1, "delete", product_id="PR3", recurring_price_amount="9.9000"),
        _item(1, 2, "add", product_id="PR1", recurring_price_amount="29.9000"),
        _item(2, 1, "add", recurring_price_amount="9.9000"),
        _item(3, 1, "add", quantity=2, one_time_price_amount="129.0000"),
    ]
    land_rows(connection, "orders", "product_order_items", items)


def _land_reminders_and_top_ups(connection: psycopg.Connection[Any]) -> None:
    # for B1, of which a part is still owed; the second letter comes twice
    notice = {"dunning_notice_id": "L1", "customer_id": "C1", "bill_no": "B1", "fee_amount": "5.0000"}
    second_notice = {**notice, "dunning_notice_id": "L2", "notice_date": "2026-10-04", "level": 2}
    notices = [{**notice, "notice_date": "2026-09-20", "level": 1}, second_notice, second_notice]
    land_rows(connection, "billing", "dunning_notices", notices)
    top_up = {"top_up_id": "G1", "customer_id": "C1", "product_id": "PR2", "amount": "20.0000", "channel": "store"}
    top_ups = [{**top_up, "top_up_date": "2026-10-11 12:00:00+00:00", "voucher": "9911"}] * 2
    land_rows(connection, "billing", "top_ups", top_ups)


def _land_answers_and_recommendations(connection: psycopg.Connection[Any]) -> None:
    response = {
        "survey_response_id": "V1",
        "customer_id": "C1",
        "survey": "nps_support",
        "score": 3,
        "comment": "Took long",
        "channel": "sms",
        "responded_at": "2026-10-19 12:00:00+00:00",
        "related_party_interaction_id": "T1",
    }
    relationship = {**response, "survey_response_id": "V2", "customer_id": "C2", "survey": "nps_relationship"}
    relationship |= {"score": 9, "comment": None, "related_party_interaction_id": None}
    land_rows(connection, "contacts", "survey_responses", [response, response, relationship])

    # C1 has withdrawn her consent to profiling, and C2 is in the control group
    recommended = [
        _recommendation(1, "C1", 1),
        _recommendation(2, "C2", 1, is_holdout=True),
        _recommendation(3, "C3", 1),
        _recommendation(4, "C3", 2, score=0.25),
    ]
    land_rows(connection, "recommendations", "product_recommendations", [*recommended, recommended[0]])


def land(connection: psycopg.Connection[Any]) -> None:
    """Land the town, finished loads all of it, and commit."""
    customers = [
        _customer("C1", family_name="Old", last_update="2026-09-01 00:00:00+00:00"),
        # 01:30 in Helsinki is still the day before in UTC
        _customer("C1", last_update="2026-10-02 01:30:00+03:00"),
        _customer("C1", last_update="2026-10-02 01:30:00+03:00"),
        _customer("C2", engaged_party_id="P1", status="suspended"),
        _customer("C3"),
        _customer("C4", given_name=None, status="prospective"),
    ]
    land_rows(connection, "crm", "customers", customers)
    media = [
        _medium(1, "C1", "email", email_address="early@x.example"),
        _medium(2, "C1", "email", email_address="late@x.example", valid_from="2026-02-01 00:00:00+00:00"),
        _medium(3, "C1", "phone", phone_number="+358401"),
        _medium(4, "C1", "postal_address", street1="Katu 1", city="Oulu", post_code="90100", country="FI"),
        _medium(5, "C3", "email", email_address="gone@x.example", valid_to="2026-03-01 00:00:00+00:00"),
    ]
    land_rows(connection, "crm", "contact_media", media)
    consents = [
        _consent(1, "marketing_email", "granted", "01-01"),
        _consent(2, "profiling", "granted", "01-01"),
        _consent(3, "profiling", "withdrawn", "02-01"),
    ]
    land_rows(connection, "crm", "consents", consents)

    # B1 comes twice, B2 is corrected by a second delivery of its file that lost its first one's rows to it
    land_rows(connection, "billing", "bills", [_bill("B1", "C1", "2026-09-01", "30.0000", "2026-09-15")] * 2)
    second = [_bill("B2", "C1", "2026-10-01", "45.5000", "2026-11-15")]
    land_rows(connection, "billing", "bills", second, uri="file-2")
    third = [_bill("B3", "C2", "2026-10-01", "10.0000", "2026-10-15")]
    land_rows(connection, "billing", "bills", third, uri="file-3")
    items = [
        {"bill_item_id": "I1", "bill_no": "B1", "charge_type": "recurring", "quantity": 1, "amount": "32.0000"},
        {"bill_item_id": "I2", "bill_no": "B1", "charge_type": "discount", "quantity": 1, "amount": "-2.0000"},
    ]
    land_rows(connection, "billing", "bill_items", items)
    # in part, twice the same line; and for a bill that never landed
    payments = [
        _payment(1, "B1", "C1", "20.0000"),
        _payment(1, "B1", "C1", "20.0000"),
        _payment(2, "B9", "C3", "5.0000"),
    ]
    land_rows(connection, "billing", "payments", payments)

    offering = {
        "product_offering_id": "O1",
        "name": "Mobile",
        "category": "mobile",
        "lifecycle_status": "active",
        "is_bundle": False,
        "valid_from": "2024-01-01 00:00:00+00:00",
        "last_update": "2026-01-01 00:00:00+00:00",
    }
    land_rows(connection, "catalog", "product_offerings", [offering])
    products = [
        _product(1, "C1", "active", "29.9000"),
        _product(2, "C1", "active", None),
        _product(3, "C1", "terminated", "9.9000"),
        _product(4, "C2", "suspended", "9.9000"),
    ]
    land_rows(connection, "catalog", "products", products)

    usage = [
        _usage(1, "PR1", "2026-10-31 23:59:59.999+00:00", "voice", duration_seconds=60),
        _usage(1, "PR1", "2026-10-31 23:59:59.999+00:00", "voice", duration_seconds=60),
        _usage(2, "PR1", "2026-10-02 00:00:00+00:00", "data", data_bytes=5_000_000_000),
        _usage(3, "PR1", "2026-10-01 23:59:59+00:00", "sms", message_count=1),  # a day too old
        _usage(4, "PR3", "2026-10-15 00:00:00+00:00", "sms", message_count=2),  # of a product that has ended since
        _usage(5, "PR9", "2026-10-15 00:00:00+00:00", "voice", duration_seconds=7),  # nobody's
        # received and rated later, by another archive; and received only
        _usage(6, "PR4", "2026-10-16 00:00:00+00:00", "sms", message_count=4, status="received", rated_amount=None),
        _usage(7, "PR4", "2026-10-16 00:00:00+00:00", "sms", message_count=8, status="received", rated_amount=None),
    ]
    land_rows(connection, "usage", "usage", usage)
    rated = [_usage(6, "PR4", "2026-10-16 00:00:00+00:00", "sms", message_count=4)]
    land_rows(connection, "usage", "usage", rated, uri="file-2")

    interaction = {
        "party_interaction_id": "T1",
        "customer_id": "C1",
        "direction": "inbound",
        "channel": "chat",
        "reason": "bill",
        "start_date_time": "2026-10-19 10:00:00+00:00",
    }
    stranger = {**interaction, "party_interaction_id": "T2", "customer_id": None, "phone_number": "040 1"}
    land_rows(connection, "contacts", "party_interactions", [interaction, interaction, stranger])
    land_rows(
        connection,
        "contacts",
        "trouble_tickets",
        [_ticket("acknowledged", "10-20"), _ticket("inProgress", "10-21")],
    )

    events = [
        _event(1, "D1", "2026-10-21 10:00:00+00:00", "page_view"),
        _event(2, "D1", "2026-10-21 10:30:00+00:00", "login", customer_id="C1"),  # thirty minutes: the same visit
        _event(2, "D1", "2026-10-21 10:30:00+00:00", "login", customer_id="C1"),
        _event(3, "D1", "2026-10-21 11:00:00.001+00:00", "page_view"),  # a millisecond more: the next, nobody's
        _event(4, "D1", "2026-10-22 10:00:00+00:00", "login", customer_id="C3"),
    ]
    land_rows(connection, "events", "events", events)

    churn = {"partner": "Yes", "dependents": "No", "senior_citizen": 0, "phone_service": "Yes", "contract": "One year"}
    churn |= {"paperless_billing": "Yes", "monthly_charges": "20.0"}
    churners = [
        {**churn, "customer_id": "A", "tenure": 12, "total_charges": "240.0", "churn": "Yes"},
        {**churn, "customer_id": "B", "tenure": 0, "churn": "No"},
    ]
    land_rows(connection, "files", "telco_customer_churn", churners)
    line = {"user_id": 7, "date": "15-10-2014 6:58", "duration": "34.429", "item": "data", "month": "2014-11"}
    land_rows(connection, "files", "phone_data", [{**line, "total_cost": "2.09"}])
    _land_orders(connection)
    _land_reminders_and_top_ups(connection)
    _land_answers_and_recommendations(connection)
    connection.commit()
