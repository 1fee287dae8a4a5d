"""Visits to the web shop and the app: the events they leave, and which customer logged in on which device."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from demo.operator.catalogue import OFFERINGS

if TYPE_CHECKING:
    import random

    from demo.operator.life import Product
    from demo.operator.population import Customer, Person, Population
    from demo.operator.settings import OperatorSettings

Event = dict[str, Any]

SITE = "https://www.example.com"
CAMPAIGNS = (("search", "syysetu"), ("social", "valokuitu-2026"), ("newsletter", "uutiskirje-10"))
AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Firefox/140.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) Mobile/15E148",
    "Mozilla/5.0 (Linux; Android 16) Chrome/142.0 Mobile Safari/537.36",
    "OperatorApp/7.4 (Android 16)",
)
SEARCHES = ("valokuitu", "5g liittymä", "laskun maksu", "roaming hinta", "vaihda osoite", "äänikirja", "tv-paketti")
NETWORKS = ("192.0.2.0", "198.51.100.0", "203.0.113.0", "2001:db8:12::", "2001:db8:7f::")
SELLABLE = [offering.id for offering in OFFERINGS if not offering.retired]
# A visit ends after half an hour of silence: visits on one device keep well apart, gaps within one stay well below.
APART = timedelta(hours=3)
ARRIVES = timedelta(seconds=1)
# People sleep (UTC, so Finland is two or three hours ahead); nobody starts in the last three hours of a day, so that
# even the longest visit ends within the delivered days.
HOURS = range(21)
HOUR_WEIGHTS = (1, 1, 1, 1, 3, 5, 7, 8, 8, 9, 9, 9, 9, 10, 11, 13, 15, 16, 15, 11, 6)


@dataclass
class Visits:
    """What came in, and what it says about the customers.

    `arrivals` has (arrival, device, event as JSON) by arrival, `logins` the devices of a customer id, `sessions`
    the (start, end) of its last identified visit.
    """

    arrivals: list[tuple[datetime, str, bytes]] = field(default_factory=list)
    logins: dict[str, set[str]] = field(default_factory=dict)
    sessions: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)


def visit(settings: OperatorSettings, population: Population, products: list[Product]) -> Visits:
    """Every visit of the delivered days."""
    return _Site(settings, population).run(products)


class _Site:
    def __init__(self, settings: OperatorSettings, population: Population) -> None:
        self.settings = settings
        self.population = population
        self.dice: random.Random = settings.dice("visits")
        self.visits = Visits()
        self.end = settings.morning(2)
        self.busy: dict[str, list[tuple[datetime, datetime]]] = {}
        self.customers_of: dict[str, list[Customer]] = {}
        for customer in population.customers:
            self.customers_of.setdefault(customer.person.id, []).append(customer)

    def run(self, products: list[Product]) -> Visits:
        """Orders first, since their time is given, then everything else around them."""
        settings, dice = self.settings, self.dice
        for product in products:
            if product.online and settings.opening + timedelta(hours=1) < product.ordered_at < settings.morning(2):
                self._order(product)
        counts = settings.numbers("visits")
        for person, count in zip(
            self.population.people,
            counts.poisson(settings.days / 6, len(self.population.people)).tolist(),
            strict=True,
        ):
            if not person.devices:
                continue
            for _ in range(count):
                self._browse(person, self._some_time())
        # Passers-by that never log in.
        for _ in range(len(self.population.people) // 4):
            device = f"d-{dice.getrandbits(64):016x}"
            for _ in range(1 + int(np.clip(dice.expovariate(0.7), 0, 6))):
                start = self._some_time()
                if self._is_free(device, start):
                    self._walk(device, start, None)
        self.visits.arrivals.sort(key=lambda arrival: arrival[0])
        return self.visits

    def _some_time(self) -> datetime:
        dice = self.dice
        hour = dice.choices(HOURS, HOUR_WEIGHTS)[0]
        return self.settings.opening + timedelta(
            days=dice.randrange(self.settings.days), seconds=hour * 3_600 + dice.randrange(3_600)
        )

    def _is_free(self, device: str, start: datetime) -> bool:
        end = start + APART
        return all(end < taken or until + APART < start for taken, until in self.busy.get(device, ()))

    def _browse(self, person: Person, start: datetime) -> None:
        device = self.dice.choice(person.devices)
        if not self._is_free(device, start):
            return
        candidates = [
            customer
            for customer in self.customers_of[person.id]
            if customer.is_active_on(start) or (customer.role == "prospective" and customer.since <= start)
        ]
        knows = candidates and self.dice.random() < 0.45
        self._walk(device, start, self.dice.choice(candidates) if knows else None)

    def _order(self, product: Product) -> None:
        """The visit in which a product was ordered, to the second."""
        person, dice = product.customer.person, self.dice
        if not person.devices:
            person.devices.append(f"d-{dice.getrandbits(64):016x}")
        device = dice.choice(person.devices)
        moment = product.ordered_at
        steps = ["page_view", "product_view", "cart_add", "login", "order_placed"]
        times = [moment]
        for _ in steps[1:]:
            times.insert(0, times[0] - timedelta(seconds=dice.randrange(20, 240)))
        if self._is_free(device, times[0]):
            self._record(device, product.customer, steps, times, product.offering.id)

    def _walk(self, device: str, start: datetime, customer: Customer | None) -> None:
        """A visit without a fixed purpose."""
        dice = self.dice
        steps = ["page_view"]
        for _ in range(dice.choices((0, 1, 2, 3, 4, 6, 9), (12, 16, 18, 18, 16, 12, 8))[0]):
            steps.append(
                dice.choices(("page_view", "product_view", "search", "cart_add", "support_opened"), (45, 28, 12, 6, 9))[
                    0
                ]
            )
        if customer:
            steps.insert(dice.randrange(len(steps)) + 1, "login")
        times = [start]
        for _ in steps[1:]:
            times.append(times[-1] + timedelta(milliseconds=dice.randrange(4_000, 600_000)))
        self._record(device, customer, steps, times, dice.choice(SELLABLE))

    def _record(
        self, device: str, customer: Customer | None, steps: list[str], times: list[datetime], offering: str
    ) -> None:
        dice = self.dice
        self.busy.setdefault(device, []).append((times[0], times[-1]))
        source, campaign = dice.choice(CAMPAIGNS) if dice.random() < 0.3 else (None, None)
        agent, network = dice.choice(AGENTS), dice.choice(NETWORKS)
        offline = timedelta(seconds=dice.randrange(7_200, 172_800)) if dice.random() < 0.02 else timedelta(0)
        if times[-1] + offline + timedelta(seconds=30) >= self.end:
            offline = timedelta(0)
        known = None
        for place, (step, moment) in enumerate(zip(steps, times, strict=True)):
            if step == "login" and customer:
                known = customer.id
            sent = moment + offline + timedelta(milliseconds=dice.randrange(20, 3_000))
            event: Event = {
                "event_id": f"{dice.getrandbits(128):032x}",
                "event_type": step,
                "schema_version": "1-0-2",
                "occurred_at": _millis(moment),
                "sent_at": _millis(sent),
                "device_id": device,
                "page_url": f"{SITE}/{_PAGES[step]}",
                "ip": network,
                "user_agent": agent,
            }
            if known:
                event["customer_id"] = known
            if place == 0 and source:
                event |= {
                    "referrer": f"https://{source}.example.org/",
                    "utm_source": source,
                    "utm_campaign": campaign,
                }
            if step in ("product_view", "cart_add", "order_placed"):
                event["product_offering_id"] = offering
            if step == "search":
                event["search_term"] = dice.choice(SEARCHES)
            if dice.random() < 0.01:
                del event["sent_at"]
            self.visits.arrivals.append((sent + ARRIVES, device, orjson.dumps(event)))
        if customer and known:
            self.visits.logins.setdefault(customer.id, set()).add(device)
            session = (times[0], times[-1])
            self.visits.sessions[customer.id] = max(session, self.visits.sessions.get(customer.id, session))


_PAGES = {
    "page_view": "etusivu",
    "product_view": "kauppa/tuote",
    "search": "haku",
    "cart_add": "ostoskori",
    "order_placed": "ostoskori/kiitos",
    "login": "oma/kirjaudu",
    "support_opened": "tuki",
}


def _millis(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")[:23] + "Z"
