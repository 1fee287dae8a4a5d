"""A SOAP service as its WSDL describes it: what is sent to it, and its answer on disk."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

import requests

from ingestion.config import optional_setting, setting
from ingestion.errors import IngestError, SourceUnavailableError
from ingestion.names import snake_case
from ingestion.transports.http_session import (
    CHUNK_BYTES,
    PASSING,
    Limits,
    reason,
    refuse_failed,
    session_for,
    without_query,
)

if TYPE_CHECKING:
    from ingestion.transports.patience import Patience

log = logging.getLogger(__name__)

Security = Literal["basic", "username_token", "username_token_digest"]

FAULT_STATUSES = (400, 500)
"""What a fault comes with; it is read, not tried again."""


class SoapService:
    """Operations of a service.

    The WSDL is read without DTDs, entities and documents of other servers. The password goes to the server that the
    WSDL came from, or that the setting `endpoint_url` names, and to no other.
    """

    def __init__(self, source: str, security: Security, limits: Limits, patience: Patience) -> None:
        import zeep
        from zeep.wsse import username

        self._source = source
        self._limits = limits
        self._patience = patience
        self._username, self._password = setting(source, "username"), setting(source, "password")
        self.wsdl_url = setting(source, "wsdl_url")
        # zeep is half typed: its constructors are not
        make: Any = zeep
        token: Any = username.UsernameToken
        self._sent = _sent_plugin()
        wsse = (
            None
            if security == "basic"
            else token(self._username, self._password, use_digest=security == "username_token_digest")
        )
        # the password for Basic goes with a request for the WSDL too: services protect both
        self._auth = (self._username, self._password) if security == "basic" else None
        with self._named_errors():
            self._client = make.Client(
                self.wsdl_url,
                transport=self._wsdl_transport(),
                settings=make.Settings(forbid_dtd=True, forbid_entities=True, forbid_external=True),
                wsse=wsse,
                plugins=[self._sent],
            )
            # a document without a service is none either
            self._service = self._client.service
        self._session: requests.Session | None = None

    def has(self, operation: str) -> bool:
        """Whether the WSDL describes an operation."""
        return self._operation(operation) is not None

    def types(self, operation: str, record: str) -> dict[str, str]:
        """The simple types of a record's columns, as the WSDL has them."""
        described = self._operation(operation)
        if described is None:
            raise IngestError(f"{self._source}: the WSDL has no operation {operation!r}")
        body = described.output.body
        found = _element(body.type, record, depth=4) if body is not None else None
        if found is None:
            raise IngestError(f"{self._source}: the WSDL has no element {record!r} in the answer of {operation}")
        return {
            snake_case(name): str(part.type.name)
            for name, part in getattr(found.type, "elements", ())
            if getattr(part, "type", None) is not None and part.type.name
        }

    def call(self, operation: str, arguments: Mapping[str, Any], to: Path) -> None:
        """Asks, and writes the whole answer to `to`.

        Raises:
            SourceUnavailableError: the service cannot be reached or does not let us in.
            IngestError: the arguments do not fit the WSDL, or the answer is larger than allowed.
        """
        from lxml import etree

        body = etree.tostring(self._message(operation, arguments), xml_declaration=True, encoding="utf-8")
        url = optional_setting(self._source, "endpoint_url") or str(self._sent.address)
        if self._session is None:
            self._session = self._make_session(url)
        failures = 0
        while True:
            # the session has its own patience with answers that do not begin; here they begin and break off
            answer = self._session.post(
                url, body, headers=self._sent.headers, auth=self._auth, stream=True, allow_redirects=False
            )
            try:
                with answer:
                    self._refuse(answer)
                    self._write(answer, to)
                return
            except requests.exceptions.RequestException as error:
                failures += 1
                told = f"{self._source}: {without_query(url)} {reason(error)}"
                if failures >= self._patience.attempts:
                    raise SourceUnavailableError(f"{told} ({failures} attempts); run again later") from None
                log.info("%s, attempt %d", told, failures)
                time.sleep(self._patience.seconds(failures))

    def without_password(self, text: str) -> str:
        """What a service says, should it repeat what it was sent."""
        return text.replace(self._password, "***") if self._password else text

    def _operation(self, name: str) -> Any:
        """What the WSDL's first port says of an operation, which is the one that is called; None if it has none."""
        ports = next(iter(self._client.wsdl.services.values())).ports
        try:
            return next(iter(ports.values())).binding.get(name)
        except ValueError:
            return None

    def _message(self, operation: str, arguments: Mapping[str, Any]) -> Any:
        if not self.has(operation):
            raise IngestError(f"{self._source}: the WSDL has no operation {operation!r}")
        with self._named_errors():
            return self._client.create_message(self._service, operation, **arguments)

    def _make_session(self, url: str) -> requests.Session:
        is_local = urlsplit(self.wsdl_url).scheme not in ("http", "https")
        trusted = optional_setting(self._source, "endpoint_url") or (url if is_local else self.wsdl_url)
        return session_for(
            self._source,
            trusted,
            patience=self._patience,
            limits=self._limits,
            passing=PASSING - set(FAULT_STATUSES),
        )

    def _refuse(self, answer: requests.Response) -> None:
        if answer.status_code in (401, 403):
            raise SourceUnavailableError(
                f"{self._source}: the SOAP service refuses the user name or password; see sources.{self._source}"
            )
        if answer.is_redirect:
            to = without_query(answer.headers.get("Location"))
            raise IngestError(
                f"{self._source}: the SOAP service sends us on to {to}; it was not followed. "
                f"Set sources.{self._source}.endpoint_url if that is where it has moved."
            )
        if answer.status_code not in FAULT_STATUSES or "xml" not in answer.headers.get("Content-Type", ""):
            refuse_failed(self._source, answer, "endpoint_url")

    def _write(self, answer: requests.Response, to: Path) -> None:
        until = time.monotonic() + self._limits.answer_seconds
        size = 0
        with to.open("wb") as file:
            for chunk in answer.iter_content(CHUNK_BYTES):
                size += file.write(chunk)
                if size > self._limits.answer_bytes:
                    most = self._limits.answer_bytes
                    raise IngestError(f"{self._source}: the SOAP service answers with more than {most:,} bytes")
                if time.monotonic() > until:
                    raise requests.exceptions.ReadTimeout("the answer does not come to its end")

    def _wsdl_transport(self) -> Any:
        import zeep

        session = session_for(self._source, self.wsdl_url, patience=self._patience)
        session.auth = self._auth
        make: Any = zeep
        transport = make.Transport(session=session)
        is_local = urlsplit(self.wsdl_url).scheme not in ("http", "https")
        # zeep would read this machine's files for a WSDL that came from elsewhere
        if not is_local:
            session.adapters.pop("file://", None)
        load = transport.load

        def careful_load(url: str) -> Any:
            if not is_local and urlsplit(url).scheme not in ("http", "https"):
                raise IngestError(f"{self._source}: the WSDL refers to {url!r} on this machine; it was not read")
            return load(url)

        transport.load = careful_load
        return transport

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        """Turns the errors of zeep and requests into ours, with the source's name and without its password."""
        import lxml.etree
        import zeep.exceptions

        try:
            yield
        except requests.HTTPError as error:
            status = error.response.status_code if error.response is not None else 0
            refused = " refuses the user name or password" if status in (401, 403) else f" answered HTTP {status}"
            raise SourceUnavailableError(
                f"{self._source}: {without_query(self.wsdl_url)}{refused}; see sources.{self._source}"
            ) from error
        except OSError as error:
            # requests' own errors are of this kind, and so is a WSDL that is no file
            told = reason(error) if isinstance(error, requests.RequestException) else error.strerror
            raise SourceUnavailableError(
                f"{self._source}: the WSDL {without_query(self.wsdl_url)} cannot be read: {told}"
            ) from error
        except (zeep.exceptions.Error, lxml.etree.LxmlError, TypeError, ValueError, AttributeError) as error:
            told = self.without_password(" ".join(str(error).split()))[:300]
            raise IngestError(f"{self._source}: the WSDL is not one, or does not fit: {told}") from error


def _sent_plugin() -> Any:
    """A plugin that notes what zeep would send, and where to."""
    import zeep

    class Sent(zeep.Plugin):
        """The last message's headers and address."""

        headers: Mapping[str, str] = {}
        address = ""

        def egress(
            self, envelope: Any, http_headers: Mapping[str, str], operation: Any, binding_options: Mapping[str, Any]
        ) -> Any:
            """Notes them, and changes nothing."""
            self.headers = dict(http_headers)
            self.address = str(binding_options["address"])
            return envelope, http_headers

    return Sent()


def _element(kind: Any, name: str, depth: int) -> Any:
    """The element of that name somewhere in a complex type."""
    for found, part in getattr(kind, "elements", ()):
        if found == name:
            return part
    if depth:
        for _, part in getattr(kind, "elements", ()):
            inner = _element(getattr(part, "type", None), name, depth - 1)
            if inner is not None:
                return inner
    return None
