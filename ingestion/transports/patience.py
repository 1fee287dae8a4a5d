"""How often something that fails is tried again, and how long is waited in between."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Patience:
    """Tries again after pauses that double, each shortened at random so that many clients do not come back at once.

    Attributes:
        attempts: how often in all.
        pause: seconds before the second attempt.
        longest_pause: seconds; also the longest that a server may ask us to wait.
    """

    attempts: int = 5
    pause: float = 0.5
    longest_pause: float = 60.0

    def seconds(self, failures: int) -> float:
        """How long to wait after so many failures, in seconds."""
        whole = min(self.pause * 2.0 ** min(failures - 1, 20), self.longest_pause)
        return random.uniform(0.5, 1) * whole  # noqa: S311 - spreads load, hides nothing


PATIENT = Patience()
