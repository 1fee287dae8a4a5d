"""Orders: what was ordered, when and by whom (TMF622), from the operator's product ordering API."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Literal

import pyarrow.compute as pc

from ingestion.contract import AtLeast, Bits, Contract, Field, MaxBytes, Numeric, Personal, RequiredWhen, Row, Rule
from ingestion.delivery import Resource, Source
from ingestion.formats.children import Children
from ingestion.formats.json import Json
from ingestion.transports.http_api import HttpApi
from ingestion.transports.http_auth import Bearer
from ingestion.transports.tmf import collection

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa


def _has_orderer(order: Mapping[str, pa.Array]) -> pa.Array:
    """A customer, or what a guest left to be reached by."""
    guest = pc.or_(pc.is_valid(order["email_address"]), pc.is_valid(order["phone_number"]))
    return pc.or_(pc.is_valid(order["customer_id"]), guest)


class ProductOrder(
    Row, key="product_order_id", rules=[Rule("somebody_ordered", "nobody is named who ordered it", _has_orderer)]
):
    """An order, as it stands now. A guest's has no customer, but an e-mail address or a phone number."""

    product_order_id: Annotated[str, MaxBytes(20), Personal("order")]
    customer_id: Annotated[str, MaxBytes(20), Personal("customer")] | None
    email_address: Annotated[str, MaxBytes(320), Personal("email")] | None
    phone_number: Annotated[str, MaxBytes(32), Personal("phone")] | None
    order_date: datetime
    channel: Literal["web", "app", "store", "phone"]
    state: Literal["acknowledged", "inProgress", "completed", "cancelled", "failed"]
    completion_date: Annotated[datetime, AtLeast(Field("order_date")), RequiredWhen(state="completed")] | None
    last_update: datetime
    # the order_id of the web event that placed it
    external_id: Annotated[str, MaxBytes(40), Personal("web_order")] | None


class ProductOrderItem(Row, key="product_order_item_id"):
    """One offering within an order, and what becomes of the product."""

    product_order_item_id: Annotated[str, MaxBytes(30)]
    product_order_id: Annotated[str, MaxBytes(20), Personal("order")]
    item_number: Annotated[int, Bits(16), AtLeast(1)]
    # what is sold without being installed, as a guest's phone is, has none
    product_id: Annotated[str, MaxBytes(20), Personal("product")] | None
    product_offering_id: Annotated[str, MaxBytes(20)]
    action: Literal["add", "modify", "delete", "noChange"]
    quantity: Annotated[Decimal, Numeric(18, 4), AtLeast(0)]
    recurring_price_amount: Annotated[Decimal, Numeric(18, 4)] | None
    one_time_price_amount: Annotated[Decimal, Numeric(18, 4)] | None
    currency: Annotated[str, MaxBytes(3)] | None


def _price(kind: str) -> str:
    return f"itemPrice[?priceType=='{kind}'] | [0].price.taxIncludedAmount"


ITEMS = Children(
    path="productOrderItem",
    keys={"product_order_id": "id"},
    position="item_number",
    columns={
        "product_order_item_id": "id",
        "product_id": "product.id",
        "product_offering_id": "productOffering.id",
        "action": "action",
        "quantity": "quantity",
        "recurring_price_amount": f"{_price('recurring')}.value",
        "one_time_price_amount": f"{_price('oneTime')}.value",
        "currency": "itemPrice[0].price.taxIncludedAmount.unit",
    },
)
ORDER = Json(
    columns={
        "product_order_id": "id",
        "customer_id": "relatedParty[?role=='customer'] | [0].id",
        "email_address": "relatedContactInformation[?contactType=='email'] | [0].emailAddress",
        "phone_number": "relatedContactInformation[?contactType=='phone'] | [0].phoneNumber",
        "order_date": "orderDate",
        "channel": "channel[0].name",
        "state": "state",
        "completion_date": "completionDate",
        "last_update": "lastUpdate",
        "external_id": "externalId",
    },
    ignore=frozenset({"href"}),
    children={"product_order_items": ITEMS},
)


def source() -> Source:
    """The description of this source."""
    return Source(
        name="orders",
        description="product orders and their items (HTTP, JSON)",
        resources=(
            Resource("product_orders", Contract.of(ProductOrder), "orders as they stand"),
            Resource("product_order_items", Contract.of(ProductOrderItem), "what was ordered"),
        ),
        transport=HttpApi(
            source="orders",
            auth=Bearer(),
            endpoints={"product_orders": collection("/tmf-api/productOrderingManagement/v4/productOrder", ORDER)},
        ),
    )
