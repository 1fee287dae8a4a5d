"""TM Forum Open APIs, as TMF630 describes how their collections are read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ingestion.transports.http_api import Endpoint
from ingestion.transports.paging import Offsets

if TYPE_CHECKING:
    from ingestion.delivery import Format

PAGE_SIZE = 100


def collection(path: str, record_format: Format) -> Endpoint:
    """A collection that is read page by page, and only when its ETag has changed.

    The ETag stands for the whole collection, so pages of two versions are noticed; `X-Total-Count` tells how many
    records there must be.
    """
    return Endpoint(
        path,
        record_format,
        paging=Offsets(limit=PAGE_SIZE, total_header="X-Total-Count"),
        etag_covers="collection",
    )
