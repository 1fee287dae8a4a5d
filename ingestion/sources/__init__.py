"""One file per source system; `ingest list` shows them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ingestion.errors import IngestError

if TYPE_CHECKING:
    from ingestion.delivery import Source

NAMES = ("crm", "billing", "catalog", "orders", "usage", "contacts", "recommendations", "events")
"""Sources that can be run without further words; `files` is told what to land."""


def find(name: str) -> Source:
    """The source of that name.

    Raises:
        IngestError: there is none.
    """
    if name not in NAMES:
        raise IngestError(f"there is no source {name!r}; there are {', '.join(NAMES)}, and files --path")
    source: Source = import_module(f"ingestion.sources.{name}").source()
    return source
