"""The CRM: SOAP 1.1, document/literal, every record version within a window of last updates."""

from __future__ import annotations

import base64
import binascii
import hmac
from bisect import bisect_left
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from flask import Blueprint, Response, request
from lxml import etree

from demo.operator.settings import stamp

if TYPE_CHECKING:
    from collections.abc import Callable

SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
NAMESPACE = "urn:operator:crm:v1"
OPERATIONS = {"ListCustomers": "customer", "ListContactMedia": "contactMedium", "ListConsents": "consent"}
PAGE_SIZE, MAX_PAGE_SIZE = 200, 500
MAX_REQUEST_BYTES = 64 * 1024


class _FaultError(Exception):
    """The client asked for something wrong."""


@dataclass(frozen=True)
class _Window:
    """What one series of pages shows: lastUpdate in [since, as_of), from `offset` on."""

    operation: str
    since: str
    as_of: str
    offset: int

    def token(self) -> str:
        """The window as an opaque page token."""
        return base64.urlsafe_b64encode(orjson.dumps([self.operation, self.since, self.as_of, self.offset])).decode()


def crm(folder: Path, credentials: dict[str, str], as_of: Callable[[], datetime]) -> Blueprint:
    """The service over a generated folder; `as_of` tells the operator's present morning."""
    blueprint = Blueprint("crm", __name__)
    wsdl = Path(__file__).with_name("crm.wsdl").read_text(encoding="utf-8")
    records: dict[str, list[dict[str, Any]]] = {}
    updates: dict[str, list[str]] = {}
    for operation in OPERATIONS:
        lines = (folder / "crm" / f"{operation}.jsonl").read_bytes().splitlines()
        records[operation] = [orjson.loads(line) for line in lines]
        updates[operation] = [record["last_update"] for record in records[operation]]

    @blueprint.get("/crm")
    def describe() -> Response:
        return Response(wsdl.replace("@ADDRESS@", f"{request.host_url}crm"), content_type="text/xml; charset=utf-8")

    @blueprint.post("/crm")
    def call() -> Response:
        given = request.authorization
        if (
            given is None
            or given.type != "basic"
            or not _same(given.username, credentials["crm_username"])
            or not _same(given.password, credentials["crm_password"])
        ):
            return Response("unknown user or password\n", 401, {"WWW-Authenticate": 'Basic realm="crm"'})
        try:
            window, size = _understand(request.get_data(), stamp(as_of()))
        except _FaultError as fault:
            return _answer(_fault(str(fault)), 500)
        first = bisect_left(updates[window.operation], window.since)
        last = bisect_left(updates[window.operation], window.as_of)
        start = min(first + window.offset, last)
        page = records[window.operation][start : min(start + size, last)]
        body = etree.Element(f"{{{NAMESPACE}}}{window.operation}Response", nsmap={"crm": NAMESPACE})
        _text(body, "asOf", window.as_of)
        if start + size < last:
            more = _Window(window.operation, window.since, window.as_of, window.offset + size)
            _text(body, "nextPageToken", more.token())
        for record in page:
            element = etree.SubElement(body, f"{{{NAMESPACE}}}{OPERATIONS[window.operation]}")
            for column, value in record.items():
                if value is not None:
                    _text(element, _camel(column), str(value).lower() if isinstance(value, bool) else value)
        return _answer(body, 200)

    return blueprint


def _same(given: str | None, wanted: str) -> bool:
    return hmac.compare_digest((given or "").encode(), wanted.encode())


def _understand(body: bytes, as_of: str) -> tuple[_Window, int]:
    """The window and page size asked for. Raises `_FaultError`."""
    if len(body) > MAX_REQUEST_BYTES:
        raise _FaultError("request too large")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        envelope = etree.fromstring(body, parser)
    except etree.XMLSyntaxError as error:
        raise _FaultError(f"not well-formed: {error}") from error
    if envelope.getroottree().docinfo.internalDTD is not None:
        raise _FaultError("a document type declaration is not accepted")
    asked = envelope.find(f"{{{SOAP}}}Body/*")
    if envelope.tag != f"{{{SOAP}}}Envelope" or asked is None:
        raise _FaultError("not a SOAP 1.1 envelope with a body")
    name = etree.QName(asked.tag)
    if name.namespace != NAMESPACE or name.localname not in OPERATIONS:
        raise _FaultError(f"unknown operation {asked.tag}; there are {', '.join(OPERATIONS)}")
    given = {etree.QName(part.tag).localname: (part.text or "").strip() for part in asked}
    size = given.get("pageSize") or str(PAGE_SIZE)
    if not size.isdecimal() or not 1 <= int(size) <= MAX_PAGE_SIZE:
        raise _FaultError(f"pageSize {size!r}: give 1 to {MAX_PAGE_SIZE}")
    if given.get("pageToken"):
        return _continued(given["pageToken"], name.localname), int(size)
    since = ""
    if given.get("modifiedSince"):
        try:
            moment = datetime.fromisoformat(given["modifiedSince"])
        except ValueError as error:
            raise _FaultError(f"modifiedSince {given['modifiedSince']!r} is no dateTime") from error
        moment = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        # Records carry whole seconds; text compares as the moments do.
        since = stamp(moment) if not moment.microsecond else f"{stamp(moment)[:-1]}~"
    return _Window(name.localname, since, as_of, 0), int(size)


def _continued(token: str, operation: str) -> _Window:
    try:
        made_for, since, as_of, offset = orjson.loads(base64.urlsafe_b64decode(token.encode()))
        window = _Window(str(made_for), str(since), str(as_of), int(offset))
    except (ValueError, TypeError, binascii.Error) as error:
        raise _FaultError("this pageToken was not given out here") from error
    if window.operation != operation or window.offset < 0:
        raise _FaultError(f"this pageToken belongs to {window.operation}")
    return window


def _text(parent: etree._Element, name: str, text: str) -> None:
    etree.SubElement(parent, f"{{{NAMESPACE}}}{name}").text = text


def _camel(column: str) -> str:
    head, *tail = column.split("_")
    return head + "".join(word.capitalize() for word in tail)


def _fault(reason: str) -> etree._Element:
    fault = etree.Element(f"{{{SOAP}}}Fault")
    etree.SubElement(fault, "faultcode").text = "soap:Client"
    etree.SubElement(fault, "faultstring").text = reason
    return fault


def _answer(content: etree._Element, status: int) -> Response:
    envelope = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"soap": SOAP})
    etree.SubElement(envelope, f"{{{SOAP}}}Body").append(content)
    return Response(
        etree.tostring(envelope, xml_declaration=True, encoding="UTF-8"), status, content_type="text/xml; charset=utf-8"
    )
