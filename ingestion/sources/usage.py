"""Usage: calls, messages and data sessions, from archives of Parquet that S3 announces."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Annotated, Literal

from ingestion.contract import AtLeast, Contract, MaxBytes, Numeric, Pattern, Personal, RequiredWhen, Row
from ingestion.delivery import Resource, Source
from ingestion.formats.archive import TarGz
from ingestion.formats.parquet import Parquet
from ingestion.transports.s3_events import S3Events, S3Objects


class Usage(Row, key=("usage_id", "status")):
    """One call, message or data session. What is not rated when it is received comes again once it is."""

    usage_id: Annotated[str, MaxBytes(40)]
    usage_date: datetime
    usage_type: Literal["voice", "sms", "data"]
    product_id: Annotated[str, MaxBytes(20), Personal("product")]
    msisdn: Annotated[str, MaxBytes(20), Personal("text")] | None
    status: Literal["received", "rated"]
    duration_seconds: Annotated[int, AtLeast(0), RequiredWhen(usage_type="voice")] | None
    data_bytes: Annotated[int, AtLeast(0), RequiredWhen(usage_type="data")] | None
    message_count: Annotated[int, AtLeast(0), RequiredWhen(usage_type="sms")] | None
    rated_amount: Annotated[Decimal, Numeric(18, 4), AtLeast(0), RequiredWhen(status="rated")] | None
    is_roaming: bool
    visited_country: Annotated[str, MaxBytes(2), Pattern("[A-Z]{2}", "a country code")] | None


def source() -> Source:
    """The description of this source."""
    return Source(
        name="usage",
        description="usage, rated and not yet (S3 events on SQS, Parquet in tar.gz)",
        resources=(Resource("usage", Contract.of(Usage), "usage records"),),
        transport=S3Events(
            source="usage", objects={"usage": S3Objects("usage/", TarGz(Parquet(), members="*.parquet"))}
        ),
    )
