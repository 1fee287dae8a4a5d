"""What the products are used for: calls, messages and data, a day at a time and whole columns at a time."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from demo.operator.settings import midnight

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from demo.operator.life import Product
    from demo.operator.settings import OperatorSettings

Numbers = np.ndarray[Any, np.dtype[Any]]

SCHEMA = pa.schema(
    [
        ("usage_id", pa.string()),
        ("usage_date", pa.timestamp("us", tz="UTC")),
        ("usage_type", pa.string()),
        ("product_id", pa.string()),
        ("msisdn", pa.string()),
        ("status", pa.string()),
        ("duration_seconds", pa.int64()),
        ("data_bytes", pa.int64()),
        ("message_count", pa.int64()),
        ("rated_amount", pa.decimal128(18, 4)),
        ("is_roaming", pa.bool_()),
        ("visited_country", pa.string()),
    ]
)
VOICE, SMS, DATA = 0, 1, 2
TYPES = pa.array(["voice", "sms", "data"])
# The first seven are in the EU or EEA, where roaming costs nothing extra.
COUNTRIES = ("SE", "EE", "NO", "DE", "ES", "IT", "GR", "US", "TH", "GB")
COUNTRY_WEIGHTS = (0.22, 0.2, 0.08, 0.08, 0.14, 0.08, 0.06, 0.05, 0.05, 0.04)
FAR = 7
# How a day is spread over its hours (UTC), for people and for machines that sync at night.
HOURS_TALK = np.array([1, 1, 1, 1, 2, 4, 8, 12, 14, 15, 15, 15, 16, 16, 17, 18, 17, 15, 13, 10, 7, 4, 2, 1], float)
HOURS_DATA = np.array([3, 2, 2, 2, 3, 6, 9, 10, 9, 9, 10, 10, 10, 11, 12, 14, 17, 20, 22, 22, 19, 14, 9, 5], float)


@dataclass
class Used:
    """Sums over the accepted rows, by product index (rows) and delivered day (columns).

    `charge` is in ten-thousandths of a euro, `charged` counts the rows that cost something, both on the day on which
    they are rated; the totals of the last 30 days are by product only.
    """

    charge: Numbers
    charged: Numbers
    recent: dict[str, Numbers] = field(default_factory=dict)


class Meter:
    """Generates the usage of each day and keeps the sums that bills and truth need."""

    def __init__(self, settings: OperatorSettings, products: list[Product]) -> None:
        self.settings = settings
        self.rng = settings.numbers("usage")
        count = len(products)
        self.used = Used(np.zeros((count, settings.days), np.int64), np.zeros((count, settings.days), np.int64))
        for column in ("data_bytes", "duration_seconds", "message_count", "rated_amount"):
            self.used.recent[column] = np.zeros(count, np.int64)
        self.ids = pa.array([product.id for product in products], pa.string())
        self.msisdns = pa.array([product.msisdn for product in products], pa.string())
        never = int(settings.morning(400).timestamp())
        self.starts = np.array([int(product.starts_at.timestamp()) for product in products])
        self.stops = np.array(
            [int(product.stops_at.timestamp()) if product.stops_at else never for product in products]
        )
        self.stops[[product.index for product in products if product.cancelled]] = 0
        categories = np.array([product.offering.category for product in products])
        self.mobile = np.flatnonzero(categories == "mobile")
        self.broadband = np.flatnonzero(categories == "broadband")
        self.metered = np.array(
            [product.offering.id in ("PO-1001", "PO-1005") or product.offering.is_prepaid for product in products]
        )
        self.waiting: dict[int, list[pa.Table]] = {}
        self.appetite = self.rng.lognormal(-0.2, 0.6, count)
        self._plan_trips(count)

    def _plan_trips(self, count: int) -> None:
        """A third of the products travel once; in summer weeks twice as likely as else."""
        days = self.settings.all_days
        weights = np.array([2.0 if day.month in (6, 7, 8) else 1.0 for day in days])
        self.trip_starts = self.rng.choice(len(days), count, p=weights / weights.sum())
        self.trip_ends = self.trip_starts + self.rng.integers(2, 11, count)
        self.trip_starts[self.rng.random(count) > 0.33] = len(days) + 400
        self.trip_country = self.rng.choice(len(COUNTRIES), count, p=COUNTRY_WEIGHTS)

    def days(self) -> Iterator[tuple[date, pa.Table]]:
        """The clean usage of each delivered day, ordered by time, and what is rated then of days before."""
        for number, day in enumerate(self.settings.all_days):
            yield day, pa.concat_tables([self._day(number, day), *self.waiting.pop(number, ())])

    def _day(self, number: int, day: date) -> pa.Table:
        rng = self.rng
        begins = int(midnight(day).timestamp())
        weekend = day.weekday() >= 5
        usable = self.mobile[(self.starts[self.mobile] < begins + 86_400) & (self.stops[self.mobile] > begins)]
        appetite = self.appetite[usable]
        parts = []
        for usage_type, mean in ((VOICE, 1.3 if weekend else 1.6), (SMS, 0.7), (DATA, 3.2 if weekend else 2.7)):
            product = np.repeat(usable, rng.poisson(mean * appetite))
            hours = HOURS_DATA if usage_type == DATA else HOURS_TALK
            hour = rng.choice(24, len(product), p=hours / hours.sum())
            parts.append(
                (np.full(len(product), usage_type), product, hour * 3_600 + rng.integers(0, 3_600, len(product)))
            )
        home = self.broadband[(self.starts[self.broadband] < begins + 86_400) & (self.stops[self.broadband] > begins)]
        parts.append((np.full(len(home), DATA), home, 86_400 - rng.integers(1, 1_800, len(home))))
        kind, product, second = (np.concatenate(column) for column in zip(*parts, strict=True))
        moment = begins + second
        order = np.lexsort((product, kind, moment))
        order = order[(moment >= self.starts[product])[order] & (moment < self.stops[product])[order]]
        kind, product, moment = kind[order], product[order], moment[order]
        return self._columns(number, day, kind, product, moment)

    def _columns(self, number: int, day: date, kind: Numbers, product: Numbers, moment: Numbers) -> pa.Table:
        rng, count = self.rng, len(kind)
        voice, sms, data = kind == VOICE, kind == SMS, kind == DATA
        at_home = np.isin(product, self.broadband)
        duration = np.where(voice, rng.lognormal(4.6, 1.0, count).astype(np.int64) + 1, 0)
        size = np.where(at_home, rng.lognormal(22.0, 0.8, count), rng.lognormal(17.3, 1.3, count)).astype(np.int64)
        size = np.where(data, size, 0)
        messages = np.where(sms, rng.geometric(0.7, count), 0)
        away = (self.trip_starts[product] <= number) & (number < self.trip_ends[product]) & ~at_home
        country = self.trip_country[product]
        far = away & (country >= FAR)
        minutes = (duration + 59) // 60
        metered = self.metered[product]
        amount = np.where(voice, minutes * np.where(far, 4_900, np.where(metered, 690, 0)), 0)
        amount += np.where(sms, messages * np.where(far, 1_900, np.where(metered, 690, 0)), 0)
        amount += np.where(data & far, np.minimum(size // 1_000_000, 400) * 250, 0)
        # What comes from networks far away is rated a day or two later, and so is a little of the rest.
        slow = (far | (rng.random(count) < 0.004)) & ~at_home
        rated = number + np.where(slow, 1 + (rng.random(count) < 0.3), 0)
        self._count(
            number,
            product,
            rated,
            duration_seconds=duration,
            data_bytes=size,
            message_count=messages,
            rated_amount=np.where(rated < self.settings.days, amount, 0),
        )
        numbers = pa.array(int(day.strftime("%Y%m%d")) * 10_000_000 + np.arange(1, count + 1))
        indices = pa.array(product)
        table = pa.Table.from_arrays(
            [
                pc.binary_join_element_wise("U", numbers.cast(pa.string()), ""),
                pa.array(moment * 1_000_000).cast(pa.timestamp("us", tz="UTC")),
                TYPES.take(pa.array(kind)),
                self.ids.take(indices),
                self.msisdns.take(indices),
                pa.array(["rated"]).take(pa.array(np.zeros(count, np.int64))),
                pa.array(duration, mask=~voice),
                pa.array(size, mask=~data),
                pa.array(messages, mask=~sms),
                _decimals(amount),
                pa.array(away),
                pa.array(COUNTRIES).take(pa.array(country, mask=~away)),
            ],
            schema=SCHEMA,
        )
        for later in range(number + 1, min(number + 3, self.settings.days)):
            self.waiting.setdefault(later, []).append(table.filter(pa.array(rated == later)))
        return _received(table, pa.array(slow))

    def _count(self, number: int, product: Numbers, rated: Numbers, **columns: Numbers) -> None:
        amount = columns["rated_amount"]
        for day in range(number, min(number + 3, self.settings.days)):
            then = rated == day
            np.add.at(self.used.charge[:, day], product[then], amount[then])
            np.add.at(self.used.charged[:, day], product[then], amount[then] > 0)
        if number >= self.settings.days - 30:
            for column, values in columns.items():
                np.add.at(self.used.recent[column], product, values)

    def file_name(self, day: date) -> str:
        """The object key of a day."""
        return f"usage/{day:%Y/%m/%d}/usage_{day:%Y%m%d}.tar.gz"


def late_day(settings: OperatorSettings) -> date:
    """The day whose usage arrives with the second morning only."""
    return settings.last_day - timedelta(days=3)


def _received(table: pa.Table, slow: pa.Array) -> pa.Table:
    """The same rows; those that are slow to be rated have no amount yet."""
    status = pc.if_else(slow, "received", table["status"])
    amount = pc.if_else(slow, pa.scalar(None, SCHEMA.field("rated_amount").type), table["rated_amount"])
    table = table.set_column(SCHEMA.get_field_index("status"), "status", status)
    return table.set_column(SCHEMA.get_field_index("rated_amount"), "rated_amount", amount)


def _decimals(ten_thousandths: Numbers) -> pa.Array:
    """Whole ten-thousandths as decimal(18,4), without a Python object per value."""
    words = np.empty((len(ten_thousandths), 2), np.int64)
    words[:, 0] = ten_thousandths
    words[:, 1] = ten_thousandths >> 63
    return pa.Array.from_buffers(pa.decimal128(18, 4), len(words), [None, pa.py_buffer(words)])
