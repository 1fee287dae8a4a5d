"""Polls collections of records from an HTTP API that answers in JSON."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import orjson

from ingestion.config import setting
from ingestion.delivery import EVERYTHING_NEW, Delivery, Format, Request, read_file
from ingestion.errors import IngestError, SourceUnavailableError
from ingestion.transports.changes import Changes, written
from ingestion.transports.http_auth import Auth, NoAuth, renew
from ingestion.transports.http_session import LIMITS, Limits, refuse_failed, session_for, without_query
from ingestion.transports.paging import OnePage, Paging
from ingestion.transports.patience import PATIENT, Patience
from ingestion.transports.poll import Poll
from ingestion.transports.unreadable import unreadable

if TYPE_CHECKING:
    import requests

    from ingestion.contract import Notation
    from ingestion.ledger import Ledger
    from ingestion.transports.rest_client import StrictClient

NOT_MODIFIED = 304


@dataclass(frozen=True)
class Endpoint:
    """One collection of an API.

    Attributes:
        path: below the base URL.
        format: how its records, one JSON object a line, become rows.
        records: JSONPath of the list of records in an answer.
        paging: how pages follow each other.
        params: parameters of every request.
        changes: how only what has changed is asked for; None if the whole collection is read.
        etag_covers: what an ETag or a time of modification stands for. If it is the page, a collection of several
            pages is read whole to see whether it has changed, and known by the hash of its content.
    """

    path: str
    format: Format
    records: str = "$"
    paging: Paging = field(default_factory=OnePage)
    params: Mapping[str, str] = field(default_factory=dict)
    changes: Changes | None = None
    etag_covers: Literal["page", "collection"] = "page"

    @property
    def uri(self) -> str:
        """Where it is, without the host: a service that moves must not make its collections new."""
        return f"http:{self.path}"


@dataclass(frozen=True)
class HttpApi(Poll):
    """Collections of an API. Each is read to its last page before the first of its rows lands.

    A collection that is read whole replaces itself when it has changed. Of one with `changes`, only what has changed
    since the last run is asked for, and added.

    Settings: `base_url`, and those of `auth`.

    Attributes:
        source: whose settings.
        endpoints: collections, by table.
        auth: how we identify ourselves.
        headers: sent with every request.
        limits: what one answer may cost.
        patience: with failures that may pass.
    """

    source: str
    endpoints: Mapping[str, Endpoint]
    auth: Auth = field(default_factory=NoAuth)
    headers: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = LIMITS
    patience: Patience = PATIENT

    def deliveries(
        self, ledger: Ledger, folder: Path, say: Callable[[str], None], request: Request = EVERYTHING_NEW
    ) -> Iterable[Delivery]:
        """The collections that have changed, and the changes of those that tell them.

        Raises:
            SourceUnavailableError: the API cannot be reached, does not let us in, or changed while it was read.
        """
        client = self._client()
        for number, (resource, endpoint) in enumerate(islice(self.endpoints.items(), request.most)):
            path = folder / f"{number:06}.jsonl"
            try:
                delivery = self._delivery(client, resource, path, ledger, request)
            except SourceUnavailableError:
                raise
            except IngestError as error:
                # an answer that cannot be understood is no reason for the other collections not to land
                scope = endpoint.uri if endpoint.changes else None
                delivery = unreadable(resource, endpoint.uri, endpoint.format.notation, error, scope)
            if delivery:
                yield delivery
            path.unlink(missing_ok=True)

    def notation(self, resource: str) -> Notation:
        """How a collection's records write numbers and dates."""
        return self.endpoints[resource].format.notation

    def check(self) -> Sequence[str]:
        """Whether every collection answers us.

        Raises:
            IngestError: a setting is missing, or the API cannot be reached or does not let us in.
        """
        client = self._client()
        told = []
        for resource, endpoint in self.endpoints.items():
            answer: requests.Response = client.get(endpoint.path, params=dict(endpoint.params), stream=True)
            answer.close()
            refuse_failed(self.source, answer, self.auth.blamed)
            told.append(f"{resource}: {without_query(answer.url)} answers")
        return told

    def _client(self) -> StrictClient:
        from ingestion.transports.rest_client import StrictClient

        base_url = setting(self.source, "base_url")
        auth = self.auth.of(self.source)
        session = session_for(
            self.source, base_url, patience=self.patience, limits=self.limits, renew=partial(renew, auth)
        )
        return StrictClient(base_url, dict(self.headers), auth=auth, session=session)

    def _delivery(
        self, client: StrictClient, resource: str, path: Path, ledger: Ledger, request: Request
    ) -> Delivery | None:
        """A collection or its changes, fetched to `path`; None if there is nothing new."""
        endpoint = self.endpoints[resource]
        if endpoint.changes:
            return self._changed(client, resource, path, ledger, request)
        if request.since or request.until:
            raise IngestError(
                f"{self.source}: {endpoint.uri} is read whole and has no past; run without --since and --until"
            )
        landed = None if request.again else ledger.identity(resource, endpoint.uri)
        identity = self._whole(client, endpoint, path, landed)
        if identity is None or identity == landed:
            return None
        read = partial(read_file, endpoint.format, path, endpoint.uri)
        return Delivery(resource, endpoint.uri, identity, read, endpoint.format.notation)

    def _whole(self, client: StrictClient, endpoint: Endpoint, path: Path, landed: str | None) -> str | None:
        """Writes a collection's records to `path`. Gives its identity, None if it has not changed."""
        trusts_tag = endpoint.etag_covers == "collection" or isinstance(endpoint.paging, OnePage)
        headers = _conditions(landed) if trusts_tag and landed else {}
        tag: str | None = None
        hashed = hashlib.sha256()
        with path.open("wb") as file:
            for answer, records in self._pages(client, endpoint, {}, headers):
                met = _tag(answer)
                if tag is not None and trusts_tag and met != tag:
                    raise SourceUnavailableError(
                        f"{self.source}: {without_query(answer.url)} changed while it was read; run again"
                    )
                tag = met
                lines = b"".join(orjson.dumps(record) + b"\n" for record in records)
                hashed.update(lines)
                file.write(lines)
        if tag is None:
            return None
        return tag if trusts_tag and tag else f"sha256 {hashed.hexdigest()}"

    def _changed(self, client: StrictClient, resource: str, path: Path, ledger: Ledger, request: Request) -> Delivery:
        """Writes what has changed to `path`."""
        endpoint = self.endpoints[resource]
        changes = endpoint.changes
        if changes is None:
            raise AssertionError(f"{endpoint.uri} tells no changes")
        is_backfill = request.since is not None or request.until is not None
        cursor = None if request.again else ledger.cursor(resource, endpoint.uri)
        window = changes.window(cursor, request, datetime.now(UTC))
        with path.open("wb") as file:
            for _, records in self._pages(client, endpoint, window.params(), {}):
                file.writelines(orjson.dumps(record) + b"\n" for record in window.new(records))
        uri = f"{endpoint.uri}?{changes.since}={window.since or ''}"
        if request.until:
            uri += f"&until={written(request.until)}"
        return Delivery(
            resource,
            uri,
            window.since or "",
            partial(read_file, endpoint.format, path, uri),
            endpoint.format.notation,
            # the past that is asked for again does not move where the next run goes on
            cursor_scope=None if is_backfill else endpoint.uri,
            cursor_value=None if is_backfill else window.cursor(),
        )

    def _pages(
        self, client: StrictClient, endpoint: Endpoint, params: Mapping[str, str], headers: Mapping[str, str]
    ) -> Iterator[tuple[requests.Response, list[Any]]]:
        """The answers with their records; none if the first is that nothing has changed."""
        import requests
        from dlt.sources.helpers.rest_client.exceptions import IgnoreResponseException

        asked: set[str] = set()

        def judge(answer: requests.Response, *_: object, **__: object) -> None:
            if answer.status_code == NOT_MODIFIED and headers:
                raise IgnoreResponseException
            refuse_failed(self.source, answer, self.auth.blamed)
            if not answer.is_redirect:
                if answer.url in asked:
                    raise IngestError(f"{self.source}: the pages of {without_query(answer.url)} go round in a circle")
                asked.add(answer.url)

        try:
            for page in client.paginate(
                endpoint.path,
                params={**endpoint.params, **params},
                headers=dict(headers),
                paginator=endpoint.paging.paginator(),
                data_selector=endpoint.records,
                hooks={"response": [judge]},
            ):
                yield page.response, list(page)
        except (ValueError, requests.exceptions.RequestException) as error:
            # dlt's paginators quote the whole answer, and that is nobody's business in a log
            told = str(error).partition(", got")[0][:300]
            raise IngestError(f"{self.source}: {endpoint.uri} does not tell how its pages go on: {told}") from None


def _tag(answer: requests.Response) -> str:
    """What stands for the answer's version; empty if the server says nothing."""
    if etag := answer.headers.get("ETag"):
        return str(etag)
    modified = answer.headers.get("Last-Modified")
    return f"modified {modified}" if modified else ""


def _conditions(landed: str) -> dict[str, str]:
    """Headers that ask for an answer only if it is not the landed version."""
    if landed.startswith("sha256 "):
        return {}
    if landed.startswith("modified "):
        return {"If-Modified-Since": landed.removeprefix("modified ")}
    return {"If-None-Match": landed}
