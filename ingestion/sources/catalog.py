"""Catalogue: what is on offer (TMF620) and what customers have (TMF637), from the operator's TM Forum APIs."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from ingestion.contract import AtLeast, Contract, Field, MaxBytes, Numeric, Personal, Row
from ingestion.delivery import Resource, Source
from ingestion.formats.json import Json
from ingestion.transports.http_api import HttpApi
from ingestion.transports.http_auth import Bearer
from ingestion.transports.tmf import collection


class ProductOffering(Row, key="product_offering_id"):
    """A product offering of the catalogue."""

    product_offering_id: Annotated[str, MaxBytes(20)]
    name: Annotated[str, MaxBytes(200)]
    category: Literal["mobile", "broadband", "tv", "device", "add_on"]
    lifecycle_status: Literal["active", "retired"]
    is_bundle: bool
    valid_from: datetime
    valid_to: Annotated[datetime, AtLeast(Field("valid_from"))] | None
    recurring_price_amount: Annotated[Decimal, Numeric(18, 4)] | None
    one_time_price_amount: Annotated[Decimal, Numeric(18, 4)] | None
    currency: Annotated[str, MaxBytes(3)] | None
    last_update: datetime


class Product(Row, key="product_id"):
    """A product that a customer has, had, or has ordered."""

    product_id: Annotated[str, MaxBytes(20), Personal("product")]
    customer_id: Annotated[str, MaxBytes(20), Personal("customer")]
    product_offering_id: Annotated[str, MaxBytes(20)]
    name: Annotated[str, MaxBytes(200)] | None
    status: Literal[
        "created",
        "pendingActive",
        "cancelled",
        "active",
        "pendingTerminate",
        "terminated",
        "suspended",
        "aborted",
    ]
    start_date: datetime
    termination_date: Annotated[datetime, AtLeast(Field("start_date"))] | None
    msisdn: Annotated[str, MaxBytes(20), Personal("phone")] | None
    recurring_price_amount: Annotated[Decimal, Numeric(18, 4)] | None
    currency: Annotated[str, MaxBytes(3)] | None


def _price(kind: str, prices: str) -> str:
    return f"{prices}[?priceType=='{kind}'] | [0].price.taxIncludedAmount"


OFFERING = Json(
    columns={
        "product_offering_id": "id",
        "name": "name",
        "category": "category[0].name",
        "lifecycle_status": "lifecycleStatus",
        "is_bundle": "isBundle",
        "valid_from": "validFor.startDateTime",
        "valid_to": "validFor.endDateTime",
        "recurring_price_amount": f"{_price('recurring', 'productOfferingPrice')}.value",
        "one_time_price_amount": f"{_price('oneTime', 'productOfferingPrice')}.value",
        "currency": "productOfferingPrice[0].price.taxIncludedAmount.unit",
        "last_update": "lastUpdate",
    },
    ignore=frozenset({"href"}),
)
PRODUCT = Json(
    columns={
        "product_id": "id",
        "customer_id": "relatedParty[?role=='customer'] | [0].id",
        "product_offering_id": "productOffering.id",
        "name": "name",
        "status": "status",
        "start_date": "startDate",
        "termination_date": "terminationDate",
        "msisdn": "productCharacteristic[?name=='msisdn'] | [0].value",
        "recurring_price_amount": f"{_price('recurring', 'productPrice')}.value",
        "currency": f"{_price('recurring', 'productPrice')}.unit",
    },
    ignore=frozenset({"href"}),
)


def source() -> Source:
    """The description of this source."""
    return Source(
        name="catalog",
        description="product offerings and the installed base (HTTP, JSON)",
        resources=(
            Resource("product_offerings", Contract.of(ProductOffering), "the product catalogue"),
            Resource("products", Contract.of(Product), "the installed base"),
        ),
        transport=HttpApi(
            source="catalog",
            auth=Bearer(),
            endpoints={
                "product_offerings": collection("/tmf-api/productCatalogManagement/v4/productOffering", OFFERING),
                "products": collection("/tmf-api/productInventory/v4/product", PRODUCT),
            },
        ),
    )
