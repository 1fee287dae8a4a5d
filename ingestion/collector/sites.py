"""Who may send, and how much: the sites with their write keys, their origins, and their share of events a second."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

EVERY_ORIGIN = "*"


class Bucket:
    """A token bucket: so many events a second on average, and a burst of some seconds' worth at once.

    A batch is let through whole while there is room for one event. What it takes too much is owed: the next one waits.
    """

    def __init__(self, per_second: float, burst: float) -> None:
        self._per_second = per_second
        self._burst = self._left = max(burst, 1.0)
        self._at = 0.0

    def seconds_to_wait(self, now: float) -> float:
        """Until something may be sent again; 0 if it may be now.

        Args:
            now: seconds of a clock that does not go back.
        """
        self._left = min(self._burst, self._left + max(0.0, now - self._at) * self._per_second)
        self._at = now
        return 0.0 if self._left >= 1 else (1 - self._left) / self._per_second

    def take(self, events: int) -> None:
        """So many have been sent."""
        self._left -= events


@dataclass(frozen=True)
class Site:
    """One site, or app.

    Attributes:
        site_id: its name, which every event of it gets.
        origins: the web origins whose pages may send with its keys; `*` is any.
        bucket: its share.
    """

    site_id: str
    origins: frozenset[str]
    bucket: Bucket

    def allows(self, origin: str) -> bool:
        """Whether pages of this origin may send."""
        return origin in self.origins or EVERY_ORIGIN in self.origins


class Sites:
    """All sites, by their keys. Keys are held as hashes only: none can get into a log or a dump by accident."""

    def __init__(self, sites: Sequence[tuple[Site, Sequence[str]]]) -> None:
        """Takes each site with its keys: several while one is exchanged for another.

        Raises:
            ValueError: two sites have the same key.
        """
        # without the salt nobody can choose a key whose hash begins like another's, and tell by the time it takes
        self._salt = secrets.token_bytes(32)
        self._by_hash: dict[bytes, Site] = {}
        for site, keys in sites:
            for key in keys:
                if self._by_hash.setdefault(self._hash(key.encode()), site) is not site:
                    raise ValueError(f"the site {site.site_id} has a write key that another site has, too")
        self._all = [site for site, _ in sites]

    def find(self, key: bytes) -> Site | None:
        """The site that has this key."""
        hashed = self._hash(key)
        for known, site in self._by_hash.items():
            if hmac.compare_digest(known, hashed):
                return site
        return None

    def any_allows(self, origin: str) -> bool:
        """Whether pages of this origin may send for some site: a preflight request does not tell for which."""
        return any(site.allows(origin) for site in self._all)

    def _hash(self, key: bytes) -> bytes:
        return hashlib.blake2b(key, key=self._salt, digest_size=32).digest()
