"""Who the customers are: people, their customer records, contact media, consents and devices, with their history."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from demo.operator.settings import stamp

if TYPE_CHECKING:
    import random

    from demo.operator.settings import OperatorSettings

Record = dict[str, Any]


def _words(text: str) -> list[str]:
    return text.split()


GIVEN = _words(
    "Aino Väinö Päivi Jyrki Eeva Matti Tiina Antti Hannele Juhani Sari Mikko Kaisa Pekka Liisa Ville Noora Lauri "
    "Elina Jukka Märta Göran Åsa Björn Emma Oskar Sofia Eetu Helmi Onni Hilja Tapio Anneli Kalevi Marjatta Teemu "
    "Riikka Janne Maija Heikki Veera Joonas Iida Petteri Katja Arttu Pirjo Esa Ülle Olga"
)
FAMILY = _words(
    "Korhonen Virtanen Mäkinen Nieminen Mäkelä Hämäläinen Laine Heikkinen Koskinen Järvinen Lehtonen Lehtinen "
    "Saarinen Salminen Heinonen Niemi Heikkilä Kinnunen Salonen Turunen Salo Laitinen Tuominen Rantanen Karjalainen "
    "Jokinen Mattila Savolainen Lahtinen Ahonen Öhman Åkerlund Lindström Nyström Sjöberg Äijälä Hyvönen Pöyhönen "
    "Myllylä Räsänen Väisänen Törmä Yli-Hukkala Hiltunen Kettunen Leinonen Kärkkäinen Šimek Suominen Björklund"
)
CITIES = (
    ("Helsinki", "00"),
    ("Espoo", "02"),
    ("Vantaa", "01"),
    ("Tampere", "33"),
    ("Turku", "20"),
    ("Oulu", "90"),
    ("Jyväskylä", "40"),
    ("Lahti", "15"),
    ("Kuopio", "70"),
    ("Pori", "28"),
    ("Hämeenlinna", "13"),
    ("Vaasa", "65"),
    ("Seinäjoki", "60"),
    ("Rovaniemi", "96"),
    ("Porvoo", "06"),
    ("Mariehamn", "22"),
)
STREETS = _words(
    "Mannerheimintie Kirkkokatu Koulukatu Rantatie Asemakatu Puistokatu Hämeentie Kauppakatu Mäkitie "
    "Pyynikintie Sköldvägen Strandgatan Töölönkatu Keskuskatu Yliopistonkatu Koivukuja Kuusitie"
)
PURPOSES = ("marketing_email", "marketing_sms", "profiling", "data_sharing")
CONSENT_CHANNELS = ("web", "app", "store", "phone")
# Billing cycle days; 31 is the last day of the month.
CYCLE_DAYS = (1, 4, 7, 10, 13, 16, 19, 22, 25, 31)


@dataclass
class Person:
    """A human being, who may be a customer twice."""

    id: str
    given_name: str
    family_name: str
    birth_date: date
    language: str
    street: str
    city: str
    post_code: str
    emails: list[str]
    phone: str
    devices: list[str] = field(default_factory=list)


@dataclass
class Customer:
    """One customer record and what will happen to it."""

    index: int
    id: str
    person: Person
    role: str  # active, prospective, joining, leaving, left, suspended
    since: datetime
    cycle_day: int
    pays: str  # on_time, late, never
    method: str
    ebill_channel: str
    active_from: datetime | None
    party_id: str
    leaves_at: datetime | None = None
    suspended_at: datetime | None = None

    def is_active_on(self, moment: datetime) -> bool:
        """Whether the customer may buy, call and log in at that moment."""
        return (
            self.active_from is not None
            and self.active_from <= moment
            and (self.leaves_at is None or moment < self.leaves_at)
        )


@dataclass
class Population:
    """Everyone, and the CRM records about them: every version, in the order of their last update."""

    people: list[Person]
    customers: list[Customer]
    customer_records: list[Record]
    media_records: list[Record]
    consent_records: list[Record]
    households: list[tuple[Customer, Customer]]  # who share the first one's first device

    def reached_by(self) -> dict[str, list[Reach]]:
        """The e-mail addresses and phone numbers that ever were a person's, by person, as CRM has them in the end."""
        person_of = {customer.id: customer.person.id for customer in self.customers}
        latest = {record["contact_medium_id"]: record for record in self.media_records}
        found: dict[str, dict[tuple[str, str], Reach]] = {}
        for record in latest.values():
            value = record["email_address"] or record["phone_number"]
            if not value:
                continue
            mine = found.setdefault(person_of[record["customer_id"]], {})
            reach = Reach(record["contact_type"], value, record["valid_from"], record["valid_to"])
            known = mine.get(reach[:2], reach)
            # the same address of a person's two customer records holds as long as one of them does
            until = max(known.valid_to, reach.valid_to) if known.valid_to and reach.valid_to else None
            mine[reach[:2]] = reach._replace(valid_from=min(known.valid_from, reach.valid_from), valid_to=until)
        return {person_id: sorted(mine.values()) for person_id, mine in found.items()}


