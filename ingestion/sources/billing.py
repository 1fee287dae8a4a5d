"""Billing: bills, their items, payments, reminders and top-ups, from the billing system's daily files on SFTP."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal

from ingestion.contract import AtLeast, Between, Bits, Contract, Field, MaxBytes, Notation, Numeric, Personal, Row
from ingestion.delivery import Resource, Source
from ingestion.formats.archive import Gzip
from ingestion.formats.csv import Csv
from ingestion.transports.sftp import Sftp, SftpFiles


class Bill(Row, key="bill_no"):
    """A bill as it was sent to a customer."""

    bill_no: Annotated[str, MaxBytes(20), Personal("bill")]
    customer_id: Annotated[str, MaxBytes(20), Personal("customer")]
    customer_name: Annotated[str, MaxBytes(400), Personal("name")] | None
    bill_date: date
    period_start: date
    period_end: Annotated[date, AtLeast(Field("period_start"))]
    payment_due_date: Annotated[date, AtLeast(Field("bill_date"))]
    amount_due: Annotated[Decimal, Numeric(18, 4)]
    tax_amount: Annotated[Decimal, Numeric(18, 4)]
    currency: Annotated[str, MaxBytes(3)]
    state: Literal["sent"]
    # the billing system began to send it later than the rest
    ebill_channel: Annotated[str, MaxBytes(30)] | None


class BillItem(Row, key="bill_item_id"):
    """A line of a bill."""

    bill_item_id: Annotated[str, MaxBytes(30)]
    bill_no: Annotated[str, MaxBytes(20), Personal("bill")]
    product_id: Annotated[str, MaxBytes(20), Personal("product")] | None
    description: Annotated[str, MaxBytes(200), Personal("text")] | None
    charge_type: Literal["recurring", "usage", "one_off", "discount"]
    quantity: Annotated[Decimal, Numeric(18, 4)]
    amount: Annotated[Decimal, Numeric(18, 4)]


class Payment(Row, key="payment_id"):
    """Money received for a bill."""

    payment_id: Annotated[str, MaxBytes(20)]
    bill_no: Annotated[str, MaxBytes(20), Personal("bill")]
    customer_id: Annotated[str, MaxBytes(20), Personal("customer")]
    payment_date: date
    amount: Annotated[Decimal, Numeric(18, 4)]
    method: Literal["e_invoice", "direct_debit", "card", "transfer"]


class DunningNotice(Row, key="dunning_notice_id"):
    """A letter to a customer who has not paid a bill in time."""

    dunning_notice_id: Annotated[str, MaxBytes(20)]
    customer_id: Annotated[str, MaxBytes(20), Personal("customer")]
    bill_no: Annotated[str, MaxBytes(20), Personal("bill")]
    notice_date: date
    # 1 a reminder, 2 a second one, 3 hands it over to collection
    level: Annotated[int, Bits(16), Between(1, 3)]
    fee_amount: Annotated[Decimal, Numeric(18, 4), AtLeast(0)]


class TopUp(Row, key="top_up_id"):
    """Money that a prepaid customer has put on a product."""

    top_up_id: Annotated[str, MaxBytes(20)]
    customer_id: Annotated[str, MaxBytes(20), Personal("customer")]
    product_id: Annotated[str, MaxBytes(20), Personal("product")]
    top_up_date: datetime
    amount: Annotated[Decimal, Numeric(18, 4), AtLeast(0)]
    channel: Literal["web", "app", "store", "sms"]
    # the code of the card that was bought in a store
    voucher: Annotated[str, MaxBytes(30), Personal("name")] | None


ACCOUNTS = "a voucher of the accounts: Accounting Act (1336/1997), chapter 2, section 10"
"""Why billing's rows outlive the customer, without what leads to her."""

NORDIC = Gzip(
    Csv(
        delimiter=";",
        encoding="iso-8859-15",
        notation=Notation(decimal_mark=",", day_first=True, blank_is_null=True),
    )
)


def source() -> Source:
    """The description of this source."""
    return Source(
        name="billing",
        description="bills, payments, dunning and top-ups (SFTP, gzipped CSV)",
        resources=(
            Resource("bills", Contract.of(Bill), "bills as sent", kept_by_law=ACCOUNTS),
            Resource("bill_items", Contract.of(BillItem), "lines of bills", kept_by_law=ACCOUNTS),
            Resource("payments", Contract.of(Payment), "payments received", kept_by_law=ACCOUNTS),
            Resource("dunning_notices", Contract.of(DunningNotice), "reminders of unpaid bills", kept_by_law=ACCOUNTS),
            Resource("top_ups", Contract.of(TopUp), "money put on prepaid products", kept_by_law=ACCOUNTS),
        ),
        transport=Sftp(
            source="billing",
            files={
                "bills": SftpFiles("bills/bills_*.csv.gz", NORDIC),
                "bill_items": SftpFiles("bill_items/bill_items_*.csv.gz", NORDIC),
                "payments": SftpFiles("payments/payments_*.csv.gz", NORDIC),
                "dunning_notices": SftpFiles("dunning_notices/dunning_notices_*.csv.gz", NORDIC),
                "top_ups": SftpFiles("top_ups/top_ups_*.csv.gz", NORDIC),
            },
        ),
    )
