"""Polls whole collections from a TM Forum Open API."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from ingestion.config import setting
from ingestion.delivery import Batch, Delivery
from ingestion.errors import IngestError, SourceUnavailableError
from ingestion.formats.json import Json, read_whole

if TYPE_CHECKING:
    from ingestion.ledger import Ledger

PAGE_SIZE = 100
TIMEOUT_SECONDS = 30
NOT_MODIFIED = 304


@dataclass(frozen=True)
class Collection:
    """A collection's path below the base URL, and how its records become rows."""

    path: str
    format: Json


@dataclass(frozen=True)
class TmfApi:
    """Collections that are read page by page, and only when their ETag has changed.

    The ETag stands for the whole collection (as it stands on the page headers), so pages of two versions are noticed.

    Settings: `base_url`, `token` (sent as a bearer token).
    """

    source: str
    collections: Mapping[str, Collection]

    def deliveries(self, ledger: Ledger, folder: Path, say: Callable[[str], None]) -> Sequence[Delivery]:
        """The collections whose ETag is not the landed one."""
        session = self._session()
        deliveries = []
        for resource, collection in self.collections.items():
            url = setting(self.source, "base_url").rstrip("/") + collection.path
            # without the host: a service that moves must not make its collections new
            uri = f"http:{collection.path}"
            landed = ledger.identity(resource, uri)
            first = self._get(session, url, landed)
            if first.status_code == NOT_MODIFIED:
                continue
            etag = first.headers.get("ETag", "")
            read = partial(self._pages, session, first, etag, collection.format)
            deliveries.append(Delivery(resource, uri, etag, read, collection.format.notation))
        return deliveries

    def acknowledge(self) -> None:
        """A poll leaves the service as it is."""

    def _session(self) -> requests.Session:
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer {setting(self.source, 'token')}"
        retry = Retry(total=4, backoff_factor=0.5, status_forcelist=(429, 500, 502, 503, 504), allowed_methods=["GET"])
        for scheme in ("http://", "https://"):
            session.mount(scheme, HTTPAdapter(max_retries=retry))
        return session

    def _get(
        self,
        session: requests.Session,
        url: str,
        etag: str | None = None,
        **params: Any,
    ) -> requests.Response:
        headers = {"If-None-Match": etag} if etag else {}
        query = {"offset": 0, "limit": PAGE_SIZE, **params}
        try:
            answer = session.get(url, params=query, headers=headers, timeout=TIMEOUT_SECONDS)
            answer.raise_for_status()
        except requests.HTTPError as error:
            status = error.response.status_code
            hint = f"; see sources.{self.source}.token" if status in (401, 403) else ""
            raise SourceUnavailableError(f"{self.source}: {url} answered HTTP {status}{hint}") from error
        except requests.RequestException as error:
            raise SourceUnavailableError(f"{self.source}: {url} cannot be reached: {error}") from error
        return answer

    def _pages(
        self, session: requests.Session, page: requests.Response, etag: str, record_format: Json
    ) -> Iterator[Batch]:
        url = page.url.partition("?")[0]
        fetched = 0
        while True:
            records = read_whole(page.content)
            total = int(page.headers.get("X-Total-Count", "-1"))
            if records:
                yield record_format.records(range(fetched + 1, fetched + 1 + len(records)), records)
            fetched += len(records)
            if fetched >= total or not records:
                break
            page = self._get(session, url, offset=fetched)
            if page.headers.get("ETag", "") != etag:
                raise SourceUnavailableError(f"{self.source}: {url} changed while it was read; run again")
        if fetched != total:
            raise IngestError(f"{self.source}: {url} announced {total} records and gave {fetched}; run again")
