"""Which files a request asks for."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingestion.delivery import Request


def in_window(modified: datetime, request: Request) -> bool:
    """Whether something that changed then is asked for; both times carry their zone."""
    return (request.since is None or modified >= request.since) and (request.until is None or modified < request.until)
