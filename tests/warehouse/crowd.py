"""The demo operator's people by the thousand, and among them such as are hard to tell apart or to bring together.

What the operator itself knows to be one person is recorded alike, and easily found. Here clerks record people a second
and a third time, each with an eye of his own; and there are look-alikes, who share all that people do share.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import count
from typing import TYPE_CHECKING, Any

from demo.operator import contacts, life, orders, population
from demo.operator.population import FAMILY, GIVEN
from demo.operator.settings import stamp

if TYPE_CHECKING:
    import psycopg
    from raw_tables import Row

    from demo.operator.population import Person, Population
    from demo.operator.settings import OperatorSettings


@dataclass
class Crowd:
    """Raw rows by source and table, and the truth: whose each customer is, and each contact that names none."""

    rows: dict[tuple[str, str], list[Row]] = field(default_factory=dict)
    person_of: dict[str, str] = field(default_factory=dict)
    person_of_contact: dict[str, str | None] = field(default_factory=dict)
    operators_own: set[str] = field(default_factory=set)
    strangers: tuple[str, str] = ("", "")  # two customers of one name, of whom nothing else is known yet

    def add(self, source: str, table: str, *rows: Row) -> None:
        """More raw rows."""
        self.rows.setdefault((source, table), []).extend(rows)

    def land(self, connection: psycopg.Connection[Any]) -> None:
        """Land all of it, and commit."""
        import raw_tables

        for (source, table), rows in self.rows.items():
            raw_tables.copy(connection, source, table, rows)
        connection.commit()


def gather(settings: OperatorSettings) -> Crowd:
    """The operator's people with their contacts and orders, the people of the clerks, and the look-alikes."""
    crowd = Crowd()
    people = population.populate(settings)
    _add_operators_own(crowd, settings, people)
    clerk = _Clerk(crowd, settings)
    dice = clerk.dice
    known = [customer.person for customer in people.customers if customer.role == "active"]
    for person in dice.sample(known, len(known) // 8):
        for _ in range(dice.choices((1, 2), (85, 15))[0]):
            clerk.record_again(person)
    for number in range(len(known) // 100):
        clerk.twins(number)
        clerk.father_and_son(number)
        clerk.namesakes()
        clerk.household(number, 4)
        clerk.inherited_number()
    for number in range(3):
        clerk.household(1000 + number, 12)  # a firm
    crowd.strangers = (clerk.stranger(), clerk.stranger())
    return crowd


def _add_operators_own(crowd: Crowd, settings: OperatorSettings, people: Population) -> None:
    crowd.person_of = {customer.id: customer.person.id for customer in people.customers}
    crowd.operators_own = set(crowd.person_of)
    crowd.add("crm", "customers", *people.customer_records)
    crowd.add("crm", "contact_media", *people.media_records)
    shop = life.live(settings, people)
    for product in shop.products:
        record = life.product_json(product, settings.morning(2))
        if record:
            row = {"product_id": product.id, "customer_id": product.customer.id, "status": record["status"]}
            row |= {"product_offering_id": product.offering.id, "start_date": record["startDate"]}
            row |= {"termination_date": record.get("terminationDate"), "msisdn": product.msisdn}
            crowd.add("catalog", "products", row)
    for customer in people.customers:
        for device in customer.person.devices if customer.active_from else ():
            crowd.add("events", "events", _login(customer.id, device, stamp(customer.active_from)))
    whose = {}
    placed = orders.take(settings, people, shop.products)
    for order in placed.orders:
        record = orders.order_json(order, settings.morning(2))
        if record:
            whose[order.id] = order.guest.id if order.guest else None
            row = {"product_order_id": order.id, "order_date": record["orderDate"], "state": record["state"]}
            row |= {"channel": order.channel, "last_update": record["lastUpdate"], **_whose(record)}
            crowd.add("orders", "product_orders", row)
            if "customer_id" not in row:
                crowd.person_of_contact[order.id] = whose[order.id]
    talks = contacts.talk(settings, people)
    said = {contact_id: person_id for person_id, ids in talks.unnamed.items() for contact_id in ids}
    for record in (record for records in talks.interactions.values() for record in records):
        row = {"party_interaction_id": record["id"], "direction": record["direction"]}
        row |= {"channel": record["channel"][0]["name"], **_whose(record)}
        row |= {"start_date_time": record["interactionDate"]["startDateTime"]}
        crowd.add("contacts", "party_interactions", row)
        if "customer_id" not in row:
            crowd.person_of_contact[record["id"]] = said.get(record["id"])


def _whose(record: dict[str, Any]) -> Row:
    if "relatedParty" in record:
        return {"customer_id": record["relatedParty"][0]["id"]}
    given = {way["contactType"]: way for way in record["relatedContactInformation"]}
    return {
        "email_address": given.get("email", {}).get("emailAddress"),
        "phone_number": given.get("phone", {}).get("phoneNumber"),
    }


def _login(customer_id: str, device: str, moment: str) -> Row:
    event = {"event_id": f"login {customer_id} {device}", "event_type": "login", "schema_version": "1-0-2"}
    return {**event, "occurred_at": moment, "device_id": device, "customer_id": customer_id}


class _Clerk:
    """Writes customers down, with numbers that follow the operator's."""

    def __init__(self, crowd: Crowd, settings: OperatorSettings) -> None:
        self.crowd = crowd
        self.dice: random.Random = settings.dice("crowd")
        self.since = stamp(settings.opening)
        self.later = stamp(settings.opening + timedelta(days=3))
        self.numbers = count(1)

    def record_again(self, person: Person) -> None:
        """A customer already: some things she says otherwise, some are heard wrongly, some not asked for."""
        dice = self.dice
        heard_wrongly = person.birth_date.replace(year=person.birth_date.year + dice.choice((-1, 1, 10)), day=3)
        self.write(
            person.id,
            party=person.id if dice.random() < 0.5 else None,
            given=person.given_name if dice.random() < 0.97 else person.given_name[:3],
            family=person.family_name if dice.random() < 0.95 else dice.choice(FAMILY),
            born=dice.choices((person.birth_date, None, heard_wrongly), (92, 7, 1))[0],
            emails=person.emails if dice.random() < 0.75 else [f"toinen{next(self.numbers)}@example.net"],
            phone=person.phone if dice.random() < 0.8 else self.number(),
            device=person.devices[0] if person.devices and dice.random() < 0.6 else None,
        )

    def twins(self, number: int) -> None:
        """Born on one day, reached at their parents'."""
        born, family, phone = self.birthday(), self.dice.choice(FAMILY), self.number()
        emails = [f"vanhemmat{number}@x.example"]
        for name in ("kaksonen", "toinen"):
            person = f"twin {number} {name}"
            self.write(person, given=name, family=family, born=born, emails=emails, phone=phone)

    def father_and_son(self, number: int) -> None:
        """Of one name, in one house; of every sixth son nobody has asked how old he is."""
        family, phone, emails = self.dice.choice(FAMILY), self.number(), [f"talo{number}@x.example"]
        self.write(f"father {number}", given="Matti", family=family, born=date(1950, 1, 1), emails=emails, phone=phone)
        born = None if number % 6 == 5 else date(1980, 1, 1)
        self.write(f"son {number}", given="Matti", family=family, born=born, emails=emails, phone=phone)

    def namesakes(self) -> None:
        """Of one name and one birthday, and that is all."""
        given, family, born = self.dice.choice(GIVEN), self.dice.choice(FAMILY), self.birthday()
        for _ in range(2):
            number = next(self.numbers)
            emails = [f"nimi{number}@example.net"]
            self.write(f"namesake {number}", given=given, family=family, born=born, emails=emails, phone=self.number())

    def household(self, number: int, size: int) -> None:
        """One address, one telephone, one computer."""
        phone, family = self.number(), self.dice.choice(FAMILY)
        for place in range(size):
            self.write(
                f"household {number} {place}",
                given=GIVEN[(number + place) % len(GIVEN)],
                family=family,
                born=self.birthday() + timedelta(days=place),
                emails=[f"perhe{number}@x.example"],
                phone=phone,
                device=f"computer {number}",
            )

    def inherited_number(self) -> None:
        """A number that was given up, and went to somebody of the same name."""
        given, family, phone = self.dice.choice(GIVEN), self.dice.choice(FAMILY), self.number()
        for until, since in ((self.later, self.since), (None, self.later)):
            person = f"heir {next(self.numbers)}"
            self.write(person, given=given, family=family, born=None, emails=[], phone=phone, since=since, until=until)

    def stranger(self) -> str:
        """Somebody who is like another; gives the customer's number."""
        person = f"stranger {next(self.numbers)}"
        return self.write(person, given="Åsa", family="Öhman", born=None, emails=[], phone=self.number())

    def birthday(self) -> date:
        """Any."""
        return date(1940, 1, 1) + timedelta(days=self.dice.randrange(365 * 60))

    def number(self) -> str:
        """A phone number that nobody has."""
        return f"+35847{next(self.numbers):07d}"

    def write(
        self,
        person: str,
        *,
        given: str,
        family: str,
        born: date | None,
        emails: list[str],
        phone: str,
        party: str | None = None,
        device: str | None = None,
        since: str | None = None,
        until: str | None = None,
    ) -> str:
        """One more customer, who is that person; gives her number."""
        number = next(self.numbers)
        customer_id = f"C{900_000 + number}"
        self.crowd.person_of[customer_id] = person
        row = {"customer_id": customer_id, "engaged_party_id": party or f"P{800_000 + number}", "status": "active"}
        row |= {"given_name": given, "family_name": family, "birth_date": born.isoformat() if born else None}
        self.crowd.add("crm", "customers", {**row, "customer_since": self.since[:10], "last_update": self.since})
        ways = [{"contact_type": "email", "email_address": email} for email in emails]
        ways.append({"contact_type": "phone", "phone_number": phone})
        for place, way in enumerate(ways):
            medium = {"contact_medium_id": f"{customer_id}-{place}", "customer_id": customer_id, **way}
            medium |= {"valid_from": since or self.since, "valid_to": until, "last_update": until or self.since}
            self.crowd.add("crm", "contact_media", medium)
        if device:
            self.crowd.add("events", "events", _login(customer_id, device, self.since))
        return customer_id
