"""Product catalogue, inventory and orders over HTTP, as TMF620, TMF637 and TMF622 page them."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
from flask import Blueprint, Response, request

if TYPE_CHECKING:
    from collections.abc import Callable

# By the system that has them: each has a token of its own.
PATHS = {
    "catalog": {
        "productOffering": "/tmf-api/productCatalogManagement/v4/productOffering",
        "product": "/tmf-api/productInventory/v4/product",
    },
    "orders": {"productOrder": "/tmf-api/productOrderingManagement/v4/productOrder"},
}
LIMIT = 100


@dataclass(frozen=True)
class _Collection:
    """One version of a collection: its entries as JSON, and the tag of the whole."""

    entries: list[bytes]
    etag: str

    @classmethod
    def read(cls, path: Path) -> _Collection:
        content = path.read_bytes()
        tag = hashlib.sha256(content).hexdigest()[:32]
        return cls([orjson.dumps(entry) for entry in orjson.loads(content)], tag)


def collections(system: str, folder: Path, token: str, morning: Callable[[], int]) -> Blueprint:
    """A system's collections over a generated folder; `morning` tells which version is the present one."""
    blueprint = Blueprint(system, __name__)
    versions = {
        (name, number): _Collection.read(folder / system / str(number) / f"{name}.json")
        for name in PATHS[system]
        for number in (1, 2)
    }

    def page(name: str) -> Response:
        given = request.headers.get("Authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            refused = _error(401, "unauthorised", "give the bearer token of this system")
            refused.headers["WWW-Authenticate"] = 'Bearer realm="tmf-api"'
            return refused
        offset, limit = request.args.get("offset", "0"), request.args.get("limit", str(LIMIT))
        if not offset.isdecimal() or not limit.isdecimal() or not 1 <= int(limit) <= LIMIT:
            return _error(400, "badQuery", f"offset from 0, limit from 1 to {LIMIT}")
        collection = versions[name, morning()]
        if request.if_none_match.contains(collection.etag):
            unchanged = Response(status=304)
            unchanged.set_etag(collection.etag)
            return unchanged
        start, end = int(offset), int(offset) + int(limit)
        entries = collection.entries[start:end]
        answer = Response(b"[" + b",".join(entries) + b"]", content_type="application/json;charset=utf-8")
        answer.set_etag(collection.etag)
        answer.headers["X-Total-Count"] = str(len(collection.entries))
        answer.headers["X-Result-Count"] = str(len(entries))
        if end < len(collection.entries):
            address = f"{request.host_url.rstrip('/')}{PATHS[system][name]}?offset={end}&limit={limit}"
            answer.headers["Link"] = f'<{address}>; rel="next"'
        return answer

    for name, path in PATHS[system].items():
        blueprint.add_url_rule(path, name, page, defaults={"name": name})
    return blueprint


def _error(status: int, code: str, reason: str) -> Response:
    body = orjson.dumps({"code": code, "reason": reason, "status": str(status)})
    return Response(body, status, content_type="application/json;charset=utf-8")
