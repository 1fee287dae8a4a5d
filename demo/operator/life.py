"""What the customers have: products ordered, started, suspended and ended (TMF637)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from demo.operator.catalogue import OFFERINGS, Offering, price
from demo.operator.population import between, msisdn
from demo.operator.settings import stamp

if TYPE_CHECKING:
    import random

    from demo.operator.population import Customer, Population
    from demo.operator.settings import OperatorSettings


@dataclass
class Product:
    """One installed product; `ends_at` is when it stops for good, `online` whether it was ordered on the web."""

    index: int
    id: str
    customer: Customer
    offering: Offering
    ordered_at: datetime
    starts_at: datetime
    ends_at: datetime | None
    msisdn: str | None
    cancelled: bool = False
    online: bool = False
    discount: int = 0  # cents a month, in the first half-year
    replaces: Product | None = None  # what ends when this starts, as a plan that is changed does
    recommendation_id: str | None = None  # what made the customer order it

    def status(self, moment: datetime) -> str | None:
        """How the inventory shows it at that moment; None before it was ordered."""
        if moment <= self.ordered_at:
            return None
        if self.cancelled:
            status = "cancelled" if moment >= self.ordered_at + timedelta(days=1) else "created"
        elif moment < self.starts_at:
            status = "created" if moment < self.ordered_at + timedelta(hours=6) else "pendingActive"
        elif self.ends_at and self.ends_at <= moment:
            status = "terminated"
        elif self.customer.suspended_at and self.customer.suspended_at <= moment:
            status = "suspended"
        elif self.ends_at and moment >= self.ends_at - timedelta(days=2):
            status = "pendingTerminate"
        else:
            status = "active"
        return status

    @property
    def stops_at(self) -> datetime | None:
        """When it can no longer be used: its end, or the customer's suspension."""
        moments = [moment for moment in (self.ends_at, self.customer.suspended_at) if moment]
        return min(moments) if moments else None


def live(settings: OperatorSettings, population: Population) -> Shop:
    """The shop with every product the customers ever had or ordered of their own accord."""
    shop = Shop(settings)
    eager = [customer for customer in population.customers if customer.role == "active"][:3]
    for customer in population.customers:
        if customer.active_from:
            shop.serve(customer, customer.active_from)
    # Whatever the dice say, the second morning has a product that starts, one just ordered and one that ends.
    day = settings.morning(1)
    add_ons = [offering for offering in OFFERINGS if offering.category == "add_on"]
    shop.sell(eager[0], add_ons[0], day - timedelta(hours=9), day + timedelta(hours=6), online=True)
    shop.sell(eager[1], add_ons[1], day + timedelta(hours=20), day + timedelta(hours=44), online=True)
    ending = shop.sell(eager[2], add_ons[2], settings.opening, settings.opening + timedelta(hours=3))
    ending.ends_at = day + timedelta(hours=11)
    return shop


