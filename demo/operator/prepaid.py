"""What prepaid customers put on their products, so that they can go on using them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from demo.operator.settings import midnight

if TYPE_CHECKING:
    from demo.operator.life import Product
    from demo.operator.settings import OperatorSettings
    from demo.operator.usage import Used

LOW = 20_000  # ten-thousandths of a euro
AMOUNTS = (500, 1_000, 2_000, 3_000)  # cents
CHANNELS = ("web", "app", "store", "sms")


@dataclass
class TopUp:
    """Money put on a product, in cents."""

    id: str
    product: Product
    at: datetime
    amount: int
    channel: str
    voucher: str | None


def top_up(settings: OperatorSettings, products: list[Product], used: Used) -> list[TopUp]:
    """Everybody's top-ups of the delivered days, by time: whenever the money runs low, and when it all begins."""
    dice = settings.dice("top-ups")
    made: list[TopUp] = []

    def put(product: Product, at: datetime) -> int:
        amount = dice.choices(AMOUNTS, (20, 40, 30, 10))[0]
        channel = dice.choices(CHANNELS, (25, 35, 25, 15))[0]
        voucher = f"{dice.randrange(10**13, 10**14)}" if channel == "store" else None
        made.append(TopUp("", product, at, amount, channel, voucher))
        return amount * 100

    for product in products:
        if not product.offering.is_prepaid or product.cancelled:
            continue
        left = dice.randrange(0, 60_000)
        if settings.opening <= product.starts_at < settings.morning(2):
            left = put(product, product.starts_at)
        for number, day in enumerate(settings.all_days):
            left -= int(used.charge[product.index, number])
            at = midnight(day) + timedelta(seconds=dice.randrange(6 * 3_600, 22 * 3_600))
            while left < LOW and product.starts_at < at and not (product.stops_at and product.stops_at <= at):
                left += put(product, at)
                at += timedelta(minutes=1)
    made.sort(key=lambda one: (one.at, one.product.index))
    for number, one in enumerate(made, 1):
        one.id = f"TU{40_000_000 + number}"
    return made
