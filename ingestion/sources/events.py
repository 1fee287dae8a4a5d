"""Events: what people do on the web site and in the app, from a Kinesis stream."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from ingestion.contract import Contract, MaxBytes, Row
from ingestion.delivery import Resource, Source
from ingestion.formats.json import Json, same_names
from ingestion.transports.kinesis import Kinesis


class Event(Row, key="event_id"):
    """One thing that a device did."""

    event_id: Annotated[str, MaxBytes(64)]
    event_type: Literal["page_view", "product_view", "search", "cart_add", "order_placed", "login", "support_opened"]
    schema_version: Annotated[str, MaxBytes(10)]
    occurred_at: datetime
    sent_at: datetime | None
    device_id: Annotated[str, MaxBytes(64)]
    customer_id: Annotated[str, MaxBytes(20)] | None
    page_url: Annotated[str, MaxBytes(2000)] | None
    referrer: Annotated[str, MaxBytes(2000)] | None
    utm_source: Annotated[str, MaxBytes(100)] | None
    utm_campaign: Annotated[str, MaxBytes(100)] | None
    product_offering_id: Annotated[str, MaxBytes(20)] | None
    search_term: Annotated[str, MaxBytes(200)] | None
    # truncated before it is sent: the last octet, or the last 80 bits, are zero
    ip: Annotated[str, MaxBytes(45)] | None
    user_agent: Annotated[str, MaxBytes(1000)] | None


def source() -> Source:
    """The description of this source."""
    contract = Contract.of(Event)
    return Source(
        name="events",
        description="web and app events (Kinesis, JSON)",
        resources=(Resource("events", contract, "web and app events"),),
        transport=Kinesis(
            source="events",
            resource="events",
            format=Json(columns=same_names(*(column.name for column in contract.columns))),
        ),
    )