class Shop:
    """Sells, and remembers every product, numbered from 0."""

    def __init__(self, settings: OperatorSettings) -> None:
        self.settings = settings
        self.dice: random.Random = settings.dice("life")
        self.products: list[Product] = []
        self.numbers = settings.customers  # the first ones are the people's own
        self.taken: set[tuple[str, str]] = set()
        self.by_category: dict[str, list[Offering]] = {}
        for offering in OFFERINGS:
            self.by_category.setdefault(offering.category, []).append(offering)

    def serve(self, customer: Customer, active_from: datetime) -> None:
        """Give one customer the products of a plausible life."""
        settings, dice = self.settings, self.dice
        end = min(customer.leaves_at or settings.morning(2), settings.morning(2))
        if customer.role == "active" and (settings.opening - active_from).days > 500 and dice.random() < 0.06:
            active_from = self._leave_and_return(customer, active_from)
        wanted = ["mobile" if dice.random() < 0.85 else "broadband"]
        for category, likely in (
            ("mobile", 0.22),
            ("broadband", 0.35),
            ("tv", 0.2),
            ("device", 0.15),
            ("add_on", 0.3),
        ):
            if dice.random() < likely:
                wanted.append(category)
        for place, category in enumerate(wanted):
            starts = active_from
            if place and dice.random() < 0.5:
                starts = between(dice, active_from, end)
            ordered = max(starts - timedelta(hours=4), customer.since)
            product = self.sell(customer, self._choose(category), ordered, starts)
            if place and dice.random() < 0.08 and product.starts_at < end:
                product.ends_at = between(dice, product.starts_at, end)
            elif not place and customer.role == "active" and dice.random() < 0.08:
                self._change_plan(product, between(dice, max(settings.opening, product.starts_at), end))
        if customer.role == "active" and dice.random() < 0.12:
            ordered = between(dice, settings.opening, settings.morning(2))
            category = dice.choice(("add_on", "add_on", "device", "tv", "broadband"))
            product = self.sell(
                customer,
                self._choose(category),
                ordered,
                ordered + timedelta(seconds=dice.randrange(12 * 3_600, 72 * 3_600)),
                online=dice.random() < 0.7,
            )
            product.cancelled = dice.random() < 0.1

    def _leave_and_return(self, customer: Customer, active_from: datetime) -> datetime:
        """A first subscription that ended long ago; gives when the customer came back."""
        dice = self.dice
        first = self.sell(customer, self._choose("broadband"), active_from, active_from)
        first.ends_at = active_from + timedelta(days=dice.randrange(120, 300), seconds=dice.randrange(86_400))
        return first.ends_at + timedelta(days=dice.randrange(60, 150))

    def _change_plan(self, product: Product, moment: datetime) -> None:
        """A dearer or a cheaper offering of the same category in place of the one that the customer has."""
        others = [
            offering
            for offering in self.by_category[product.offering.category]
            if offering is not product.offering and not offering.retired and not offering.is_prepaid
        ]
        ordered = max(moment - timedelta(hours=2), product.starts_at)
        new = self.sell(
            product.customer, self.dice.choice(others), ordered, moment, online=False, number=product.msisdn
        )
        new.replaces = product
        product.ends_at = moment

    def sell(
        self,
        customer: Customer,
        offering: Offering,
        ordered: datetime,
        starts: datetime,
        *,
        online: bool = False,
        number: str | None = None,
    ) -> Product:
        """One more product; it ends when the customer leaves. A mobile one has the given number, or a free one."""
        if offering.category == "mobile" and not number:
            number = customer.person.phone
            if (customer.person.id, number) in self.taken:
                number = msisdn(self.numbers)
                self.numbers += 1
            self.taken.add((customer.person.id, number))
        product = Product(
            index=len(self.products),
            id=f"PR{1_000_001 + len(self.products)}",
            customer=customer,
            offering=offering,
            ordered_at=ordered,
            starts_at=starts,
            ends_at=customer.leaves_at,
            msisdn=number,
            online=online,
            discount=500 if (offering.recurring or 0) >= 1490 and self.dice.random() < 0.2 else 0,
        )
        self.products.append(product)
        return product

    def _choose(self, category: str) -> Offering:
        offerings = self.by_category[category]
        return self.dice.choices(offerings, [offering.weight for offering in offerings])[0]


def product_json(product: Product, moment: datetime) -> dict[str, Any] | None:
    """The product as the inventory answers it at that moment; None if it does not exist yet."""
    status = product.status(moment)
    if status is None:
        return None
    record: dict[str, Any] = {
        "id": product.id,
        "href": f"/tmf-api/productInventory/v4/product/{product.id}",
        "name": product.offering.name,
        "status": status,
        "startDate": stamp(product.starts_at),
        "productOffering": {"id": product.offering.id},
        "relatedParty": [{"id": product.customer.id, "role": "customer"}],
        "productCharacteristic": [],
        "productPrice": [],
    }
    if product.ends_at and status in ("pendingTerminate", "terminated"):
        record["terminationDate"] = stamp(product.ends_at)
    if product.msisdn:
        record["productCharacteristic"].append({"name": "msisdn", "value": product.msisdn})
    if product.offering.recurring is not None:
        record["productPrice"].append(price("recurring", product.offering.recurring))
    return record
