"""What a data scientists' job recommends to the customers, and which of it they take (TMF680)."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple
from zlib import crc32

import pyarrow as pa

from demo.operator.catalogue import OFFERINGS, Offering
from demo.operator.settings import midnight, stamp

if TYPE_CHECKING:
    import random

    from demo.operator.life import Product, Shop
    from demo.operator.population import Customer, Population
    from demo.operator.settings import OperatorSettings

SCHEMA = pa.schema(
    [
        ("recommendation_id", pa.string()),
        ("customer_id", pa.string()),
        ("product_offering_id", pa.string()),
        ("model_version", pa.string()),
        ("placement", pa.string()),
        ("item_rank", pa.int32()),
        ("score", pa.float64()),
        ("recommended_at", pa.timestamp("us", tz="UTC")),
        ("is_holdout", pa.bool_()),
    ]
)
EVERY = timedelta(days=7)
# Placement, rank there, and which of a customer's three best offerings it is.
PLACES = (("web_home", 1, 0), ("web_home", 2, 1), ("my_pages", 1, 0), ("email", 1, 1), ("agent_desktop", 1, 2))
SHOWN_ON_THE_WEB = ("web_home", "my_pages")
HOLDOUT_IN_A_HUNDRED = 10
# The younger version of the model is the better one: the share of customers who take an offering after a run.
VERSIONS = {"als-1.3": 0.012, "als-2.0": 0.05}
CANDIDATES = [offering for offering in OFFERINGS if not offering.retired and not offering.is_prepaid]


class Recommendation(NamedTuple):
    """An offering for a customer at one place."""

    id: str
    customer: Customer
    offering: Offering
    placement: str
    rank: int
    score: float
    is_holdout: bool


@dataclass
class Run:
    """One run of a model; its recommendations by customer number."""

    at: datetime
    version: str
    recommended: dict[int, list[Recommendation]] = field(default_factory=dict)

    @property
    def day(self) -> date:
        """The day on which its file appears."""
        return self.at.date()

    @property
    def file_name(self) -> str:
        """The object key."""
        return f"runs/{self.day:%Y/%m/%d}/product_recommendations_{self.day:%Y%m%d}.parquet"

    def table(self) -> pa.Table:
        """The rows of its file."""
        rows = [one for mine in self.recommended.values() for one in mine]
        columns = [
            [one.id for one in rows],
            [one.customer.id for one in rows],
            [one.offering.id for one in rows],
            [self.version] * len(rows),
            [one.placement for one in rows],
            [one.rank for one in rows],
            [one.score for one in rows],
            [self.at] * len(rows),
            [one.is_holdout for one in rows],
        ]
        return pa.Table.from_arrays(
            [pa.array(column, kind.type) for column, kind in zip(columns, SCHEMA, strict=True)], schema=SCHEMA
        )


@dataclass
class Recommendations:
    """All runs, oldest first; `unwilling` has a customer who gets recommendations against her will."""

    runs: list[Run]
    unwilling: Customer | None

    def __post_init__(self) -> None:
        self._times = [run.at for run in self.runs]

    def on_the_web(self, customer: Customer, moment: datetime) -> list[Recommendation]:
        """What the web shop shows a customer at that moment; nothing to those in the control group."""
        place = bisect_right(self._times, moment)
        mine = self.runs[place - 1].recommended.get(customer.index, ()) if place else ()
        return [one for one in mine if one.placement in SHOWN_ON_THE_WEB and not one.is_holdout]


def recommend(settings: OperatorSettings, population: Population, shop: Shop) -> Recommendations:
    """A run a week since the release of the shop, and what is ordered because of it, which the shop sells."""
    return _Job(settings, population, shop).run()


class _Job:
    def __init__(self, settings: OperatorSettings, population: Population, shop: Shop) -> None:
        self.settings = settings
        self.shop = shop
        self.customers = population.customers
        self.dice: random.Random = settings.dice("recommendations")
        self.has: dict[int, set[str]] = {}
        for product in shop.products:
            self._owns(product)
        self.answers: dict[str, list[tuple[str, str]]] = {}
        for record in population.consent_records:
            if record["purpose"] == "profiling":
                self.answers.setdefault(record["customer_id"], []).append((record["valid_from"], record["status"]))
        self.unwilling = next(
            (
                customer
                for customer in self.customers
                if customer.role == "active"
                and customer.person.devices
                and all(status == "withdrawn" for _, status in self.answers.get(customer.id, [("", "granted")]))
            ),
            None,
        )

    def _owns(self, product: Product) -> None:
        self.has.setdefault(product.customer.index, set()).add(product.offering.id)

    def run(self) -> Recommendations:
        """Backwards from the last day, so that the second morning has a run of its own."""
        settings = self.settings
        at = midnight(settings.last_day) + timedelta(hours=3)
        times: list[datetime] = []
        while at > settings.release:
            times.insert(0, at)
            at -= EVERY
        old, new = VERSIONS
        runs = [Run(at, old if place < len(times) // 2 else new) for place, at in enumerate(times)]
        for run in runs:
            self._recommend(run)
        return Recommendations(runs, self.unwilling)

    def _recommend(self, run: Run) -> None:
        moment = stamp(run.at)
        takers = 0
        for customer in self.customers:
            if not customer.is_active_on(run.at) or (
                customer is not self.unwilling and not self._may_be_profiled(customer, moment)
            ):
                continue
            mine = self._for(customer, run)
            if not mine:
                continue
            run.recommended[customer.index] = mine
            if mine[0].is_holdout or customer is self.unwilling or not customer.person.devices:
                continue
            # Whatever the dice say, somebody takes what the last run recommends.
            is_last = run.at > self.settings.morning(2) - EVERY
            if self.dice.random() < VERSIONS[run.version] or (is_last and not takers):
                takers += self._take(self.dice.choice(mine[:3]), run)

    def _may_be_profiled(self, customer: Customer, moment: str) -> bool:
        status = [status for valid_from, status in self.answers.get(customer.id, ()) if valid_from <= moment]
        return bool(status) and status[-1] == "granted"

    def _for(self, customer: Customer, run: Run) -> list[Recommendation]:
        """The three best offerings that the customer has not, spread over the places."""
        dice = self.dice
        owned = self.has.get(customer.index, set())
        wanted = [offering for offering in CANDIDATES if offering.id not in owned]
        best = sorted(((dice.random() ** (1 / one.weight), one) for one in wanted), key=lambda pair: -pair[0])[:3]
        if len(best) < 3:
            return []
        is_held_out = crc32(f"holdout {customer.id}".encode()) % 100 < HOLDOUT_IN_A_HUNDRED
        return [
            Recommendation(
                f"RC{run.day:%y%m%d}{customer.index:06d}{place}",
                customer,
                best[which][1],
                placement,
                rank,
                round(best[which][0], 6),
                is_held_out and customer is not self.unwilling,
            )
            for place, (placement, rank, which) in enumerate(PLACES)
        ]

    def _take(self, one: Recommendation, run: Run) -> bool:
        """Sell it within six days, in the web shop; not to who leaves before, nor after the delivered days."""
        dice, customer = self.dice, one.customer
        ordered = run.at + timedelta(seconds=dice.randrange(3_600 * 4, 6 * 86_400))
        ordered = min(ordered, self.settings.morning(2) - timedelta(minutes=dice.randrange(30, 600)))
        starts = ordered + timedelta(seconds=dice.randrange(12 * 3_600, 72 * 3_600))
        if not customer.is_active_on(starts):
            return False
        product = self.shop.sell(customer, one.offering, ordered, starts, online=True)
        product.recommendation_id = one.id
        self._owns(product)
        return True
