"""Recommendations: what to offer to whom, from the Parquet that a data scientists' job writes and S3 announces."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from ingestion.contract import AtLeast, Bits, Contract, MaxBytes, Personal, Row
from ingestion.delivery import Resource, Source
from ingestion.formats.parquet import Parquet
from ingestion.transports.s3_events import S3Events, S3Objects


class ProductRecommendation(Row, key="recommendation_id"):
    """An offering that a run of a model recommends for a customer at one place."""

    recommendation_id: Annotated[str, MaxBytes(64), Personal("recommendation")]
    customer_id: Annotated[str, MaxBytes(20), Personal("customer")]
    product_offering_id: Annotated[str, MaxBytes(20)]
    model_version: Annotated[str, MaxBytes(50)]
    placement: Literal["web_home", "my_pages", "email", "agent_desktop"]
    item_rank: Annotated[int, Bits(16), AtLeast(1)]
    score: float
    recommended_at: datetime
    # of a customer to whom nothing is shown, to see what she would have bought anyway
    is_holdout: bool


def source() -> Source:
    """The description of this source."""
    return Source(
        name="recommendations",
        description="product recommendations (S3 events on SQS, Parquet)",
        resources=(
            Resource("product_recommendations", Contract.of(ProductRecommendation), "what models recommend to whom"),
        ),
        transport=S3Events(
            source="recommendations",
            objects={"product_recommendations": S3Objects("runs/", Parquet())},
        ),
    )