class Reach(NamedTuple):
    """An e-mail address or a phone number and since when, until when it was somebody's; times as CRM writes them."""

    kind: str
    value: str
    valid_from: str
    valid_to: str | None

    def holds(self, moment: str) -> bool:
        """Whether it was that somebody's at the moment."""
        return self.valid_from <= moment and (self.valid_to is None or moment < self.valid_to)


def msisdn(number: int) -> str:
    """The n-th phone number; no two are alike (7919 shares no factor with 9,000,000)."""
    return f"+358{('40', '45', '50')[number % 3]}{(number * 7919 + 1234) % 9_000_000 + 1_000_000}"


def populate(settings: OperatorSettings) -> Population:
    """Invent the people and their lives as CRM sees them."""
    dice = settings.dice("population")
    doubles = max(1, round(settings.customers * 0.02))
    people = _people(settings, settings.customers - doubles, dice)
    customers = _customers(settings, people, doubles, dice)
    households = _share_households(customers[: len(people)], dice)
    _recycle_numbers(customers)
    media = _Media(settings, dice)
    population = Population(people, customers, [], [], [], households)
    consent_number = 0
    for customer in customers:
        population.customer_records += _versions(settings, customer, dice)
        population.media_records += media.of(customer)
        consents = _consents(settings, customer, dice, consent_number)
        consent_number += len(consents)
        population.consent_records += consents
    population.customer_records.sort(key=lambda record: (record["last_update"], record["customer_id"]))
    population.media_records.sort(key=lambda record: (record["last_update"], record["contact_medium_id"]))
    population.consent_records.sort(key=lambda record: (record["last_update"], record["consent_id"]))
    return population


def _people(settings: OperatorSettings, count: int, dice: random.Random) -> list[Person]:
    taken: dict[str, int] = {}
    people = []
    for number in range(count):
        given, family = dice.choice(GIVEN), dice.choice(FAMILY)
        city, zone = dice.choice(CITIES)
        emails: list[str] = []
        if number % 12 != 11:
            emails.append(_email(given, family, "example.com", taken))
            if number % 7 == 3:
                emails.append(_email(given[:1], family, "example.org", taken))
            if number % 40 == 17:
                emails.append(_email(family, given, "example.org", taken))
        people.append(
            Person(
                id=f"P{500_001 + number}",
                given_name=given,
                family_name=family,
                birth_date=date(1938, 1, 1) + timedelta(days=dice.randrange(365 * 70)),
                language=dice.choices(("fi", "sv", "en"), (86, 6, 8))[0],
                street=f"{dice.choice(STREETS)} {dice.randrange(1, 120)}",
                city=city,
                post_code=f"{zone}{dice.randrange(1, 99) * 10:03d}",
                emails=emails,
                phone=msisdn(number),
                devices=[
                    f"d-{dice.getrandbits(64):016x}" for _ in range(dice.choices((0, 1, 2, 3), (6, 50, 34, 10))[0])
                ],
            )
        )
    return people


def _email(first: str, second: str, domain: str, taken: dict[str, int]) -> str:
    plain = unicodedata.normalize("NFKD", f"{first}.{second}".lower()).encode("ascii", "ignore").decode()
    taken[plain] = taken.get(plain, 0) + 1
    return f"{plain}{taken[plain] if taken[plain] > 1 else ''}@{domain}"


