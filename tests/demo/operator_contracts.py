"""What a good row is, written down a second time and on its own: the truth about malformed rows is held against it."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

TEXT, DATE, TIME, NUMBER, COUNT, BOOL, POSITIVE = "text", "date", "time", "number", "count", "bool", "positive"
NAMED = ("customer_id", "email_address", "phone_number")

# Column -> (what it holds: a name above or the values allowed, whether it must be there).
CONTRACTS: dict[str, dict[str, tuple[Any, bool]]] = {
    "customers": {
        "customer_id": (TEXT, True),
        "engaged_party_id": (TEXT, True),
        "family_name": (TEXT, True),
        "birth_date": (DATE, False),
        "status": ({"prospective", "active", "suspended", "terminated"}, True),
        "customer_since": (DATE, True),
        "last_update": (TIME, True),
    },
    "contact_media": {
        "contact_medium_id": (TEXT, True),
        "customer_id": (TEXT, True),
        "contact_type": ({"email", "phone", "postal_address"}, True),
        "preferred": (BOOL, False),
        "valid_from": (TIME, True),
        "valid_to": (TIME, False),
        "last_update": (TIME, True),
    },
    "consents": {
        "consent_id": (TEXT, True),
        "customer_id": (TEXT, True),
        "purpose": ({"marketing_email", "marketing_sms", "profiling", "data_sharing"}, True),
        "status": ({"granted", "withdrawn"}, True),
        "valid_from": (TIME, True),
        "last_update": (TIME, True),
    },
    "bills": {
        "bill_no": (TEXT, True),
        "customer_id": (TEXT, True),
        "bill_date": (DATE, True),
        "period_start": (DATE, True),
        "period_end": (DATE, True),
        "payment_due_date": (DATE, True),
        "amount_due": (NUMBER, True),
        "tax_amount": (NUMBER, True),
        "currency": (TEXT, True),
        "state": ({"sent"}, True),
    },
    "bill_items": {
        "bill_item_id": (TEXT, True),
        "bill_no": (TEXT, True),
        "charge_type": ({"recurring", "usage", "one_off", "discount"}, True),
        "quantity": (NUMBER, True),
        "amount": (NUMBER, True),
    },
    "payments": {
        "payment_id": (TEXT, True),
        "bill_no": (TEXT, True),
        "customer_id": (TEXT, True),
        "payment_date": (DATE, True),
        "amount": (NUMBER, True),
        "method": ({"e_invoice", "direct_debit", "card", "transfer"}, True),
    },
    "dunning_notices": {
        "dunning_notice_id": (TEXT, True),
        "customer_id": (TEXT, True),
        "bill_no": (TEXT, True),
        "notice_date": (DATE, True),
        "level": ({1, 2, 3}, True),
        "fee_amount": (POSITIVE, True),
    },
    "top_ups": {
        "top_up_id": (TEXT, True),
        "customer_id": (TEXT, True),
        "product_id": (TEXT, True),
        "top_up_date": (TIME, True),
        "amount": (POSITIVE, True),
        "channel": ({"web", "app", "store", "sms"}, True),
    },
    "product_orders": {
        "product_order_id": (TEXT, True),
        "order_date": (TIME, True),
        "channel": ({"web", "app", "store", "phone"}, True),
        "state": ({"acknowledged", "inProgress", "completed", "cancelled", "failed"}, True),
        "completion_date": (TIME, False),
        "last_update": (TIME, True),
    },
    "product_order_items": {
        "product_order_item_id": (TEXT, True),
        "product_order_id": (TEXT, True),
        "product_offering_id": (TEXT, True),
        "action": ({"add", "modify", "delete", "noChange"}, True),
        "quantity": (POSITIVE, True),
        "recurring_price_amount": (NUMBER, False),
        "one_time_price_amount": (NUMBER, False),
    },
    "product_recommendations": {
        "recommendation_id": (TEXT, True),
        "customer_id": (TEXT, True),
        "product_offering_id": (TEXT, True),
        "model_version": (TEXT, True),
        "placement": ({"web_home", "my_pages", "email", "agent_desktop"}, True),
        "item_rank": ({1, 2}, True),
        "score": (NUMBER, True),
        "recommended_at": (TIME, True),
        "is_holdout": (BOOL, True),
    },
    "product_offerings": {
        "product_offering_id": (TEXT, True),
        "name": (TEXT, True),
        "category": ({"mobile", "broadband", "tv", "device", "add_on"}, True),
        "lifecycle_status": ({"active", "retired"}, True),
        "is_bundle": (BOOL, True),
        "valid_from": (TIME, True),
        "valid_to": (TIME, False),
        "recurring_price_amount": (NUMBER, False),
        "one_time_price_amount": (NUMBER, False),
        "last_update": (TIME, True),
    },
    "products": {
        "product_id": (TEXT, True),
        "customer_id": (TEXT, True),
        "product_offering_id": (TEXT, True),
        "name": (TEXT, True),
        "status": (
            {
                "created",
                "pendingActive",
                "cancelled",
                "active",
                "pendingTerminate",
                "terminated",
                "suspended",
                "aborted",
            },
            True,
        ),
        "start_date": (TIME, True),
        "termination_date": (TIME, False),
        "recurring_price_amount": (NUMBER, False),
    },
    "usage": {
        "usage_id": (TEXT, True),
        "usage_date": (TIME, True),
        "usage_type": ({"voice", "sms", "data"}, True),
        "product_id": (TEXT, True),
        "status": ({"received", "rated"}, True),
        "duration_seconds": (COUNT, False),
        "data_bytes": (COUNT, False),
        "message_count": (COUNT, False),
        "rated_amount": (POSITIVE, False),
        "is_roaming": (BOOL, True),
    },
    "party_interactions": {
        "party_interaction_id": (TEXT, True),
        "direction": ({"inbound", "outbound"}, True),
        "channel": ({"phone", "chat", "email", "store"}, True),
        "start_date_time": (TIME, True),
        "end_date_time": (TIME, False),
    },
    "survey_responses": {
        "survey_response_id": (TEXT, True),
        "customer_id": (TEXT, True),
        "survey": ({"nps_relationship", "nps_support"}, True),
        "score": (set(range(11)), True),
        "channel": ({"email", "sms", "web", "app"}, True),
        "responded_at": (TIME, True),
    },
    "trouble_tickets": {
        "trouble_ticket_id": (TEXT, True),
        "customer_id": (TEXT, True),
        "severity": ({"minor", "major", "critical"}, True),
        "status": ({"acknowledged", "inProgress", "resolved", "closed"}, True),
        "creation_date": (TIME, True),
        "resolution_date": (TIME, False),
        "last_update": (TIME, True),
    },
    "events": {
        "event_id": (TEXT, True),
        "event_type": (TEXT, True),
        "schema_version": (TEXT, True),
        "occurred_at": (TIME, True),
        "sent_at": (TIME, False),
        "device_id": (TEXT, True),
    },
}


def is_good(resource: str, row: dict[str, Any] | None) -> bool:
    """Whether a row keeps the contract of its resource; one that could not be parsed does not."""
    if row is None:
        return False
    if resource in ("product_orders", "party_interactions") and not any(row.get(column) for column in NAMED):
        return False
    if resource == "usage" and row.get("status") == "rated" and row.get("rated_amount") is None:
        return False
    return all(_fits(row.get(column), kind, needed) for column, (kind, needed) in CONTRACTS[resource].items())


def _fits(value: Any, kind: Any, needed: bool) -> bool:
    if value is None or value == "":
        return not needed
    if isinstance(kind, set):
        return value in kind
    try:
        return _is_a(value, kind)
    except (ValueError, InvalidOperation):
        return False


def _is_a(value: Any, kind: str) -> bool:
    if kind == DATE:
        date.fromisoformat(value)
    elif kind == TIME and not isinstance(value, datetime):
        return datetime.fromisoformat(value).tzinfo is not None
    elif kind == NUMBER:
        Decimal(str(value))
    elif kind == POSITIVE:
        return Decimal(str(value)) >= 0
    elif kind == COUNT:
        return isinstance(value, int) and value >= 0
    elif kind == BOOL:
        return isinstance(value, bool)
    return True
