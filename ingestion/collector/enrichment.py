"""What the collector adds to an event: when and from where it came."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from itertools import product
from typing import Any

import msgspec

IPV4_KEPT, IPV6_KEPT = 24, 48
"""Bits of an address that are kept; the others become zero, and no device can be told by it."""

USER_AGENT_BYTES = 1_000

Network = IPv4Network | IPv6Network

_encode = msgspec.json.Encoder().encode


def new_event_id() -> str:
    """An identity for an event that came without one."""
    return uuid.uuid4().hex


@lru_cache(maxsize=10_000)
def truncated(address: str) -> str:
    """An address of IPv4 without its last octet, of IPv6 without its last 80 bits.

    Raises:
        ValueError: it is no address.
    """
    parsed = _unmapped(ip_address(address))
    kept = IPV4_KEPT if parsed.version == 4 else IPV6_KEPT
    size = parsed.max_prefixlen
    return str(type(parsed)(int(parsed) >> (size - kept) << (size - kept)))


class Senders:
    """Tells who sent a request, behind our own proxies."""

    def __init__(self, trusted: Sequence[Network]) -> None:
        """Takes the networks of our own proxies."""
        self._trusted = trusted
        # of a visitor come many requests
        self.address = lru_cache(maxsize=10_000)(self._address)

    def _address(self, connected: str, forwarded: str) -> str | None:
        """The truncated address of whoever sent a request; None if it cannot be told.

        Every proxy appends to X-Forwarded-For whom it was asked by. So the header is read from its end, as long as
        those who wrote it are trusted: what is further to the left may be anybody's invention.

        Args:
            connected: who is connected to us.
            forwarded: X-Forwarded-For, empty if there is none.
        """
        sender = _parsed(connected)
        for hop in reversed([hop for hop in forwarded.split(",") if hop.strip()]):
            if sender is None or not any(sender in network for network in self._trusted):
                break
            sender = _parsed(hop.strip())
        return None if sender is None else truncated(str(sender))


class Enrichment:
    """The end of the JSON of all events of a request: what they have in common."""

    def __init__(self, received_at: datetime, site_id: str, ip: str | None, user_agent: bytes) -> None:
        """Takes what is known of a request.

        Args:
            received_at: when it came, UTC.
            site_id: the site whose write key it had.
            ip: the sender's truncated address, if it is known.
            user_agent: the header as it was sent.
        """
        self.received_at = f"{received_at.isoformat(timespec='milliseconds')[:-6]}Z"
        self.site_id = site_id
        # an event has at least the required fields: there is something before the comma
        time = f',"received_at":"{self.received_at}"'.encode()
        self._ends = {needs: time + end for needs, end in _ends(site_id, ip, user_agent).items()}

    def value(self, event: Any) -> bytes:
        """The JSON of an event with everything that is added.

        Args:
            event: a struct of `schema.EventSchema`; gets an `event_id` if it has none, and its own `ip` is truncated.
        """
        if event.event_id is None:
            event.event_id = new_event_id()
        if event.ip is not None:
            event.ip = truncated(event.ip)
        return _encode(event)[:-1] + self._ends[event.ip is None, event.user_agent is None]


@lru_cache(maxsize=10_000)
def _ends(site_id: str, ip: str | None, user_agent: bytes) -> Mapping[tuple[bool, bool], bytes]:
    """What comes after the time, by whether the event needs the address, and whether it needs the user agent."""
    text = user_agent.decode(errors="replace").encode()[:USER_AGENT_BYTES].decode(errors="ignore")
    ends = {}
    for needs_ip, needs_user_agent in product((False, True), repeat=2):
        end = {"site_id": site_id}
        if needs_ip and ip:
            end["ip"] = ip
        if needs_user_agent and text:
            end["user_agent"] = text
        ends[needs_ip, needs_user_agent] = b"," + _encode(end)[1:]
    return ends


def _unmapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """An address of IPv4 in IPv6's clothes is one of IPv4: its first 48 bits say nothing."""
    return getattr(address, "ipv4_mapped", None) or address


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    """An address as proxies write it: alone, or with a port."""
    for candidate in (text, text.rpartition(":")[0].strip("[]"), text.strip("[]")):
        try:
            return _unmapped(ip_address(candidate.partition("%")[0]))
        except ValueError:
            continue
    return None
