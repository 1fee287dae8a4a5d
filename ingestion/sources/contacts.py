"""Contacts: party interactions (TMF683) and trouble tickets (TMF621), from JSON lines that S3 announces."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from ingestion.contract import AtLeast, Contract, Field, MaxBytes, Row
from ingestion.delivery import Resource, Source
from ingestion.formats.json import Json
from ingestion.transports.s3_events import S3Events, S3Objects


class PartyInteraction(Row, key="party_interaction_id"):
    """A contact between a customer and the operator."""

    party_interaction_id: Annotated[str, MaxBytes(20)]
    customer_id: Annotated[str, MaxBytes(20)]
    direction: Literal["inbound", "outbound"]
    channel: Literal["phone", "chat", "email", "store"]
    reason: Annotated[str, MaxBytes(100)] | None
    status: Annotated[str, MaxBytes(30)] | None
    start_date_time: datetime
    end_date_time: Annotated[datetime, AtLeast(Field("start_date_time"))] | None
    description: Annotated[str, MaxBytes(4000)] | None


class TroubleTicket(Row, key=("trouble_ticket_id", "last_update")):
    """A version of a trouble ticket; it is sent again whenever it has changed."""

    trouble_ticket_id: Annotated[str, MaxBytes(20)]
    customer_id: Annotated[str, MaxBytes(20)]
    name: Annotated[str, MaxBytes(200)] | None
    ticket_type: Annotated[str, MaxBytes(50)] | None
    severity: Literal["minor", "major", "critical"]
    status: Literal["acknowledged", "inProgress", "resolved", "closed"]
    channel: Annotated[str, MaxBytes(20)] | None
    creation_date: datetime
    resolution_date: Annotated[datetime, AtLeast(Field("creation_date"))] | None
    last_update: datetime


CUSTOMER = "relatedParty[?role=='customer'] | [0].id"

INTERACTION = Json(
    columns={
        "party_interaction_id": "id",
        "customer_id": CUSTOMER,
        "direction": "direction",
        "channel": "channel[0].name",
        "reason": "reason",
        "status": "status",
        "start_date_time": "interactionDate.startDateTime",
        "end_date_time": "interactionDate.endDateTime",
        "description": "description",
    },
)
TICKET = Json(
    columns={
        "trouble_ticket_id": "id",
        "customer_id": CUSTOMER,
        "name": "name",
        "ticket_type": "ticketType",
        "severity": "severity",
        "status": "status",
        "channel": "channel.name",
        "creation_date": "creationDate",
        "resolution_date": "resolutionDate",
        "last_update": "lastUpdate",
    },
)


def source() -> Source:
    """The description of this source."""
    return Source(
        name="contacts",
        description="party interactions and trouble tickets (S3 events on SQS, JSON lines)",
        resources=(
            Resource("party_interactions", Contract.of(PartyInteraction), "contacts with customers"),
            Resource("trouble_tickets", Contract.of(TroubleTicket), "versions of trouble tickets"),
        ),
        transport=S3Events(
            source="contacts",
            objects={
                "party_interactions": S3Objects("interactions/", INTERACTION),
                "trouble_tickets": S3Objects("tickets/", TICKET),
            },
        ),
    )
