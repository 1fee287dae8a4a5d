"""Visits to the web shop and the app: the events they leave, and which customer logged in on which device.

Besides people there are two crawlers, and a screen in a shop that reloads its page for days. Nobody logs in there, and
only passers-by come back by another campaign within one visit: the visits of customers are the same by any rule.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import orjson

from demo.operator.catalogue import OFFERINGS
from demo.operator.settings import midnight

if TYPE_CHECKING:
    import random

    from demo.operator.life import Product
    from demo.operator.orders import Order, Orders
    from demo.operator.population import Customer, Person, Population
    from demo.operator.recommend import Recommendation, Recommendations
    from demo.operator.settings import OperatorSettings

Event = dict[str, Any]

SITE = "https://www.example.com"
CAMPAIGNS = (
    ("search", "cpc", "syysetu"),
    ("social", "paid_social", "valokuitu-2026"),
    ("newsletter", "email", "uutiskirje-10"),
)
# The app is old: it keeps to the first version of the events.
APP = "OperatorApp/7.4 (Android 16)"
AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Firefox/140.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) Mobile/15E148",
    "Mozilla/5.0 (Linux; Android 16) Chrome/142.0 Mobile Safari/537.36",
    APP,
)
BOTS = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
)
SCREEN = "Mozilla/5.0 (X11; CrOS x86_64 16093.0.0) Chrome/141.0 Safari/537.36"
OLD, NEW = "1-0-2", "1-1-0"
# Only the newer version of the events has these.
NEW_TYPES = frozenset({"page_ping", "cart_remove", "cart_checkout", "recommendation_shown", "recommendation_clicked"})
NEW_FIELDS = ("utm_medium", "order_id", "order_amount", "recommendation_id", "engaged_seconds")
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
    the (start, end) of its last identified visit; `ordered` the devices of people who ordered as guests; `shown` and
    `clicked` the moments of a recommendation.
    """

    arrivals: list[tuple[datetime, str, bytes]] = field(default_factory=list)
    logins: dict[str, set[str]] = field(default_factory=dict)
    sessions: dict[str, tuple[datetime, datetime]] = field(default_factory=dict)
    ordered: dict[str, set[str]] = field(default_factory=dict)
    shown: dict[str, list[datetime]] = field(default_factory=dict)
    clicked: dict[str, list[datetime]] = field(default_factory=dict)


class Step(NamedTuple):
    """One event to be: when, what, and its own fields."""

    at: datetime
    kind: str
    more: Event


def visit(
    settings: OperatorSettings,
    population: Population,
    products: list[Product],
    orders: Orders,
    recommendations: Recommendations,
) -> Visits:
    """Every visit of the delivered days."""
    return _Site(settings, population, recommendations).run(products, orders)


