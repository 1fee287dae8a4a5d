"""What was ordered, by whom and how: product orders as TMF622 has them, the guests' among them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from demo.operator.catalogue import OFFERINGS, Offering, price
from demo.operator.population import between
from demo.operator.settings import midnight, stamp

if TYPE_CHECKING:
    import random

    from demo.operator.life import Product
    from demo.operator.population import Customer, Person, Population
    from demo.operator.settings import OperatorSettings

GUESTS_WANT = [offering for offering in OFFERINGS if offering.category == "device"]


@dataclass
class Item:
    """One line of an order; `product` is None for what is not installed."""

    action: str
    offering: Offering
    product: Product | None = None


@dataclass
class Order:
    """One order; `ends_at` is when it has reached its last state, `outcome`. Amounts in cents."""

    customer: Customer | None
    ordered_at: datetime
    channel: str
    ends_at: datetime
    outcome: str = "completed"
    items: list[Item] = field(default_factory=list)
    contact: dict[str, str] = field(default_factory=dict)  # a guest's, by kind
    guest: Person | None = None  # who the guest is, if the operator knows her
    id: str = ""
    external_id: str | None = None

    @property
    def amount(self) -> int:
        """What it comes to: what is paid once, and the first month."""
        return sum(
            (item.offering.one_time or 0) + (item.offering.recurring or 0)
            for item in self.items
            if item.action == "add"
        )

    def state(self, moment: datetime) -> tuple[str, datetime] | None:
        """How it stands at that moment and since when; None if it has not been placed."""
        if moment <= self.ordered_at:
            return None
        if self.ends_at <= moment:
            return self.outcome, self.ends_at
        begun = self.ordered_at + timedelta(hours=2)
        return ("inProgress", begun) if begun <= moment else ("acknowledged", self.ordered_at)


@dataclass
class Orders:
    """All orders by time, and the one by which each product came (by product index)."""

    orders: list[Order]
    of_product: dict[int, Order]


def take(settings: OperatorSettings, population: Population, products: list[Product]) -> Orders:
    """The orders by which the products came and went, those that came to nothing, and the guests'."""
    desk = _Desk(settings)
    for product in products:
        desk.add(product)
        if product.ends_at and not product.cancelled:
            desk.end(product, product.ends_at)
    desk.replace_plans()
    lasting: dict[int, list[Product]] = {}
    for product in products:
        if product.starts_at < settings.opening and product.ends_at is None:
            lasting.setdefault(product.customer.index, []).append(product)
    for customer in population.customers:
        desk.wish(customer, lasting.get(customer.index, []))
    desk.guests(population)
    return desk.filed()


