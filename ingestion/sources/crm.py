"""CRM: customers, how to reach them, and what they consented to, from a SOAP service."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal

from ingestion.contract import AtLeast, Contract, Field, MaxBytes, Personal, RequiredWhen, Row
from ingestion.delivery import Resource, Source
from ingestion.transports.soap import Soap, SoapOperation


class Customer(Row, key=("customer_id", "last_update")):
    """A version of a customer, as CRM had it at `last_update`."""

    customer_id: Annotated[str, MaxBytes(20), Personal("customer")]
    engaged_party_id: Annotated[str, MaxBytes(20), Personal("party")]
    given_name: Annotated[str, MaxBytes(200), Personal("name")] | None
    family_name: Annotated[str, MaxBytes(200), Personal("name")]
    birth_date: date | None
    language: Annotated[str, MaxBytes(5)] | None
    status: Literal["prospective", "active", "suspended", "terminated"]
    status_reason: Annotated[str, MaxBytes(100)] | None
    customer_since: date
    last_update: datetime


class ContactMedium(Row, key=("contact_medium_id", "last_update")):
    """A version of one way to reach a customer: an e-mail address, a phone number or a postal address."""

    contact_medium_id: Annotated[str, MaxBytes(20)]
    customer_id: Annotated[str, MaxBytes(20), Personal("customer")]
    contact_type: Literal["email", "phone", "postal_address"]
    preferred: bool | None
    phone_number: Annotated[str, MaxBytes(32), RequiredWhen(contact_type="phone"), Personal("phone")] | None
    email_address: Annotated[str, MaxBytes(320), RequiredWhen(contact_type="email"), Personal("email")] | None
    street1: Annotated[str, MaxBytes(200), Personal("text")] | None
    city: Annotated[str, MaxBytes(100)] | None
    post_code: Annotated[str, MaxBytes(16)] | None
    country: Annotated[str, MaxBytes(2)] | None
    valid_from: datetime
    valid_to: Annotated[datetime, AtLeast(Field("valid_from"))] | None
    last_update: datetime


class Consent(Row, key="consent_id"):
    """A consent given or withdrawn for one purpose; each change is a new record."""

    consent_id: Annotated[str, MaxBytes(20)]
    customer_id: Annotated[str, MaxBytes(20), Personal("customer")]
    purpose: Literal["marketing_email", "marketing_sms", "profiling", "data_sharing"]
    status: Literal["granted", "withdrawn"]
    channel: Annotated[str, MaxBytes(30)] | None
    valid_from: datetime
    last_update: datetime


def source() -> Source:
    """The description of this source."""
    return Source(
        name="crm",
        description="customers, contact media and consents (SOAP)",
        resources=(
            Resource("customers", Contract.of(Customer), "versions of customers"),
            Resource("contact_media", Contract.of(ContactMedium), "versions of contact media"),
            Resource("consents", Contract.of(Consent), "consents given and withdrawn"),
        ),
        transport=Soap(
            source="crm",
            operations={
                "customers": SoapOperation("ListCustomers", record="customer"),
                "contact_media": SoapOperation("ListContactMedia", record="contactMedium"),
                "consents": SoapOperation("ListConsents", record="consent"),
            },
        ),
    )
