"""What is true about the deliveries and the customers: written by `generate`, read by whoever checks a warehouse."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from demo.operator.settings import OperatorError, stamp

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from demo.operator.billing import Billing
    from demo.operator.contacts import Contacts
    from demo.operator.life import Product
    from demo.operator.population import Population, Record
    from demo.operator.settings import OperatorSettings
    from demo.operator.usage import Used
    from demo.operator.visits import Visits


@dataclass(frozen=True)
class Delivery:
    """One file, object, shard batch, collection or window as it was sent.

    `rows` counts every record, malformed and repeated ones included; `duplicates` counts the repeats beyond the
    first; `superseded` marks what the second morning replaced (a re-sent file, an earlier catalogue).
    """

    source: str
    resource: str
    uri_suffix: str
    morning: int
    rows: int
    malformed: int
    duplicates: int
    superseded: bool = False

    @property
    def accepted(self) -> int:
        """Rows that landing keeps: repeats are kept, malformed ones are not."""
        return self.rows - self.malformed


@dataclass(frozen=True)
class Usage30d:
    """Sums over the 30 days that end on the last usage day; the amount in euros, four decimals, as text."""

    data_bytes: int
    duration_seconds: int
    message_count: int
    rated_amount: str


@dataclass(frozen=True)
class CustomerTruth:
    """A customer as the warehouse should show her after both mornings. Amounts are euros as text, times ISO 8601 UTC.

    `last_session_at` is the start of the last visit in which she logged in, `last_session_ended_at` that visit's
    last event. `balance_amount` is bills less payments: what is still owed.
    """

    customer_id: str
    person_id: str
    status: str
    email_addresses: list[str]
    preferred_email: str | None
    preferred_phone: str | None
    device_ids: list[str]
    active_product_count: int
    balance_amount: str
    last_bill_no: str | None
    usage_30d: Usage30d
    last_interaction_at: str | None
    last_session_at: str | None
    last_session_ended_at: str | None
    consents: dict[str, str]


@dataclass(frozen=True)
class Truth:
    """Everything known; customers by their id."""

    deliveries: list[Delivery]
    customers: dict[str, CustomerTruth]

    def sent(self, source: str, resource: str | None = None, morning: int | None = None) -> list[Delivery]:
        """The deliveries of a source, of one resource and one morning if given."""
        return [
            delivery
            for delivery in self.deliveries
            if delivery.source == source
            and resource in (None, delivery.resource)
            and morning in (None, delivery.morning)
        ]


def load(folder: Path) -> Truth:
    """Read the truth of an operator's folder. Raises `OperatorError` if there is none."""
    try:
        deliveries = orjson.loads((folder / "truth" / "deliveries.json").read_bytes())
        lines = (folder / "truth" / "customers.jsonl").read_bytes().splitlines()
    except FileNotFoundError as error:
        raise OperatorError(f"{folder} holds no operator data: generate it first (make demo)") from error
    customers = {}
    for line in lines:
        record = orjson.loads(line)
        record["usage_30d"] = Usage30d(**record["usage_30d"])
        customers[record["customer_id"]] = CustomerTruth(**record)
    return Truth([Delivery(**record) for record in deliveries], customers)


def save(folder: Path, deliveries: Iterable[Delivery], customers: Iterable[CustomerTruth]) -> None:
    """Write both truth files."""
    (folder / "truth").mkdir(parents=True, exist_ok=True)
    ordered = sorted(deliveries, key=lambda d: (d.source, d.resource, d.morning, d.uri_suffix))
    (folder / "truth" / "deliveries.json").write_bytes(
        orjson.dumps([asdict(delivery) for delivery in ordered], option=orjson.OPT_INDENT_2)
    )
    (folder / "truth" / "customers.jsonl").write_bytes(
        b"".join(orjson.dumps(asdict(customer)) + b"\n" for customer in customers)
    )


def customers(
    settings: OperatorSettings,
    *,
    population: Population,
    products: list[Product],
    used: Used,
    billing: Billing,
    contacts: Contacts,
    visits: Visits,
) -> list[CustomerTruth]:
    """Compute every customer from the clean data, after both mornings."""
    end = settings.morning(2)
    status = {record["customer_id"]: record["status"] for record in population.customer_records}
    media: dict[str, dict[str, Record]] = {}
    for record in population.media_records:
        media.setdefault(record["customer_id"], {})[record["contact_medium_id"]] = record
    consents: dict[str, dict[str, str]] = {}
    for record in population.consent_records:
        consents.setdefault(record["customer_id"], {})[record["purpose"]] = record["status"]
    owned: dict[str, list[Product]] = {}
    for product in products:
        if product.ordered_at < end:
            owned.setdefault(product.customer.id, []).append(product)
    balance: dict[str, int] = {}
    last_bill: dict[str, str] = {}
    for bill in billing.bills:
        balance[bill.customer.id] = balance.get(bill.customer.id, 0) + bill.amount
        last_bill[bill.customer.id] = bill.number
    for payment in billing.payments:
        balance[payment.bill.customer.id] -= payment.amount
    talked: dict[str, str] = {}
    for records in contacts.interactions.values():
        for record in records:
            party = record["relatedParty"][0]["id"]
            talked[party] = max(talked.get(party, ""), record["interactionDate"]["startDateTime"])
    result = []
    for customer in population.customers:
        mine = owned.get(customer.id, [])
        sums = {name: sum(int(values[p.index]) for p in mine) for name, values in used.recent.items()}
        ways = [medium for medium in media.get(customer.id, {}).values() if medium["valid_to"] is None]
        session = visits.sessions.get(customer.id)
        result.append(
            CustomerTruth(
                customer_id=customer.id,
                person_id=customer.person.id,
                status=status[customer.id],
                email_addresses=sorted(m["email_address"] for m in ways if m["contact_type"] == "email"),
                preferred_email=_preferred(ways, "email", "email_address"),
                preferred_phone=_preferred(ways, "phone", "phone_number"),
                device_ids=sorted(visits.logins.get(customer.id, ())),
                active_product_count=sum(product.status(end) == "active" for product in mine),
                balance_amount=str(Decimal(balance.get(customer.id, 0)).scaleb(-2).quantize(Decimal("0.01"))),
                last_bill_no=last_bill.get(customer.id),
                usage_30d=Usage30d(
                    sums["data_bytes"],
                    sums["duration_seconds"],
                    sums["message_count"],
                    str(Decimal(sums["rated_amount"]).scaleb(-4).quantize(Decimal("0.0001"))),
                ),
                last_interaction_at=talked.get(customer.id),
                last_session_at=_iso(session[0]) if session else None,
                last_session_ended_at=_iso(session[1]) if session else None,
                consents=consents.get(customer.id, {}),
            )
        )
    return result


def _preferred(ways: list[Record], kind: str, column: str) -> str | None:
    found = [way[column] for way in ways if way["contact_type"] == kind and way["preferred"]]
    return str(found[0]) if found else None


def _iso(moment: datetime) -> str:
    return stamp(moment)[:-1] + f".{moment.microsecond // 1000:03d}Z"