class _Site:
    def __init__(self, settings: OperatorSettings, population: Population, recommendations: Recommendations) -> None:
        self.settings = settings
        self.population = population
        self.recommendations = recommendations
        self.dice: random.Random = settings.dice("visits")
        self.visits = Visits()
        self.end = settings.morning(2)
        self.busy: dict[str, list[tuple[datetime, datetime]]] = {}
        self.customers_of: dict[str, list[Customer]] = {}
        for customer in population.customers:
            self.customers_of.setdefault(customer.person.id, []).append(customer)

    def run(self, products: list[Product], orders: Orders) -> Visits:
        """Orders first, since their time is given, then everything else around them."""
        settings, dice = self.settings, self.dice
        ordered = [
            product
            for product in products
            if product.online and settings.opening + timedelta(hours=1) < product.ordered_at < settings.morning(2)
        ]
        # What a recommendation has led to comes before the rest, which may then find the device busy.
        for product in sorted(ordered, key=lambda product: product.recommendation_id is None):
            self._order(product, orders.of_product[product.index])
        for order in orders.orders:
            if order.customer is None:
                self._order_as_guest(order)
        for household in self.population.households:
            for customer in household:
                self._log_in(customer, household[0].person.devices[0])
        counts = self._counts()
        for person, count in zip(self.population.people, counts, strict=True):
            if not person.devices:
                continue
            for _ in range(count):
                self._browse(person, self._some_time())
        # Passers-by that never log in.
        for _ in range(len(self.population.people) // 4):
            device = self._device()
            for _ in range(1 + int(np.clip(dice.expovariate(0.7), 0, 6))):
                start = self._some_time()
                if self._is_free(device, start):
                    self._walk(device, start, None)
        self._crawl()
        self._reload()
        self.visits.arrivals.sort(key=lambda arrival: arrival[0])
        return self.visits

    def _counts(self) -> list[int]:
        """How often each person comes: one in fifty nearly every day, and who gets what she did not agree to."""
        people, days = self.population.people, self.settings.days
        counts: list[int] = self.settings.numbers("visits").poisson(days / 6, len(people)).tolist()
        unwilling = self.recommendations.unwilling
        for place, person in enumerate(people):
            if place % 50 == 7 or (unwilling and person is unwilling.person):
                counts[place] += days
        return counts

    def _device(self) -> str:
        return f"d-{self.dice.getrandbits(64):016x}"

    def _some_time(self) -> datetime:
        dice = self.dice
        hour = dice.choices(HOURS, HOUR_WEIGHTS)[0]
        return self.settings.opening + timedelta(
            days=dice.randrange(self.settings.days), seconds=hour * 3_600 + dice.randrange(3_600)
        )

    def _is_free(self, device: str, start: datetime) -> bool:
        end = start + APART
        return all(end < taken or until + APART < start for taken, until in self.busy.get(device, ()))

    def _log_in(self, customer: Customer, device: str) -> None:
        """A visit of somebody to be seen on a device, at the first of some moments at which it is free."""
        for start in (self._some_time() for _ in range(20)):
            if self._is_free(device, start):
                self._walk(device, start, customer)
                break

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

    # --- visits that end with an order ------------------------------------------------------------------

    def _order(self, product: Product, order: Order) -> None:
        """The visit in which a product was ordered, to the second."""
        customer = product.customer
        kinds: list[tuple[str, Event]] = [("page_view", {}), ("login", {})]
        mine = self.recommendations.on_the_web(customer, product.ordered_at)
        taken = [one for one in mine if one.offering is product.offering]
        if product.recommendation_id and taken:
            # Whichever place she saw it at: the web shop shows it at each.
            kinds += [(kind, _about(taken[0])) for kind in ("recommendation_shown", "recommendation_clicked")]
        wanted = {"product_offering_id": product.offering.id}
        kinds += [("product_view", wanted), ("cart_add", wanted), ("cart_checkout", {})]
        self._buy(customer.person, customer, kinds, order, APP if order.channel == "app" else None)

    def _order_as_guest(self, order: Order) -> None:
        wanted = {"product_offering_id": order.items[0].offering.id}
        kinds: list[tuple[str, Event]] = [("page_view", {}), ("product_view", wanted), ("cart_add", wanted)]
        kinds.append(("cart_checkout", {}))
        device = self._buy(order.guest, None, kinds, order, None)
        if device and order.guest:
            self.visits.ordered.setdefault(order.guest.id, set()).add(device)

    def _buy(
        self,
        person: Person | None,
        customer: Customer | None,
        kinds: list[tuple[str, Event]],
        order: Order,
        agent: str | None,
    ) -> str | None:
        """A visit whose steps lead up to the order; gives the device, None if it was busy then."""
        dice = self.dice
        if person and not person.devices:
            person.devices.append(self._device())
        device = dice.choice(person.devices) if person else self._device()
        placed = {
            "product_offering_id": next(item.offering.id for item in order.items if item.action == "add"),
            "order_id": order.external_id,
            "order_amount": order.amount / 100,
        }
        steps = [Step(order.ordered_at, "order_placed", placed)]
        for kind, more in reversed(kinds):
            steps.insert(0, Step(steps[0].at - timedelta(seconds=dice.randrange(20, 240)), kind, more))
        if not self._is_free(device, steps[0].at):
            return None
        self._record(device, customer, steps, agent or dice.choice(AGENTS[:3]))
        return device

    # --- visits without a fixed purpose -----------------------------------------------------------------

    def _walk(self, device: str, start: datetime, customer: Customer | None) -> None:
        dice = self.dice
        kinds = ["page_view"]
        for _ in range(dice.choices((0, 1, 2, 3, 4, 6, 9), (12, 16, 18, 18, 16, 12, 8))[0]):
            kinds.append(
                dice.choices(("page_view", "product_view", "search", "cart_add", "support_opened"), (45, 28, 12, 6, 9))[
                    0
                ]
            )
        login = len(kinds)
        if customer:
            login = dice.randrange(len(kinds)) + 1
            kinds.insert(login, "login")
        offering = dice.choice(SELLABLE)
        agent = dice.choice(AGENTS)
        is_new = agent != APP and start >= self.settings.release
        shows = self.recommendations.on_the_web(customer, start) if customer and is_new else []
        steps: list[Step] = []
        moment = start
        for place, kind in enumerate(kinds):
            more: Event = {"product_offering_id": offering} if kind in OF_AN_OFFERING else {}
            if kind == "search":
                more = {"search_term": dice.choice(SEARCHES)}
            steps.append(Step(moment, kind, more))
            gap = timedelta(milliseconds=dice.randrange(4_000, 600_000))
            if is_new:
                steps += self._besides(kind, moment, gap, offering)
                if shows and (place == login or (place > login and kind == "page_view")):
                    steps += self._show(shows, "my_pages" if place == login else "web_home", moment, gap)
            moment += gap
        if customer is None and len(steps) > 3 and dice.random() < 0.08:
            # Somebody who comes back by another campaign, within minutes.
            middle = len(steps) // 2
            steps[middle] = steps[middle]._replace(kind="page_view", more=_came_by(dice.choice(CAMPAIGNS)))
        self._record(device, customer, steps, agent)

    def _besides(self, kind: str, moment: datetime, gap: timedelta, offering: str) -> list[Step]:
        """What the newer version of the events also tells, before the next step."""
        dice = self.dice
        besides = []
        seconds = gap.total_seconds()
        if kind in ("page_view", "product_view") and seconds > 20 and dice.random() < 0.5:
            read = dice.randrange(5, min(60, int(seconds) - 5))
            besides.append(Step(moment + timedelta(seconds=read + 2), "page_ping", {"engaged_seconds": read}))
        if kind == "cart_add" and dice.random() < 0.5:
            wanted = {"product_offering_id": offering}
            after = dice.choice((("cart_remove", wanted), ("cart_checkout", {})))
            besides.append(Step(moment + gap / 2, *after))
        return besides

    def _show(self, shows: list[Recommendation], placement: str, moment: datetime, gap: timedelta) -> list[Step]:
        """The recommendations of a page, seldom clicked."""
        dice = self.dice
        steps = []
        for place, one in enumerate(one for one in shows if one.placement == placement):
            shown = moment + gap * (0.2 + 0.1 * place)
            steps.append(Step(shown, "recommendation_shown", _about(one)))
            if dice.random() < 0.06:
                steps.append(Step(shown + gap / 20, "recommendation_clicked", _about(one)))
        return steps

    # --- what is nobody's visit -------------------------------------------------------------------------

    def _crawl(self) -> None:
        """Two crawlers: one keeps its cookie, the other comes as a new device every day."""
        dice = self.dice
        kept = self._device()
        for number, day in enumerate(self.settings.all_days):
            for bot, device in zip(BOTS, (kept, self._device()), strict=True):
                moment = midnight(day) + timedelta(seconds=3_600 + 1_800 * (number % 7) + dice.randrange(600))
                steps = []
                for _ in range(24):
                    kind = dice.choice(("page_view", "product_view"))
                    more = {"product_offering_id": dice.choice(SELLABLE)} if kind == "product_view" else {}
                    steps.append(Step(moment, kind, more))
                    moment += timedelta(milliseconds=dice.randrange(1_000, 9_000))
                self._record(device, None, steps, bot, by_campaign=False)

    def _reload(self) -> None:
        """A screen in a shop that reloads its page every ten minutes, for four days without an end."""
        first = self.settings.opening + timedelta(days=self.settings.days // 2, hours=6)
        steps = [Step(first + timedelta(minutes=10 * number), "page_view", {}) for number in range(6 * 24 * 4)]
        self._record(self._device(), None, steps, SCREEN, by_campaign=False)

    # --- events -----------------------------------------------------------------------------------------

    def _record(
        self,
        device: str,
        customer: Customer | None,
        steps: list[Step],
        agent: str,
        *,
        by_campaign: bool = True,
    ) -> None:
        """Write a visit's events, in the version that this browser or app sends at that time."""
        dice = self.dice
        version = NEW if agent != APP and steps[0].at >= self.settings.release else OLD
        if version == OLD:
            steps = [step for step in steps if step.kind not in NEW_TYPES]
        began, ended = steps[0].at, max(step.at for step in steps)
        self.busy.setdefault(device, []).append((began, ended))
        source = dice.choice(CAMPAIGNS) if by_campaign and dice.random() < 0.3 else None
        network = dice.choice(NETWORKS)
        offline = timedelta(seconds=dice.randrange(7_200, 172_800)) if dice.random() < 0.02 else timedelta(0)
        if ended + offline + timedelta(seconds=30) >= self.end:
            offline = timedelta(0)
        known = None
        for place, step in enumerate(steps):
            if step.kind == "login" and customer:
                known = customer.id
            sent = step.at + offline + timedelta(milliseconds=dice.randrange(20, 3_000))
            event: Event = {
                "event_id": f"{dice.getrandbits(128):032x}",
                "event_type": step.kind,
                "schema_version": version,
                "occurred_at": _millis(step.at),
                "sent_at": _millis(sent),
                "device_id": device,
                "page_url": f"{SITE}/{_PAGES[step.kind]}",
                "ip": network,
                "user_agent": agent,
            }
            if known:
                event["customer_id"] = known
            if place == 0 and source:
                event |= _came_by(source)
            event |= step.more
            if version == OLD:
                for name in NEW_FIELDS:
                    event.pop(name, None)
            if dice.random() < 0.01:
                del event["sent_at"]
            # a copy: the encoder's own bytes keep the four kilobytes that they were written into
            line = bytes(memoryview(orjson.dumps(event)))
            self.visits.arrivals.append((sent + ARRIVES, device, line))
            if "recommendation_id" in event:
                seen = self.visits.shown if step.kind == "recommendation_shown" else self.visits.clicked
                seen.setdefault(event["recommendation_id"], []).append(step.at)
        if customer and known:
            self.visits.logins.setdefault(customer.id, set()).add(device)
            session = (began, ended)
            self.visits.sessions[customer.id] = max(session, self.visits.sessions.get(customer.id, session))


_PAGES = {
    "page_view": "etusivu",
    "page_ping": "etusivu",
    "product_view": "kauppa/tuote",
    "search": "haku",
    "cart_add": "ostoskori",
    "cart_remove": "ostoskori",
    "cart_checkout": "ostoskori/kassa",
    "order_placed": "ostoskori/kiitos",
    "recommendation_shown": "oma",
    "recommendation_clicked": "oma",
    "login": "oma/kirjaudu",
    "support_opened": "tuki",
}
OF_AN_OFFERING = ("product_view", "cart_add")


def _about(one: Recommendation) -> Event:
    return {"recommendation_id": one.id, "product_offering_id": one.offering.id}


def _came_by(campaign: tuple[str, str, str]) -> Event:
    source, medium, name = campaign
    return {
        "referrer": f"https://{source}.example.org/",
        "utm_source": source,
        "utm_medium": medium,
        "utm_campaign": name,
    }


def _millis(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds")[:23] + "Z"
