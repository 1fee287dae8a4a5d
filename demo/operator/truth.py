"""What is true about the deliveries and the customers: written by `generate`, read by whoever checks a warehouse."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from datetime import timedelta
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
    from demo.operator.orders import Orders
    from demo.operator.population import Population, Record
    from demo.operator.prepaid import TopUp
    from demo.operator.recommend import Recommendations
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
    last event. `balance_amount` is bills less payments: what is still owed. `party_id` is who CRM thinks she is,
    `person_id` who she is. `last_dunning_level` is that of the last reminder, `last_nps_score` that of the last answer.
    """

    customer_id: str
    person_id: str
    party_id: str
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
    product_order_count: int
    top_up_amount: str
    last_dunning_level: int | None
    last_nps_score: int | None


@dataclass(frozen=True)
class Validity:
    """An e-mail address or a phone number, and since when, until when it was a person's; times ISO 8601 UTC."""

    value: str
    valid_from: str
    valid_to: str | None


@dataclass(frozen=True)
class PersonTruth:
    """A human being whom CRM knows, perhaps under several numbers.

    `device_ids` are those on which she has logged in or ordered as a guest; `interaction_ids` and `guest_order_ids`
    name what is hers and carries no customer number.
    """

    person_id: str
    customer_ids: list[str]
    birth_date: str
    emails: list[Validity]
    phones: list[Validity]
    device_ids: list[str]
    interaction_ids: list[str]
    guest_order_ids: list[str]


@dataclass(frozen=True)
class RecommendationTruth:
    """What became of a recommendation that was shown or clicked.

    `ordered_at` is the customer's first order of the offering within 14 days after it was first shown.
    """

    recommendation_id: str
    customer_id: str
    product_offering_id: str
    model_version: str
    placement: str
    shown_count: int
    clicked_count: int
    first_shown_at: str | None
    ordered_at: str | None


@dataclass(frozen=True)
class Truth:
    """Everything known; customers, persons and recommendations by their ids."""

    deliveries: list[Delivery]
    customers: dict[str, CustomerTruth]
    persons: dict[str, PersonTruth]
    recommendations: dict[str, RecommendationTruth]

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
        lines = {
            name: (folder / "truth" / f"{name}.jsonl").read_bytes().splitlines()
            for name in ("customers", "persons", "recommendations")
        }
    except FileNotFoundError as error:
        raise OperatorError(f"{folder} holds no operator data: generate it first (make demo)") from error
    customers = {}
    for line in lines["customers"]:
        record = orjson.loads(line)
        record["usage_30d"] = Usage30d(**record["usage_30d"])
        customers[record["customer_id"]] = CustomerTruth(**record)
    persons = {}
    for line in lines["persons"]:
        record = orjson.loads(line)
        for ways in ("emails", "phones"):
            record[ways] = [Validity(**way) for way in record[ways]]
        persons[record["person_id"]] = PersonTruth(**record)
    recommended = (RecommendationTruth(**orjson.loads(line)) for line in lines["recommendations"])
    return Truth(
        [Delivery(**record) for record in deliveries],
        customers,
        persons,
        {one.recommendation_id: one for one in recommended},
    )


def save(
    folder: Path,
    deliveries: Iterable[Delivery],
    customers: Iterable[CustomerTruth],
    persons: Iterable[PersonTruth],
    recommendations: Iterable[RecommendationTruth],
) -> None:
    """Write all truth files."""
    (folder / "truth").mkdir(parents=True, exist_ok=True)
    ordered = sorted(deliveries, key=lambda d: (d.source, d.resource, d.morning, d.uri_suffix))
    (folder / "truth" / "deliveries.json").write_bytes(
        orjson.dumps([asdict(delivery) for delivery in ordered], option=orjson.OPT_INDENT_2)
    )
    for name, known in (("customers", customers), ("persons", persons), ("recommendations", recommendations)):
        lines = b"".join(orjson.dumps(asdict(one)) + b"\n" for one in known)
        (folder / "truth" / f"{name}.jsonl").write_bytes(lines)


