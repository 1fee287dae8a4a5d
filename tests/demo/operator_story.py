"""What consumers saw of one operator: the first morning, the second, and after a restart."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from operator_clients import (
    Batch,
    Environment,
    notifications,
    read_billing,
    read_catalog,
    read_crm,
    read_events,
    read_orders,
)
from operator_clients import read_objects as objects

from demo.operator.process import Operator
from demo.operator.settings import OperatorSettings, Ports
from demo.operator.truth import Truth

SETTINGS = OperatorSettings(customers=60, days=20)
FREE = Ports(0, 0, 0)
ANNOUNCED = ("usage", "contacts", "recommendations")


@dataclass
class Reading:
    """Everything a consumer sees at one moment; CRM and events only what came since the reading before."""

    crm: list[Batch]
    as_of: datetime
    billing: list[Batch]
    catalog: list[Batch]
    orders: list[Batch]
    usage: list[Batch]
    contacts: list[Batch]
    recommendations: list[Batch]
    events: list[Batch]
    announced: dict[str, list[tuple[str, str]]]
    reached: dict[str, str]
    environment: Environment
    batches: list[Batch] = field(init=False)

    def __post_init__(self) -> None:
        whole = [*self.crm, *self.billing, *self.catalog, *self.orders]
        self.batches = [*whole, *self.usage, *self.contacts, *self.recommendations, *self.events]


def read(operator: Operator, before: Reading | None = None) -> Reading:
    environment = operator.environment()
    crm, as_of = read_crm(environment, before.as_of if before else None)
    announced = {source: notifications(environment, source) for source in ANNOUNCED}
    events, reached = read_events(environment, before.reached if before else None)
    return Reading(
        crm=crm,
        as_of=as_of,
        billing=read_billing(environment),
        catalog=read_catalog(environment),
        orders=read_orders(environment),
        usage=objects(environment, "usage", announced["usage"]),
        contacts=objects(environment, "contacts", announced["contacts"]),
        recommendations=objects(environment, "recommendations", announced["recommendations"]),
        events=events,
        announced=announced,
        reached=reached,
        environment=environment,
    )


@dataclass
class Story:
    """The operator's two mornings, and the second once more after a restart, read from nothing."""

    folder: Path
    operator: Operator
    truth: Truth
    first: Reading
    second: Reading
    again_first: Reading
    restarted: Reading
