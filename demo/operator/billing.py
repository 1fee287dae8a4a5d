"""Bills, the items they are made of, the payments that follow (TMF678), and the reminders if they do not."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

from demo.operator.population import CYCLE_DAYS

if TYPE_CHECKING:
    import random

    from demo.operator.life import Product
    from demo.operator.population import Customer, Population
    from demo.operator.settings import OperatorSettings
    from demo.operator.usage import Used

# Finnish value added tax: 25.5 % of the net price, so 255/1255 of the gross.
TAX_NUMERATOR, TAX_DENOMINATOR = 255, 1255
# Days after the due date and fee in cents of the reminder, the second one, and the transfer to collection.
DUNNING = ((3, 0), (17, 500), (31, 1400))


@dataclass
class Item:
    """One line of a bill; amount in cents including tax, quantity in ten-thousandths."""

    id: str
    product: Product | None
    description: str
    charge_type: str
    quantity: int
    amount: int


@dataclass
class Bill:
    """One bill: the sum of its items, tax shown."""

    number: str
    customer: Customer
    day: date
    period_start: date
    period_end: date
    due: date
    items: list[Item] = field(default_factory=list)

    @property
    def amount(self) -> int:
        """Cents to pay."""
        return sum(item.amount for item in self.items)

    @property
    def tax(self) -> int:
        """The tax within the amount, in cents, rounded half up."""
        return (self.amount * TAX_NUMERATOR * 2 + TAX_DENOMINATOR) // (TAX_DENOMINATOR * 2)


@dataclass
class Payment:
    """Money that came in for a bill, in cents."""

    id: str
    bill: Bill
    day: date
    amount: int
    method: str


@dataclass
class Notice:
    """A reminder of a bill; the fee in cents."""

    id: str
    bill: Bill
    day: date
    level: int
    fee: int


@dataclass
class Billing:
    """Bills, payments and reminders, ordered by day."""

    bills: list[Bill]
    payments: list[Payment]
    notices: list[Notice]


def run(settings: OperatorSettings, population: Population, products: list[Product], used: Used) -> Billing:
    """Every billing run of the delivered days and every payment that arrived within them."""
    of_customer: dict[int, list[Product]] = {}
    for product in products:
        if not product.cancelled:
            of_customer.setdefault(product.customer.index, []).append(product)
    bills = []
    item_number = 0
    for day in settings.all_days:
        cycle = _cycle(day)
        if cycle is None:
            continue
        for customer in population.customers:
            if customer.cycle_day != cycle or customer.index not in of_customer:
                continue
            bill = _bill(settings, day, customer, of_customer[customer.index], used)
            if bill is None:
                continue
            for item in bill.items:
                item_number += 1
                item.id = f"BI{10_000_000 + item_number}"
            bills.append(bill)
    payments = _payments(settings, bills)
    return Billing(bills, payments, _notices(settings, bills, payments))


def _cycle(day: date) -> int | None:
    if (day + timedelta(days=1)).day == 1:
        return 31
    return day.day if day.day in CYCLE_DAYS else None


def _previous(day: date, cycle: int) -> date:
    """The billing run before this one."""
    before = day.replace(day=1) - timedelta(days=1)
    return before if cycle == 31 else before.replace(day=cycle)


def _bill(
    settings: OperatorSettings, day: date, customer: Customer, products: list[Product], used: Used
) -> Bill | None:
    start, end = _previous(day, customer.cycle_day), day - timedelta(days=1)
    length = (end - start).days + 1
    first = max(0, (start - settings.first_day).days)
    after = max(0, (end - settings.first_day).days + 1)
    bill = Bill(f"{day:%Y%m%d}{customer.index:06d}", customer, day, start, end, day + timedelta(days=14))
    for product in products:
        begins = max(start, product.starts_at.date())
        ends = min(end, product.ends_at.date()) if product.ends_at else end
        days = (ends - begins).days + 1
        if days <= 0:
            continue
        _charge(bill, product, days, length, begins == product.starts_at.date())
        # Prepaid usage is paid by what has been put on the product.
        amount = 0 if product.offering.is_prepaid else int(used.charge[product.index, first:after].sum())
        if amount >= 50:
            count = int(used.charged[product.index, first:after].sum())
            bill.items.append(
                Item("", product, "Käyttö: puhelut 0,069 €/min; viestit", "usage", count * 10_000, (amount + 50) // 100)
            )
    return bill if bill.items and bill.amount > 0 else None


def _charge(bill: Bill, product: Product, days: int, length: int, is_first: bool) -> None:
    """The monthly price by the days it was had, what is paid once, and the discount of the first half-year."""
    offering = product.offering
    if offering.recurring:
        amount = (offering.recurring * days * 2 + length) // (length * 2)
        share = days * 10_000 // length
        bill.items.append(
            Item("", product, f"{offering.name}, kuukausimaksu", "recurring", share, amount),
        )
        young = (bill.day - product.starts_at.date()).days < 183
        if product.discount and young and amount > product.discount:
            bill.items.append(Item("", product, "Etu: 5 € / kk", "discount", 10_000, -product.discount))
    if offering.one_time and is_first:
        bill.items.append(Item("", product, f"{offering.name}, kertamaksu", "one_off", 10_000, offering.one_time))


def _payments(settings: OperatorSettings, bills: list[Bill]) -> list[Payment]:
    dice = settings.dice("payments")
    plan: list[tuple[date, str, int, Bill]] = []
    for place, bill in enumerate(bills):
        # Whatever the dice say, the first bill of all is reminded of.
        paid = _pays(bill, dice) if place else [(bill.due + timedelta(days=10), bill.amount)]
        plan += [(day, bill.number, amount, bill) for day, amount in paid]
    plan.sort(key=lambda entry: entry[:3])
    return [
        Payment(f"PM{20_000_000 + number}", bill, day, amount, bill.customer.method)
        for number, (day, _, amount, bill) in enumerate(plan, 1)
        if day <= settings.last_day
    ]


def _notices(settings: OperatorSettings, bills: list[Bill], payments: list[Payment]) -> list[Notice]:
    """A letter on each day of the dunning calendar on which a bill is not paid in full."""
    paid: dict[str, list[tuple[date, int]]] = {}
    for payment in payments:
        paid.setdefault(payment.bill.number, []).append((payment.day, payment.amount))
    plan = []
    for bill in bills:
        for level, (days, fee) in enumerate(DUNNING, 1):
            day = bill.due + timedelta(days=days)
            received = sum(amount for paid_on, amount in paid.get(bill.number, ()) if paid_on < day)
            if day > settings.last_day or received >= bill.amount:
                break
            plan.append((day, bill.number, level, fee, bill))
    plan.sort(key=lambda entry: entry[:3])
    return [
        Notice(f"DN{30_000_000 + number}", bill, day, level, fee)
        for number, (day, _, level, fee, bill) in enumerate(plan, 1)
    ]


def _pays(bill: Bill, dice: random.Random) -> list[tuple[date, int]]:
    """When and how much: mostly at once and in time, sometimes late, sometimes in two halves, sometimes never."""
    pays = bill.customer.pays
    if pays == "never":
        return []
    if pays == "late":
        return [(bill.due + timedelta(days=dice.randrange(2, 26)), bill.amount)]
    day = bill.due - timedelta(days=dice.choice((0, 0, 0, 1, 1, 2, 3, 5, 8, 11)))
    if dice.random() < 0.03 and bill.amount > 1:
        half = bill.amount // 2
        return [(day, half), (day + timedelta(days=dice.randrange(3, 15)), bill.amount - half)]
    return [(day, bill.amount)]
