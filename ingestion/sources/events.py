"""Events: what people do on the web site and in the app, from a stream: Kinesis or Kafka, as the settings say."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

from ingestion.contract import AtLeast, Between, Bits, Contract, MaxBytes, Numeric, Personal, RequiredWhen, Row
from ingestion.delivery import Resource, Source
from ingestion.formats.json import Json, same_names
from ingestion.transports.stream import Stream


class Event(Row, key="event_id"):
    """One thing that a device did."""

    event_id: Annotated[str, MaxBytes(64)]
    event_type: Literal[
        "page_view",
        "page_ping",
        "product_view",
        "search",
        "cart_add",
        "cart_remove",
        "cart_checkout",
        "order_placed",
        "recommendation_shown",
        "recommendation_clicked",
        "login",
        "support_opened",
        "custom",
    ]
    # what a site calls an event of its own
    event_name: Annotated[str, MaxBytes(100), RequiredWhen(event_type="custom")] | None
    schema_version: Annotated[str, MaxBytes(10)]
    site_id: Annotated[str, MaxBytes(64)] | None
    occurred_at: datetime
    sent_at: datetime | None
    received_at: datetime | None
    device_id: Annotated[str, MaxBytes(64), Personal("device")]
    customer_id: Annotated[str, MaxBytes(20), Personal("customer")] | None
    page_url: Annotated[str, MaxBytes(2000), Personal("text")] | None
    referrer: Annotated[str, MaxBytes(2000), Personal("text")] | None
    utm_source: Annotated[str, MaxBytes(100)] | None
    utm_medium: Annotated[str, MaxBytes(100)] | None
    utm_campaign: Annotated[str, MaxBytes(100)] | None
    product_offering_id: Annotated[str, MaxBytes(20)] | None
    order_id: Annotated[str, MaxBytes(40), Personal("web_order")] | None
    order_amount: Annotated[Decimal, Numeric(18, 4), AtLeast(0)] | None
    recommendation_id: Annotated[str, MaxBytes(64), Personal("recommendation")] | None
    search_term: Annotated[str, MaxBytes(200), Personal("text")] | None
    # of a page_ping: how long the page has been read since the ping before
    engaged_seconds: Annotated[int, Bits(32), Between(0, 3_600)] | None
    # truncated before it is sent: the last octet, or the last 80 bits, are zero
    ip: Annotated[str, MaxBytes(45)] | None
    user_agent: Annotated[str, MaxBytes(1000)] | None
    properties: Annotated[dict[str, Any], Personal("text")] | None


def source() -> Source:
    """The description of this source."""
    contract = Contract.of(Event)
    return Source(
        name="events",
        description="web and app events (a stream of JSON)",
        resources=(Resource("events", contract, "web and app events"),),
        transport=Stream(
            source="events",
            resource="events",
            format=Json(columns=same_names(*(column.name for column in contract.columns))),
        ),
    )
