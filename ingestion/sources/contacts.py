"""Contacts: party interactions (TMF683), trouble tickets (TMF621), surveys, from JSON lines that S3 announces."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

import pyarrow.compute as pc

from ingestion.contract import AtLeast, Between, Bits, Contract, Field, MaxBytes, Personal, Row, Rule
from ingestion.delivery import Resource, Source
from ingestion.formats.json import Json
from ingestion.transports.s3_events import S3Events, S3Objects

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa


def _has_party(interaction: Mapping[str, pa.Array]) -> pa.Array:
    """A customer, or the address or number that somebody wrote or called from."""
    unnamed = pc.or_(pc.is_valid(interaction["email_address"]), pc.is_valid(interaction["phone_number"]))
    return pc.or_(pc.is_valid(interaction["customer_id"]), unnamed)


class PartyInteraction(
    Row, key="party_interaction_id", rules=[Rule("somebody_is_named", "nobody is named who it was with", _has_party)]
):
    """A contact between a customer and the operator; of a customer whom nobody looked up, only where it came from."""

    party_interaction_id: Annotated[str, MaxBytes(20), Personal("interaction")]
    customer_id: Annotated[str, MaxBytes(20), Personal("customer")] | None
    email_address: Annotated[str, MaxBytes(320), Personal("email")] | None
    phone_number: Annotated[str, MaxBytes(32), Personal("phone")] | None
    direction: Literal["inbound", "outbound"]
    channel: Literal["phone", "chat", "email", "store"]
    reason: Annotated[str, MaxBytes(100)] | None
    status: Annotated[str, MaxBytes(30)] | None
    start_date_time: datetime
    end_date_time: Annotated[datetime, AtLeast(Field("start_date_time"))] | None
    description: Annotated[str, MaxBytes(4000), Personal("text")] | None


class TroubleTicket(Row, key=("trouble_ticket_id", "last_update")):
    """A version of a trouble ticket; it is sent again whenever it has changed."""

    trouble_ticket_id: Annotated[str, MaxBytes(20)]
    customer_id: Annotated[str, MaxBytes(20), Personal("customer")]
    name: Annotated[str, MaxBytes(200), Personal("text")] | None
    ticket_type: Annotated[str, MaxBytes(50)] | None
    severity: Literal["minor", "major", "critical"]
    status: Literal["acknowledged", "inProgress", "resolved", "closed"]
    channel: Annotated[str, MaxBytes(20)] | None
    creation_date: datetime
    resolution_date: Annotated[datetime, AtLeast(Field("creation_date"))] | None
    last_update: datetime


class SurveyResponse(Row, key="survey_response_id"):
    """How likely a customer is to recommend us, asked now and then or after a contact."""

    survey_response_id: Annotated[str, MaxBytes(20)]
    customer_id: Annotated[str, MaxBytes(20), Personal("customer")]
    survey: Literal["nps_relationship", "nps_support"]
    score: Annotated[int, Bits(16), Between(0, 10)]
    comment: Annotated[str, MaxBytes(4000), Personal("text")] | None
    channel: Literal["email", "sms", "web", "app"]
    responded_at: datetime
    related_party_interaction_id: Annotated[str, MaxBytes(20), Personal("interaction")] | None


CUSTOMER = "relatedParty[?role=='customer'] | [0].id"

INTERACTION = Json(
    columns={
        "party_interaction_id": "id",
        "customer_id": CUSTOMER,
        "email_address": "relatedContactInformation[?contactType=='email'] | [0].emailAddress",
        "phone_number": "relatedContactInformation[?contactType=='phone'] | [0].phoneNumber",
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
RESPONSE = Json(
    columns={
        "survey_response_id": "id",
        "customer_id": CUSTOMER,
        "survey": "survey",
        "score": "score",
        "comment": "comment",
        "channel": "channel.name",
        "responded_at": "responseDate",
        "related_party_interaction_id": "relatedPartyInteraction.id",
    },
)


def source() -> Source:
    """The description of this source."""
    return Source(
        name="contacts",
        description="party interactions, tickets and surveys (S3 events on SQS, JSON lines)",
        resources=(
            Resource("party_interactions", Contract.of(PartyInteraction), "contacts with customers"),
            Resource("trouble_tickets", Contract.of(TroubleTicket), "versions of trouble tickets"),
            Resource("survey_responses", Contract.of(SurveyResponse), "answers to surveys"),
        ),
        transport=S3Events(
            source="contacts",
            objects={
                "party_interactions": S3Objects("interactions/", INTERACTION),
                "trouble_tickets": S3Objects("tickets/", TICKET),
                "survey_responses": S3Objects("surveys/", RESPONSE),
            },
        ),
    )