class _Desk:
    def __init__(self, settings: OperatorSettings) -> None:
        self.settings = settings
        self.dice: random.Random = settings.dice("orders")
        self.orders: list[Order] = []
        self.of_product: dict[int, Order] = {}
        self.together: dict[tuple[int, datetime, str], Order] = {}
        self.replaced: set[int] = set()
        self.has_refused = False

    def add(self, product: Product) -> None:
        """What a customer orders at the same second for the same day is one order."""
        order = self.together.get((product.customer.index, product.ordered_at, "add"))
        if order is None or product.online or product.cancelled:
            order = Order(product.customer, product.ordered_at, self._channel(product), product.starts_at)
            if product.cancelled:
                order.ends_at, order.outcome = product.ordered_at + timedelta(days=1), "cancelled"
            self.orders.append(order)
            if not product.online and not product.cancelled:
                self.together[product.customer.index, product.ordered_at, "add"] = order
        order.ends_at = max(order.ends_at, product.starts_at) if order.outcome == "completed" else order.ends_at
        order.items.append(Item("add", product.offering, product))
        self.of_product[product.index] = order
        if product.replaces:
            self.replaced.add(product.replaces.index)

    def _channel(self, product: Product) -> str:
        dice = self.dice
        if product.recommendation_id:
            return "web"
        if product.online:
            return dice.choices(("web", "app"), (75, 25))[0]
        if product.ordered_at < self.settings.opening:
            return dice.choices(("web", "app", "store", "phone"), (35, 10, 35, 20))[0]
        # Within the delivered days what comes from the web leaves events.
        return dice.choices(("store", "phone"), (60, 40))[0]

    def end(self, product: Product, ends_at: datetime) -> None:
        """Products that end at the same second were ended by one order, two days before."""
        order = self.together.get((product.customer.index, ends_at, "delete"))
        if order is None:
            channel = self.dice.choices(("phone", "store"), (80, 20))[0]
            order = Order(product.customer, ends_at - timedelta(days=2), channel, ends_at)
            self.together[product.customer.index, ends_at, "delete"] = order
            self.orders.append(order)
        order.ordered_at = min(max(order.ordered_at, product.ordered_at), ends_at)
        order.items.append(Item("delete", product.offering, product))

    def replace_plans(self) -> None:
        """Who changes a plan orders the new one and ends the old one at once."""
        for order in self.orders:
            old = [item.product.replaces for item in order.items if item.product and item.product.replaces]
            if order.items[0].action == "add":
                order.items[:0] = [Item("delete", product.offering, product) for product in old]
            else:
                order.items = [i for i in order.items if i.product is None or i.product.index not in self.replaced]
        self.orders = [order for order in self.orders if order.items]

    def wish(self, customer: Customer, installed: list[Product]) -> None:
        """Some who are no customers yet do not pass the credit check; some customers have a product changed."""
        dice, settings = self.dice, self.settings
        if customer.role == "prospective" and (dice.random() < 0.5 or not self.has_refused):
            self.has_refused = True
            start = max(settings.opening, customer.since)
            ordered = between(dice, start, settings.morning(2))
            offering = dice.choice([offering for offering in OFFERINGS if offering.category == "mobile"])
            order = Order(customer, ordered, "phone", ordered + timedelta(minutes=dice.randrange(5, 90)), "failed")
            order.items.append(Item("add", offering))
            self.orders.append(order)
        if installed and customer.role == "active" and dice.random() < 0.06:
            ordered = between(dice, settings.opening, settings.morning(2))
            order = Order(customer, ordered, "store", ordered + timedelta(minutes=dice.randrange(5, 30)))
            for product, action in zip(installed, ("modify", "noChange"), strict=False):
                order.items.append(Item(action, product.offering, product))
            self.orders.append(order)

    def guests(self, population: Population) -> None:
        """People who order without saying who they are; some the operator knows, some it does not."""
        dice, settings = self.dice, self.settings
        reach = population.reached_by()
        known = [person for person in population.people if person.emails and person.devices]
        for person in dice.sample(known, min(len(known), max(2, len(known) // 50))):
            ordered = self._when()
            ways = [way for way in reach[person.id] if way.holds(stamp(ordered))]
            emails = [way.value for way in ways if way.kind == "email"]
            if not emails:
                continue
            contact = {"email": as_typed(dice.choice(emails), dice)}
            phones = [way.value for way in ways if way.kind == "phone"]
            if phones and dice.random() < 0.5:
                contact["phone"] = as_typed(phones[0], dice)
            self._guest(ordered, contact, person)
        for number in range(max(1, settings.customers // 150)):
            self._guest(self._when(), {"email": f"vieras{number + 1}@example.net"}, None)

    def _when(self) -> datetime:
        """A moment of the day between the release of the shop and the last hours."""
        dice, settings = self.dice, self.settings
        first = (settings.release - settings.opening).days
        day = settings.all_days[dice.randrange(first, settings.days)]
        return midnight(day) + timedelta(seconds=dice.randrange(7 * 3_600, 20 * 3_600))

    def _guest(self, ordered: datetime, contact: dict[str, str], person: Person | None) -> None:
        order = Order(None, ordered, "web", ordered + timedelta(hours=self.dice.randrange(20, 80)))
        order.items.append(Item("add", self.dice.choice(GUESTS_WANT)))
        order.contact, order.guest = contact, person
        self.orders.append(order)

    def filed(self) -> Orders:
        """Numbered in the order in which they were placed; the web shop has numbers of its own."""
        placed = enumerate(
            sorted(self.orders, key=lambda order: (order.ordered_at, order.customer.index if order.customer else -1))
        )
        orders = []
        for number, order in placed:
            order.id = f"OR{4_000_001 + number}"
            if order.channel == "web":
                order.external_id = f"W{70_000_001 + number * 7}"
            orders.append(order)
        return Orders(orders, self.of_product)


def as_typed(value: str, dice: random.Random) -> str:
    """An e-mail address or a phone number as people write them."""
    if "@" in value:
        name, _, host = value.partition("@")
        return dice.choices((value, f"{name.title()}@{host}", f"{value} "), (70, 20, 10))[0]
    short = f"0{value.removeprefix('+358')}"
    return dice.choices((value, short, f"{short[:3]} {short[3:6]} {short[6:]}"), (50, 30, 20))[0]


def contact_json(contact: dict[str, str]) -> list[dict[str, str]]:
    """How somebody can be reached, as TM Forum's APIs write it."""
    names = {"email": "emailAddress", "phone": "phoneNumber"}
    return [{"contactType": kind, names[kind]: value} for kind, value in contact.items()]


def order_json(order: Order, moment: datetime) -> dict[str, Any] | None:
    """The order as order management answers it at that moment; None if it has not been placed."""
    stands = order.state(moment)
    if stands is None:
        return None
    state, since = stands
    record: dict[str, Any] = {
        "id": order.id,
        "href": f"/tmf-api/productOrderingManagement/v4/productOrder/{order.id}",
        "state": state,
        "orderDate": stamp(order.ordered_at),
        "lastUpdate": stamp(since),
        "channel": [{"name": order.channel}],
        "productOrderItem": [_item_json(order, place) for place in range(len(order.items))],
    }
    if state == "completed":
        record["completionDate"] = stamp(since)
    if order.external_id:
        record["externalId"] = order.external_id
    if order.customer:
        record["relatedParty"] = [{"id": order.customer.id, "role": "customer"}]
    else:
        record["relatedContactInformation"] = contact_json(order.contact)
    return record


def _item_json(order: Order, place: int) -> dict[str, Any]:
    item = order.items[place]
    record: dict[str, Any] = {
        "id": f"{order.id}-{place + 1}",
        "action": item.action,
        "quantity": 1,
        "productOffering": {"id": item.offering.id},
        "itemPrice": [],
    }
    if item.product:
        record["product"] = {"id": item.product.id}
    if item.offering.recurring is not None:
        record["itemPrice"].append(price("recurring", item.offering.recurring))
    if item.offering.one_time is not None and item.action == "add":
        record["itemPrice"].append(price("oneTime", item.offering.one_time))
    return record
