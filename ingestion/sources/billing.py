"""Billing: bills, their items, and payments, from the billing system's daily files on SFTP."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Annotated, Literal

from ingestion.contract import AtLeast, Contract, Field, MaxBytes, Notation, Numeric, Row
from ingestion.delivery import Resource, Source
from ingestion.formats.archive import Gzip
from ingestion.formats.csv import Csv
from ingestion.transports.sftp import Sftp, SftpFiles


class Bill(Row, key="bill_no"):
    """A bill as it was sent to a customer."""

    bill_no: Annotated[str, MaxBytes(20)]
    customer_id: Annotated[str, MaxBytes(20)]
    customer_name: Annotated[str, MaxBytes(400)] | None
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
    bill_no: Annotated[str, MaxBytes(20)]
    product_id: Annotated[str, MaxBytes(20)] | None
    description: Annotated[str, MaxBytes(200)] | None
    charge_type: Literal["recurring", "usage", "one_off", "discount"]
    quantity: Annotated[Decimal, Numeric(18, 4)]
    amount: Annotated[Decimal, Numeric(18, 4)]


class Payment(Row, key="payment_id"):
    """Money received for a bill."""

    payment_id: Annotated[str, MaxBytes(20)]
    bill_no: Annotated[str, MaxBytes(20)]
    customer_id: Annotated[str, MaxBytes(20)]
    payment_date: date
    amount: Annotated[Decimal, Numeric(18, 4)]
    method: Literal["e_invoice", "direct_debit", "card", "transfer"]


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
        description="bills, bill items and payments (SFTP, gzipped CSV)",
        resources=(
            Resource("bills", Contract.of(Bill), "bills as sent"),
            Resource("bill_items", Contract.of(BillItem), "lines of bills"),
            Resource("payments", Contract.of(Payment), "payments received"),
        ),
        transport=Sftp(
            source="billing",
            files={
                "bills": SftpFiles("bills/bills_*.csv.gz", NORDIC),
                "bill_items": SftpFiles("bill_items/bill_items_*.csv.gz", NORDIC),
                "payments": SftpFiles("payments/payments_*.csv.gz", NORDIC),
            },
        ),
    )
