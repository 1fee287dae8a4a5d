"""What most transports have in common: they look, and leave the source as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ingestion.delivery import Delivery
    from ingestion.errors import IngestError


class Poll:
    """A transport whose source keeps no note of its readers: nothing is told to it, and nothing is held of it."""

    def acknowledge(self, landed: Sequence[Delivery]) -> None:
        """The ledger alone knows what has landed."""

    def set_aside(self, delivery: Delivery, error: IngestError) -> None:
        """The source has it still; the next run finds it again."""

    def close(self) -> None:
        """Nothing is kept open between two deliveries."""