def customers(
    settings: OperatorSettings,
    *,
    population: Population,
    products: list[Product],
    used: Used,
    billing: Billing,
    contacts: Contacts,
    visits: Visits,
    orders: Orders,
    top_ups: list[TopUp],
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
            if "relatedParty" not in record:
                continue
            party = record["relatedParty"][0]["id"]
            talked[party] = max(talked.get(party, ""), record["interactionDate"]["startDateTime"])
    reminded = {notice.bill.customer.id: notice.level for notice in billing.notices}
    answered = {
        record["relatedParty"][0]["id"]: record["score"] for records in contacts.surveys.values() for record in records
    }
    ordered = Counter(order.customer.id for order in orders.orders if order.customer and order.ordered_at < end)
    put: Counter[str] = Counter()
    for top_up in top_ups:
        put[top_up.product.customer.id] += top_up.amount
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
                party_id=customer.party_id,
                status=status[customer.id],
                email_addresses=sorted(m["email_address"] for m in ways if m["contact_type"] == "email"),
                preferred_email=_preferred(ways, "email", "email_address"),
                preferred_phone=_preferred(ways, "phone", "phone_number"),
                device_ids=sorted(visits.logins.get(customer.id, ())),
                active_product_count=sum(product.status(end) == "active" for product in mine),
                balance_amount=_euros(balance.get(customer.id, 0)),
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
                product_order_count=ordered[customer.id],
                top_up_amount=_euros(put[customer.id]),
                last_dunning_level=reminded.get(customer.id),
                last_nps_score=answered.get(customer.id),
            )
        )
    return result


def persons(population: Population, contacts: Contacts, visits: Visits, orders: Orders) -> list[PersonTruth]:
    """Who is who, and by what each person is known where she is not known by a customer number."""
    reach = population.reached_by()
    numbers: dict[str, list[str]] = {}
    for customer in population.customers:
        numbers.setdefault(customer.person.id, []).append(customer.id)
    guests: dict[str, list[str]] = {}
    for order in orders.orders:
        if order.guest:
            guests.setdefault(order.guest.id, []).append(order.id)
    result = []
    for person in population.people:
        ways = reach.get(person.id, [])
        devices = set(visits.ordered.get(person.id, ()))
        devices.update(*(visits.logins.get(number, ()) for number in numbers[person.id]))
        result.append(
            PersonTruth(
                person_id=person.id,
                customer_ids=numbers[person.id],
                birth_date=person.birth_date.isoformat(),
                emails=[Validity(*way[1:]) for way in ways if way.kind == "email"],
                phones=[Validity(*way[1:]) for way in ways if way.kind == "phone"],
                device_ids=sorted(devices),
                interaction_ids=contacts.unnamed.get(person.id, []),
                guest_order_ids=guests.get(person.id, []),
            )
        )
    return result


def recommended(recommendations: Recommendations, visits: Visits, orders: Orders) -> list[RecommendationTruth]:
    """What became of every recommendation that somebody has seen."""
    placed: dict[tuple[str, str], list[datetime]] = {}
    for order in orders.orders:
        for item in order.items if order.customer else ():
            if order.customer and item.action == "add":
                placed.setdefault((order.customer.id, item.offering.id), []).append(order.ordered_at)
    result = []
    for run in recommendations.runs:
        for one in (one for mine in run.recommended.values() for one in mine):
            shown, clicked = visits.shown.get(one.id, []), visits.clicked.get(one.id, [])
            if not shown and not clicked:
                continue
            first = min(shown, default=None)
            after = [
                at
                for at in placed.get((one.customer.id, one.offering.id), ())
                if first and first <= at < first + timedelta(days=14)
            ]
            result.append(
                RecommendationTruth(
                    recommendation_id=one.id,
                    customer_id=one.customer.id,
                    product_offering_id=one.offering.id,
                    model_version=run.version,
                    placement=one.placement,
                    shown_count=len(shown),
                    clicked_count=len(clicked),
                    first_shown_at=_iso(first) if first else None,
                    ordered_at=stamp(min(after)) if after else None,
                )
            )
    return result


def _euros(cents: int) -> str:
    return str(Decimal(cents).scaleb(-2).quantize(Decimal("0.01")))


def _preferred(ways: list[Record], kind: str, column: str) -> str | None:
    found = [way[column] for way in ways if way["contact_type"] == kind and way["preferred"]]
    return str(found[0]) if found else None


def _iso(moment: datetime) -> str:
    return stamp(moment)[:-1] + f".{moment.microsecond // 1000:03d}Z"
