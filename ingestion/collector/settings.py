"""What the collector is told by configuration: `[collector]` in `.dlt/config.toml`, keys in `.dlt/secrets.toml`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import orjson

from ingestion.collector.enrichment import Network
from ingestion.collector.intake import Limits
from ingestion.collector.sites import Bucket, Site, Sites
from ingestion.config import configured, setting
from ingestion.errors import IngestError

SHORTEST_KEY = 16
"""Characters of a write key; what is shorter can be guessed."""

_SITE_ID = re.compile(r"[a-z0-9_]{1,64}")


@dataclass(frozen=True)
class Settings:
    """Everything that can be set, in the units of its name.

    Attributes:
        host: the address to listen on.
        port: the port to listen on; 0 takes a free one.
        source: the source whose stream gets the events; its settings say where the stream is.
        site_ids: the sites; each has a section of its own, see `sites`.
        trusted_proxies: networks whose X-Forwarded-For is believed.
        spool_folder: where events wait on disk for a stream that is away. Of this collector alone, and it has to
            survive a restart.
        spool_megabytes: how much may wait there; then callers are sent away with 503.
        memory_megabytes: bodies that may be in hand at once; then callers are sent away with 503.
        in_flight_megabytes: what may be on its way to the stream at once; more goes to the spool.
        stream_seconds: how long the stream may take before an event goes to the spool.
        body_kilobytes: the longest body.
        event_kilobytes: the longest event, with all that is added.
        batch_events: the largest batch.
        oldest_days: an event that happened earlier comes from a clock that is wrong.
        newest_hours: an event that happens so much later does, too.
        events_per_second: of a site, on average; its section may say otherwise.
        burst_seconds: so many seconds' worth of events may come at once.
        connections: at once; more wait to be accepted.
        header_seconds: how long a head may take, and a connection may be idle.
        body_seconds: how long a body may take.
        shutdown_seconds: how long to wait for the spool to empty when told to stop.
    """

    host: str = "127.0.0.1"
    port: int = 8704
    source: str = "events"
    site_ids: tuple[str, ...] = ()
    trusted_proxies: tuple[str, ...] = ()
    spool_folder: str = ".majakka/collector/spool"
    spool_megabytes: float = 256
    memory_megabytes: float = 64
    in_flight_megabytes: float = 16
    stream_seconds: float = 3
    body_kilobytes: float = 1024
    event_kilobytes: float = 32
    batch_events: int = 500
    oldest_days: float = 90
    newest_hours: float = 24
    events_per_second: float = 2_000
    burst_seconds: float = 5
    connections: int = 1024
    header_seconds: float = 5
    body_seconds: float = 10
    shutdown_seconds: float = 10
    sites: Sites = field(default_factory=lambda: Sites(()))

    @property
    def limits(self) -> Limits:
        """What is too much of a body."""
        return Limits(
            batch_events=self.batch_events,
            event_bytes=round(self.event_kilobytes * 1024),
            oldest=timedelta(days=self.oldest_days),
            newest=timedelta(hours=self.newest_hours),
        )

    @property
    def proxies(self) -> tuple[Network, ...]:
        """The networks of our own proxies."""
        return tuple(ip_network(text) for text in self.trusted_proxies)

    @property
    def folder(self) -> Path:
        """The spool's folder."""
        return Path(self.spool_folder)

    @property
    def stream(self) -> str:
        """The stream's name.

        Raises:
            IngestError: the source does not say.
        """
        return setting(self.source, "stream")


def from_configuration() -> Settings:
    """The settings as dlt finds them, with a site for each of `collector.site_ids`.

    Raises:
        IngestError: one of them is missing or strange.
    """
    readers: dict[str, Callable[[Any], Any]] = {
        "str": str,
        "int": int,
        "float": float,
        "tuple[str, ...]": _texts,
    }
    found: dict[str, Any] = {}
    for described in fields(Settings):
        if described.name == "sites":
            continue
        value = configured(f"collector.{described.name}")
        if value is not None:
            read = readers[str(described.type)]
            found[described.name] = _read(f"collector.{described.name}", value, read)
    settings = Settings(**found)
    _refuse_strange(settings)
    return Settings(**found, sites=_sites(settings))


def _sites(settings: Settings) -> Sites:
    if not settings.site_ids:
        raise IngestError(
            "the collector knows no site: set collector.site_ids, and for each site origins under "
            "[collector.sites.<site>] in .dlt/config.toml and write_keys there in .dlt/secrets.toml"
        )
    sites = []
    for site_id in settings.site_ids:
        section = f"collector.sites.{site_id}"
        if not _SITE_ID.fullmatch(site_id):
            raise IngestError(f"{site_id!r} is no name for a site: small letters, digits and underscores")
        keys = _secrets(f"{section}.write_keys")
        if not keys:
            raise IngestError(f"the site {site_id} needs a write key: set {section}.write_keys in .dlt/secrets.toml")
        if any(len(key) < SHORTEST_KEY for key in keys):
            raise IngestError(f"a write key of the site {site_id} is shorter than {SHORTEST_KEY} characters")
        origins = frozenset(_read(f"{section}.origins", configured(f"{section}.origins") or (), _texts))
        rate = configured(f"{section}.events_per_second")
        per_second = settings.events_per_second if rate is None else _read(f"{section}.events_per_second", rate, float)
        if per_second <= 0:
            raise IngestError(f"{section}.events_per_second is {per_second:g}: give a number above 0")
        sites.append((Site(site_id, origins, Bucket(per_second, per_second * settings.burst_seconds)), keys))
    try:
        return Sites(sites)
    except ValueError as error:
        raise IngestError(str(error)) from None


def _refuse_strange(settings: Settings) -> None:
    for described in fields(Settings):
        value = getattr(settings, described.name)
        if isinstance(value, int | float) and (value < 0 or (value == 0 and described.name != "port")):
            raise IngestError(f"collector.{described.name} is {value}: give a number above 0")
    try:
        settings.proxies  # noqa: B018 - to read them once
    except ValueError as error:
        raise IngestError(f"collector.trusted_proxies: {error}") from None


def _read(path: str, value: object, read: Callable[[Any], Any]) -> Any:
    try:
        return read(value)
    except ValueError:
        raise IngestError(f"{path} is {value!r}: that cannot be read") from None


def _secrets(path: str) -> tuple[str, ...]:
    """The same for what must not be quoted."""
    try:
        return _texts(configured(path) or ())
    except ValueError:
        raise IngestError(f"{path} cannot be read: give a list of texts") from None


def _texts(value: object) -> tuple[str, ...]:
    """A list from a file, or from the environment: JSON, or texts with commas between them."""
    if isinstance(value, str):
        text = value.strip()
        value = (
            orjson.loads(text) if text.startswith("[") else [part.strip() for part in text.split(",") if part.strip()]
        )
    if not isinstance(value, list | tuple):
        raise ValueError(f"{type(value).__name__} is no list")
    return tuple(str(one) for one in value)
