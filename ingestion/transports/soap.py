"""Polls windows of changes from a SOAP service that is described by a WSDL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from ingestion.config import setting
from ingestion.contract import ISO
from ingestion.delivery import Batch, Delivery
from ingestion.errors import IngestError, SourceUnavailableError
from ingestion.names import snake_case

if TYPE_CHECKING:
    from ingestion.ledger import Ledger

PAGE_SIZE = 500
TIMEOUT_SECONDS = 60


@dataclass(frozen=True)
class SoapOperation:
    """An operation that lists changes, and the element of its answer that repeats."""

    name: str
    record: str


@dataclass(frozen=True)
class Soap:
    """A service whose operations take `modifiedSince` and answer with `asOf`: the window in between is what changed.

    The next run asks from `asOf` on, so windows meet without a gap and without an overlap.

    Settings: `wsdl_url`, `username`, `password`.
    """

    source: str
    operations: Mapping[str, SoapOperation]

    def deliveries(self, ledger: Ledger, folder: Path, say: Callable[[str], None]) -> Sequence[Delivery]:
        """One window per operation, from where the last one ended."""
        client = self._client()
        deliveries = []
        for resource, operation in self.operations.items():
            scope = f"soap:{operation.name}"
            since = ledger.cursor(resource, scope)
            uri = f"{scope}?modifiedSince={since or ''}"
            delivery = Delivery(resource, uri, since or "", lambda: iter(()), ISO, cursor_scope=scope)
            delivery.read = partial(self._window, client, operation, since, delivery)
            deliveries.append(delivery)
        return deliveries

    def acknowledge(self) -> None:
        """A poll leaves the service as it is."""

    def _client(self) -> Any:
        import requests
        import zeep

        session = requests.Session()
        session.auth = (setting(self.source, "username"), setting(self.source, "password"))
        # zeep is half typed: its constructors are not
        make: Any = zeep
        transport = make.Transport(session=session, timeout=TIMEOUT_SECONDS, operation_timeout=TIMEOUT_SECONDS)
        # entities and DTDs have no place in a CRM's answer, and are how XML is used to attack a reader
        settings = zeep.Settings(forbid_dtd=True, forbid_entities=True, forbid_external=True)
        with _errors_named(self.source):
            return make.Client(setting(self.source, "wsdl_url"), transport=transport, settings=settings)

    def _window(
        self,
        client: Any,
        operation: SoapOperation,
        since: str | None,
        delivery: Delivery,
    ) -> Iterator[Batch]:
        token: str | None = None
        row = 0
        while True:
            with _errors_named(self.source):
                answer = client.service[operation.name](
                    modifiedSince=datetime.fromisoformat(since) if since else None,
                    pageToken=token,
                    pageSize=PAGE_SIZE,
                )
            records = [_plain(record) for record in answer[operation.record] or ()]
            if records:
                yield _batch(records, row)
            row += len(records)
            delivery.cursor_value = answer["asOf"].astimezone(UTC).isoformat()
            token = answer["nextPageToken"]
            if not token:
                return


class _errors_named:  # noqa: N801 - reads as a verb where it stands
    """Turns the errors of zeep and requests into ours, with the source's name and without its password."""

    def __init__(self, source: str) -> None:
        self._source = source

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        import lxml.etree
        import requests
        import zeep.exceptions

        if isinstance(error, zeep.exceptions.TransportError) and error.status_code in (401, 403):
            raise SourceUnavailableError(
                f"{self._source}: the SOAP service refuses the user name or password; see sources.{self._source}"
            ) from error
        if isinstance(error, requests.HTTPError) and error.response is not None:
            raise SourceUnavailableError(
                f"{self._source}: the WSDL cannot be read: HTTP {error.response.status_code}"
            ) from error
        if isinstance(error, requests.RequestException | zeep.exceptions.TransportError):
            raise SourceUnavailableError(f"{self._source}: the SOAP service cannot be reached: {error}") from error
        if isinstance(error, zeep.exceptions.Error | lxml.etree.LxmlError):
            raise IngestError(f"{self._source}: the SOAP service answered something unexpected: {error}") from error


def _plain(record: Any) -> dict[str, str | None]:
    values = {snake_case(name): record[name] for name in record}
    return {name: _text(value) for name, value in values.items()}


def _text(value: object) -> str | None:
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case datetime():
            # a WSDL's dateTime may come without a zone; the service's clock is UTC by its description
            return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC).isoformat()
        case date():
            return value.isoformat()
        case _:
            return str(value)


def _batch(records: Sequence[Mapping[str, str | None]], before: int) -> Batch:
    names = list(dict.fromkeys(name for record in records for name in record))
    columns = {name: pa.array([record.get(name) for record in records], pa.string()) for name in names}
    rows = pa.array(range(before + 1, before + 1 + len(records)), pa.int64())
    return Batch(pa.table(columns), rows)
