"""What can be chosen about the operator, and the names its data and endpoints go by."""

from __future__ import annotations

import os
import random
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np

# Raised whenever the same settings would no longer give the same bytes: folders of older code are then noticed.
FORMAT = 2

SERVED = ("crm", "billing", "catalog", "orders", "usage", "contacts", "recommendations", "events")
"""The sources of `ingestion/sources/` that the demo operator has; of others there are only empty tables."""

REGION = "eu-north-1"
USAGE_BUCKET = "operator-usage"
CONTACTS_BUCKET = "operator-contacts"
RECOMMENDATIONS_BUCKET = "operator-recommendations"
USAGE_QUEUE = "operator-usage-events"
CONTACTS_QUEUE = "operator-contacts-events"
RECOMMENDATIONS_QUEUE = "operator-recommendations-events"
STREAM = "operator-events"
SHARDS = 2
SFTP_FOLDER = "/outgoing"
LOOPBACK = "127.0.0.1"


class OperatorError(Exception):
    """Something a person can put right; the message says how."""


class Ports(NamedTuple):
    """The three ports the operator listens on; 0 takes a free one."""

    http: int = 8701
    sftp: int = 8702
    aws: int = 8703

    @classmethod
    def from_environment(cls) -> Ports:
        """`MAJAKKA_OPERATOR_PORT` and the two that follow it, or the defaults. Raises `OperatorError`."""
        given = os.environ.get("MAJAKKA_OPERATOR_PORT", "").strip()
        if not given:
            return cls()
        if not given.isdigit() or not 0 <= int(given) <= 65533:
            raise OperatorError(f"MAJAKKA_OPERATOR_PORT is {given!r}: give a number from 1 to 65533 (0: free ports)")
        first = int(given)
        return cls(first, first + 1, first + 2) if first else cls(0, 0, 0)


@dataclass(frozen=True)
class OperatorSettings:
    """How big the operator is, how many days it delivers, and the seed that decides everything else."""

    customers: int = 500
    days: int = 60
    seed: int = 1
    last_day: date = date(2026, 10, 31)

    def __post_init__(self) -> None:
        if not 40 <= self.customers <= 200_000:
            raise OperatorError(f"{self.customers} customers: give 40 to 200000, so that every case has its customer")
        if not 14 <= self.days <= 730:
            raise OperatorError(f"{self.days} days: give 14 to 730, so that bills fall due and get paid")
        if self.seed < 0:
            raise OperatorError(f"seed {self.seed}: give a number from 0 upwards")

    @property
    def first_day(self) -> date:
        """The first day that is delivered."""
        return self.last_day - timedelta(days=self.days - 1)

    @property
    def all_days(self) -> list[date]:
        """Every delivered day, oldest first."""
        return [self.first_day + timedelta(days=number) for number in range(self.days)]

    @property
    def opening(self) -> datetime:
        """Midnight at which the first delivered day begins."""
        return midnight(self.first_day)

    def morning(self, number: int) -> datetime:
        """The instant of a morning: 1 closes the day before the last, 2 closes the last."""
        return midnight(self.last_day + timedelta(days=number - 1))

    @property
    def release(self) -> datetime:
        """When the web shop begins to send schema version 1-1-0 of its events, and to show recommendations."""
        return self.opening + timedelta(days=self.days // 7)

    def numbers(self, subject: str) -> np.random.Generator:
        """A random stream of its own per subject: a change to one leaves the others as they were."""
        return np.random.default_rng([self.seed, crc32(subject.encode())])

    def dice(self, subject: str) -> random.Random:
        """The same for single throws, which numpy is slow at."""
        return random.Random(f"{self.seed}:{subject}")

    def as_json(self) -> dict[str, Any]:
        """What is written to settings.json."""
        return {**asdict(self), "last_day": self.last_day.isoformat(), "format": FORMAT}


def midnight(day: date) -> datetime:
    """The beginning of a day, in UTC."""
    return datetime.combine(day, time(), UTC)


def stamp(moment: datetime) -> str:
    """A timestamp as the operator writes it: UTC, seconds, `Z`."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
