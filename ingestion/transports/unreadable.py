"""What a source announces and cannot give, though it answers."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from ingestion.delivery import Batch, Delivery

if TYPE_CHECKING:
    from ingestion.contract import Notation
    from ingestion.errors import IngestError


def unreadable(
    resource: str, uri: str, notation: Notation, error: IngestError, cursor_scope: str | None = None
) -> Delivery:
    """A delivery that says why when it is read: it is set aside as a damaged file is, and the others land."""
    return Delivery(resource, uri, "", partial(_refuse, error), notation, cursor_scope=cursor_scope)


def _refuse(error: IngestError) -> Iterator[Batch]:
    raise error
