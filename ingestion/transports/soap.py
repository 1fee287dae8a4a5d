"""Polls windows of changes from a SOAP service that is described by a WSDL."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ingestion.contract import ISO
from ingestion.delivery import EVERYTHING_NEW, Batch, Delivery, Request
from ingestion.errors import IngestError, SourceUnavailableError
from ingestion.transports.http_session import Limits
from ingestion.transports.patience import PATIENT, Patience
from ingestion.transports.poll import Poll
from ingestion.transports.soap_answer import Answer, FaultError, moment_of
from ingestion.transports.soap_service import Security, SoapService

if TYPE_CHECKING:
    from ingestion.contract import Notation
    from ingestion.ledger import Ledger

LIMITS = Limits(answer_bytes=4 << 30, answer_seconds=3600)
"""An answer goes to disk and is parsed from there, so it may be large."""


@dataclass(frozen=True)
class SoapOperation:
    """An operation that lists changes, and the names of the elements that matter in its question and its answer.

    Attributes:
        name: of the operation.
        record: element of the answer that repeats.
        since: element of the question that takes the beginning of the window, which is part of it.
        until: element of the question that takes the end of the window, which is not part of it.
        as_of: element of the answer that tells where the window ended, and the next one begins.
        page_token: element of the question that takes `next_token` of the answer before; None if there is one page.
        next_token: element of the answer; without it, or empty, there is no next page.
        start: what the first run asks for, ISO 8601; without it, for everything.
        arguments: other elements of the question.
        lag_seconds: without `as_of`, how far before now a window ends.
    """

    name: str
    record: str
    since: str = "modifiedSince"
    until: str | None = None
    as_of: str | None = "asOf"
    page_token: str | None = "pageToken"  # noqa: S105 - the name of an element
    next_token: str = "nextPageToken"  # noqa: S105
    start: str | None = None
    arguments: Mapping[str, Any] = field(default_factory=lambda: {"pageSize": 500})
    lag_seconds: int = 60

    def __post_init__(self) -> None:
        if not self.as_of and not self.until:
            raise ValueError(f"{self.name} needs `as_of` or `until`: nobody else knows where the next window begins")

    @property
    def scope(self) -> str:
        """What the cursor belongs to."""
        return f"soap:{self.name}"


@dataclass(frozen=True)
class Soap(Poll):
    """A service whose operations are asked for what has changed since a time, and answer up to which time that is.

    The next run asks from there on, so windows meet without a gap and without an overlap. An answer is written to disk
    and parsed from there, so that neither its size nor a connection that breaks matters.

    Settings: `wsdl_url` (or a file), `username`, `password`, and optionally `endpoint_url`.

    Attributes:
        source: whose settings.
        operations: by table.
        security: how we identify ourselves: HTTP Basic, or a UsernameToken of WS-Security.
        limits: what one answer may cost.
        patience: with failures that may pass.
    """

    source: str
    operations: Mapping[str, SoapOperation]
    security: Security = "basic"
    limits: Limits = LIMITS
    patience: Patience = PATIENT

    def deliveries(
        self, ledger: Ledger, folder: Path, say: Callable[[str], None], request: Request = EVERYTHING_NEW
    ) -> Iterable[Delivery]:
        """One window per operation, from where the last one ended.

        Raises:
            SourceUnavailableError: the service cannot be reached or does not let us in.
            IngestError: the WSDL is not one, or an operation cannot be asked for the window.
        """
        service = self._service()
        for resource, operation in islice(self.operations.items(), request.most):
            yield self._delivery(service, resource, ledger, folder / f"{operation.name}.xml", request)

    def notation(self, resource: str) -> Notation:
        """XML Schema writes numbers and times as ISO 8601 does."""
        return ISO

    def check(self) -> Sequence[str]:
        """Whether the WSDL can be read and has the operations, and its records their elements.

        Raises:
            IngestError: a setting is missing, the WSDL cannot be had, or does not fit.
        """
        service = self._service()
        told = [f"the WSDL {service.wsdl_url.partition('?')[0]} can be read"]
        for resource, operation in self.operations.items():
            columns = len(service.types(operation.name, operation.record))
            told.append(f"{resource}: {operation.name} gives {operation.record} with {columns} columns")
        return told

    def _service(self) -> SoapService:
        return SoapService(self.source, self.security, self.limits, self.patience)

    def _delivery(self, service: SoapService, resource: str, ledger: Ledger, path: Path, request: Request) -> Delivery:
        operation = self.operations[resource]
        if request.until and not operation.until:
            raise IngestError(
                f"{self.source}: {operation.name} cannot be asked for changes until a time; run without --until"
            )
        landed = None if request.again else ledger.cursor(resource, operation.scope)
        since = request.since.astimezone(UTC).isoformat() if request.since else landed or operation.start
        until = request.until
        if operation.until and not until:
            until = datetime.now(UTC) - timedelta(seconds=operation.lag_seconds)
        uri = f"{operation.scope}?{operation.since}={since or ''}"
        if request.until:
            uri += f"&until={request.until.astimezone(UTC).isoformat()}"
        # the past that is asked for again does not move where the next run goes on
        scope = None if request.since or request.until else operation.scope
        delivery = Delivery(resource, uri, since or "", lambda: iter(()), ISO, cursor_scope=scope)
        delivery.read = partial(self._window, service, operation, since, until, path=path, delivery=delivery)
        return delivery

    def _window(
        self,
        service: SoapService,
        operation: SoapOperation,
        since: str | None,
        until: datetime | None,
        *,
        path: Path,
        delivery: Delivery,
    ) -> Iterator[Batch]:
        question = {**operation.arguments, operation.since: datetime.fromisoformat(since) if since else None}
        if operation.until:
            question[operation.until] = until
        types = service.types(operation.name, operation.record)
        ends = [until] if until else []
        tokens: set[str] = set()
        rows = 0
        while True:
            service.call(operation.name, question, path)
            told = [name for name in (operation.as_of, operation.next_token) if name]
            answer = Answer(operation.record, told, types)
            for batch in self._batches(service, operation, answer, path, rows):
                rows += len(batch.table)
                yield batch
            if operation.as_of:
                if not answer.texts.get(operation.as_of):
                    raise IngestError(f"{self.source}: {operation.name} answers without {operation.as_of}")
                ends.append(moment_of(answer.texts[operation.as_of]))
            if delivery.cursor_scope:
                # the earliest: what changed between two pages is asked for again rather than never
                delivery.cursor_value = min(ends).isoformat()
            token = answer.texts.get(operation.next_token)
            if not token or not operation.page_token:
                break
            if token in tokens:
                raise IngestError(f"{self.source}: the pages of {operation.name} go round in a circle")
            tokens.add(token)
            question[operation.page_token] = token
        path.unlink(missing_ok=True)

    def _batches(
        self, service: SoapService, operation: SoapOperation, answer: Answer, path: Path, before: int
    ) -> Iterator[Batch]:
        try:
            with path.open("rb") as stream:
                yield from answer.batches(stream, before)
        except FaultError as fault:
            told = service.without_password(str(fault))
            if fault.is_login:
                raise SourceUnavailableError(
                    f"{self.source}: the SOAP service refuses the user name or password: {told}; "
                    f"see sources.{self.source}"
                ) from None
            kind = IngestError if fault.is_ours else SourceUnavailableError
            raise kind(f"{self.source}: the SOAP service answers {operation.name} with a fault: {told}") from None
        except IngestError as error:
            raise IngestError(f"{self.source}: {operation.name}: {error}") from error