def _share_households(customers: list[Customer], dice: random.Random) -> list[tuple[Customer, Customer]]:
    """A few households keep one device that two people log in on, and every other of them an e-mail address."""
    with_device = [customer for customer in customers if customer.role == "active" and customer.person.devices]
    households = []
    for number in range(max(1, len(customers) // 60)):
        one, other = dice.sample(with_device, 2)
        owner, guest = one.person, other.person
        households.append((one, other))
        if owner.devices[0] not in guest.devices:
            guest.devices.append(owner.devices[0])
            guest.street, guest.city, guest.post_code = owner.street, owner.city, owner.post_code
        if number % 2 == 0 and owner.birth_date != guest.birth_date:
            shared = f"perhe{number}@example.net"
            owner.emails.append(shared)
            guest.emails.append(shared)
    return households


def _recycle_numbers(customers: list[Customer]) -> None:
    """Numbers of some who left long ago are given to newcomers."""
    left = [customer for customer in customers if customer.role == "left"]
    joining = [customer for customer in customers if customer.role == "joining"]
    for old, new in zip(left[: max(1, len(left) // 3)], joining[1:], strict=False):
        new.person.phone = old.person.phone


def _customers(settings: OperatorSettings, people: list[Person], doubles: int, dice: random.Random) -> list[Customer]:
    roles = []
    for role, share in (
        ("prospective", 0.04),
        ("joining", 0.08),
        ("leaving", 0.06),
        ("left", 0.04),
        ("suspended", 0.03),
    ):
        roles += [role] * max(2, round(len(people) * share))
    roles = (roles + ["active"] * len(people))[: len(people)]
    dice.shuffle(roles)
    owners = list(people)
    # The second customer record of a person: both are alive, so that neither can be thrown away.
    owners += dice.sample([p for p, role in zip(people, roles, strict=True) if role == "active"], doubles)
    roles += ["active"] * doubles
    cycle = [CYCLE_DAYS[number % len(CYCLE_DAYS)] for number in range(len(owners))]
    dice.shuffle(cycle)
    window = settings.days * 86_400
    seen: dict[str, int] = {}
    customers = []
    for number, (person, role) in enumerate(zip(owners, roles, strict=True)):
        seen[role] = seen.get(role, 0) + 1
        # Somebody joins and somebody leaves on the last day: the second morning has something to tell.
        last_day = seen[role] == 1
        within = settings.opening + timedelta(
            seconds=(settings.days - 1) * 86_400 + 36_000 if last_day else dice.randrange(3 * 86_400, window)
        )
        before = settings.opening - timedelta(seconds=dice.randrange(40 * 86_400, 3_600 * 86_400))
        since = within if role == "joining" else before
        if role == "joining":
            active_from: datetime | None = since + timedelta(minutes=dice.randrange(5, 600))
        else:
            active_from = None if role == "prospective" else since
        leaves_at = within if role == "leaving" else None
        if role == "left":
            leaves_at = settings.opening - timedelta(seconds=dice.randrange(86_400, 38 * 86_400))
        pays = dice.choices(("on_time", "late", "never"), (86, 12, 2))[0]
        customers.append(
            Customer(
                index=number,
                id=f"C{200_001 + number}",
                person=person,
                role=role,
                since=since,
                cycle_day=cycle[number],
                pays="never" if role == "suspended" else pays,
                method=dice.choices(("e_invoice", "direct_debit", "card", "transfer"), (55, 10, 20, 15))[0],
                ebill_channel=dice.choices(("e_invoice", "email", "paper"), (60, 30, 10))[0],
                active_from=active_from,
                leaves_at=leaves_at,
                suspended_at=within if role == "suspended" else None,
                party_id=person.id,
            )
        )
    # CRM does not know of every other of those who are customers twice that they are.
    for number, customer in enumerate(customers[len(people) :: 2]):
        customer.party_id = f"P{900_001 + number}"
    return customers


def _versions(settings: OperatorSettings, customer: Customer, dice: random.Random) -> list[Record]:
    """Every state of the customer record, oldest first; the first is the one that stood when delivery began."""
    person = customer.person
    now: Record = {
        "customer_id": customer.id,
        "engaged_party_id": customer.party_id,
        "given_name": person.given_name,
        "family_name": person.family_name,
        "birth_date": person.birth_date.isoformat(),
        "language": person.language,
        "status": "prospective" if customer.role in ("prospective", "joining") else "active",
        "status_reason": None,
        "customer_since": customer.since.date().isoformat(),
    }
    first = customer.since
    if first < settings.opening:
        first = between(dice, max(first, settings.opening - timedelta(days=400)), settings.opening)
    changes: list[tuple[datetime, Record]] = []
    if customer.role == "joining" and customer.active_from:
        changes.append((customer.active_from, {"status": "active"}))
    if customer.role == "left" and customer.leaves_at:
        first = customer.leaves_at
        now |= {"status": "terminated", "status_reason": "moved_to_competitor"}
    if customer.role == "leaving" and customer.leaves_at:
        reason = dice.choice(("moved_to_competitor", "price", "moved_abroad", "poor_coverage"))
        changes.append((customer.leaves_at, {"status": "terminated", "status_reason": reason}))
    if customer.suspended_at:
        changes.append((customer.suspended_at, {"status": "suspended", "status_reason": "unpaid_bill"}))
    if customer.role == "active" and dice.random() < 0.06:
        moment = between(dice, settings.opening, settings.morning(2))
        if dice.random() < 0.5:
            changes.append((moment, {"family_name": dice.choice(FAMILY)}))
        else:
            changes.append((moment, {"language": dice.choice(("fi", "sv", "en"))}))
    records = [{**now, "last_update": stamp(first)}]
    for moment, change in changes:
        if moment >= settings.morning(2):
            continue
        now = {**now, **change}
        records.append({**now, "last_update": stamp(max(moment, first + timedelta(seconds=1)))})
    return records


class _Media:
    """Writes contact media and numbers them."""

    def __init__(self, settings: OperatorSettings, dice: random.Random) -> None:
        self.settings = settings
        self.dice = dice
        self.number = 0

    def of(self, customer: Customer) -> list[Record]:
        """Every version of the customer's contact media."""
        person, settings, dice = customer.person, self.settings, self.dice
        since = customer.since
        records = []
        emails = [
            self._medium(customer, "email", since, preferred=place == 0, email_address=address)
            for place, address in enumerate(person.emails)
        ]
        phone = self._medium(customer, "phone", since, preferred=True, phone_number=person.phone)
        home = self._medium(
            customer,
            "postal_address",
            since,
            preferred=True,
            street1=person.street,
            city=person.city,
            post_code=person.post_code,
            country="FI",
        )
        records += [*emails, phone, home]
        if customer.role == "left" and customer.leaves_at:
            # The number is free for somebody else.
            ended = stamp(customer.leaves_at)
            records.append({**phone, "valid_to": ended, "last_update": ended})
        lives_on = customer.role == "active"
        has_one = len(person.emails) == 1 and person.emails[0].endswith("@example.com")
        if lives_on and has_one and dice.random() < 0.05:
            changed = between(dice, settings.opening, settings.morning(2))
            records.append({**emails[0], "valid_to": stamp(changed), "last_update": stamp(changed)})
            new = f"{person.emails[0].partition('@')[0]}@example.net"
            records.append(self._medium(customer, "email", changed, preferred=True, email_address=new))
        if lives_on and len(emails) > 1 and dice.random() < 0.4:
            # The customer changes her mind about where to be written to.
            moment = stamp(between(dice, settings.opening, settings.morning(2)))
            records.append({**emails[0], "preferred": False, "last_update": moment})
            records.append({**emails[1], "preferred": True, "last_update": moment})
        if lives_on and dice.random() < 0.05:
            moved = between(dice, settings.opening, settings.morning(2))
            city, zone = dice.choice(CITIES)
            records.append({**home, "valid_to": stamp(moved), "last_update": stamp(moved)})
            records.append(
                self._medium(
                    customer,
                    "postal_address",
                    moved,
                    preferred=True,
                    street1=f"{dice.choice(STREETS)} {dice.randrange(1, 120)}",
                    city=city,
                    post_code=f"{zone}{dice.randrange(1, 99) * 10:03d}",
                    country="FI",
                )
            )
        return records

    def _medium(self, customer: Customer, kind: str, valid_from: datetime, *, preferred: bool, **parts: str) -> Record:
        self.number += 1
        empty = dict.fromkeys(("phone_number", "email_address", "street1", "city", "post_code", "country"))
        return {
            "contact_medium_id": f"CM{700_000 + self.number}",
            "customer_id": customer.id,
            "contact_type": kind,
            "preferred": preferred,
            **empty,
            **parts,
            "valid_from": stamp(valid_from),
            "valid_to": None,
            "last_update": stamp(valid_from),
        }


def _consents(settings: OperatorSettings, customer: Customer, dice: random.Random, number: int) -> list[Record]:
    """One record per change of mind."""
    records: list[Record] = []
    for purpose, likely in zip(PURPOSES, (0.6, 0.45, 0.55, 0.2), strict=True):
        if dice.random() < 0.1:
            continue  # never asked
        granted = dice.random() < likely
        moments = [customer.since]
        if customer.since < settings.opening and dice.random() < 0.2:
            moments.append(between(dice, customer.since, settings.opening))
        if customer.role in ("active", "suspended") and dice.random() < 0.06:
            moments.append(between(dice, settings.opening, settings.morning(2)))
        for moment in moments:
            number += 1
            records.append(
                {
                    "consent_id": f"CN{900_000 + number}",
                    "customer_id": customer.id,
                    "purpose": purpose,
                    "status": "granted" if granted else "withdrawn",
                    "channel": dice.choice(CONSENT_CHANNELS),
                    "valid_from": stamp(moment),
                    "last_update": stamp(moment),
                }
            )
            granted = not granted
    return records


def between(dice: random.Random, start: datetime, end: datetime) -> datetime:
    """A moment after start and before end, in whole seconds."""
    seconds = int((end - start).total_seconds())
    return start + timedelta(seconds=dice.randrange(1, max(2, seconds)))
