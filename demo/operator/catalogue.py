"""What the operator sells: product offerings as TMF620 has them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from demo.operator.settings import stamp

if TYPE_CHECKING:
    from demo.operator.settings import OperatorSettings


@dataclass(frozen=True)
class Offering:
    """One product offering; prices in cents including tax, speed of life in `weight`."""

    id: str
    name: str
    category: str
    recurring: int | None = None
    one_time: int | None = None
    weight: float = 1.0
    is_bundle: bool = False
    valid_from: datetime = datetime(2022, 1, 1, tzinfo=UTC)
    valid_to: datetime | None = None
    last_update: datetime = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
    retired: bool = False
    is_prepaid: bool = False


OFFERINGS = (
    Offering("PO-1001", "Mobiili S", "mobile", 1490, weight=3),
    Offering("PO-1002", "Mobiili M", "mobile", 2190, weight=4),
    Offering("PO-1003", "Mobiili L 5G", "mobile", 2990, weight=4),
    Offering("PO-1004", "Mobiili XL 5G", "mobile", 3990, weight=2),
    Offering(
        "PO-1005",
        "Seniori Puhe",
        "mobile",
        990,
        weight=1,
        valid_from=datetime(2019, 5, 1, tzinfo=UTC),
        valid_to=datetime(2025, 12, 31, 22, 0, tzinfo=UTC),
        retired=True,
    ),
    Offering("PO-1007", "Mobiili Prepaid", "mobile", weight=1.5, is_prepaid=True),
    Offering("PO-2001", "Kotinetti 100", "broadband", 2490, weight=3),
    Offering("PO-2002", "Kotinetti 300", "broadband", 2990, weight=3),
    Offering("PO-2003", "Valokuitu 1000", "broadband", 3990, one_time=4900, weight=2),
    Offering("PO-3001", "Viihde Perus", "tv", 990, weight=3),
    Offering("PO-3002", "Viihde Urheilu", "tv", 2490, weight=1),
    Offering("PO-4001", "Puhelin Tähti 12", "device", one_time=39900, weight=2),
    Offering("PO-4002", "Puhelin Tähti 12 Pro", "device", one_time=89900, weight=1),
    Offering("PO-4003", "Reititin Kuusi", "device", one_time=12900, weight=2),
    Offering("PO-5001", "Tietoturva", "add_on", 490, weight=3),
    Offering("PO-5002", "Ulkomaanpaketti EU+", "add_on", 990, weight=1),
    Offering("PO-5003", "Lisädata 20 Gt", "add_on", 790, weight=2),
    Offering("PO-6001", "Kotipaketti: netti ja viihde", "broadband", 3490, weight=1, is_bundle=True),
)


def offerings(settings: OperatorSettings, morning: int) -> list[Offering]:
    """The catalogue as a morning shows it; the second has a new price, a newcomer and one more retired."""
    if morning == 1:
        return list(OFFERINGS)
    changed = settings.morning(1) + timedelta(hours=7)
    shown = []
    for offering in OFFERINGS:
        if offering.id == "PO-1002":
            shown.append(replace(offering, recurring=2290, last_update=changed))
        elif offering.id == "PO-3002":
            shown.append(replace(offering, retired=True, valid_to=changed, last_update=changed))
        else:
            shown.append(offering)
    shown.append(Offering("PO-1006", "Mobiili Max 6G", "mobile", 4490, valid_from=changed, last_update=changed))
    return shown


def euros(cents: int) -> str:
    """1490 -> '14.90'."""
    return str((Decimal(cents) / 100).quantize(Decimal("0.01")))


def price(kind: str, cents: int) -> dict[str, Any]:
    """One TM Forum price, tax included."""
    return {"priceType": kind, "price": {"taxIncludedAmount": {"unit": "EUR", "value": euros(cents)}}}


def offering_json(offering: Offering) -> dict[str, Any]:
    """The offering as the product catalogue answers it."""
    valid_for = {"startDateTime": stamp(offering.valid_from)}
    if offering.valid_to:
        valid_for["endDateTime"] = stamp(offering.valid_to)
    prices = []
    if offering.recurring is not None:
        prices.append(price("recurring", offering.recurring))
    if offering.one_time is not None:
        prices.append(price("oneTime", offering.one_time))
    return {
        "id": offering.id,
        "href": f"/tmf-api/productCatalogManagement/v4/productOffering/{offering.id}",
        "name": offering.name,
        "lifecycleStatus": "retired" if offering.retired else "active",
        "isBundle": offering.is_bundle,
        "lastUpdate": stamp(offering.last_update),
        "validFor": valid_for,
        "category": [{"name": offering.category}],
        "productOfferingPrice": prices,
    }
