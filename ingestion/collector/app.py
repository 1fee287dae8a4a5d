"""The collector's ASGI application: reads a request, asks the intake, waits for the outlet, answers."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from ingestion.collector.answers import PIXEL, Answer, Stop, later, of_events, of_json, parts, refusal
from ingestion.collector.enrichment import Enrichment, Senders
from ingestion.collector.intake import Intake, Rejection, Taken, UnreadableError
from ingestion.collector.metrics import CONTENT_TYPE, Metrics
from ingestion.collector.openapi import description
from ingestion.collector.outlet import Outlet
from ingestion.collector.schema import VERSION, load
from ingestion.collector.settings import Settings
from ingestion.collector.sites import Site
from ingestion.collector.spool import SpoolFailedError, SpoolFullError
from ingestion.streams.producer import Record

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[Mapping[str, Any]], Awaitable[None]]

EVENTS, PIXEL_PATH = "/v1/events", "/v1/pixel.gif"
BODIES = (b"application/json", b"text/plain")
"""What a body of events may call itself; pages may send the second without asking first."""

KEY_HEADER, KEY_PARAMETER = b"x-write-key", "write_key"
MOST_PARAMETERS = 50

SPOOL_RETRY_SECONDS, MEMORY_RETRY_SECONDS = 5, 1
PREFLIGHT_SECONDS = 86_400

_log = logging.getLogger(__name__)


class Head(NamedTuple):
    """The head of a request.

    Attributes:
        method: HTTP's.
        path: without the query.
        query: the text after the `?`.
        headers: of several with one name the last, which is the one that our own proxy has added.
        connected: the address that is connected to us.
    """

    method: str
    path: str
    query: bytes
    headers: Mapping[bytes, bytes]
    connected: str


Handler = Callable[[Head, Receive], Awaitable[Answer]]


class Collector:
    """The application. It is called in the loop that the outlet belongs to."""

    def __init__(self, settings: Settings, outlet: Outlet) -> None:
        self._settings = settings
        self._outlet = outlet
        schemas = load()
        self._newest_version = list(schemas)[-1]
        self._intake = Intake(schemas, settings.stream, settings.limits)
        self._senders = Senders(settings.proxies)
        self._most_bytes = round(settings.body_kilobytes * 1024)
        self._most_memory = round(settings.memory_megabytes * (1 << 20))
        self._reading = _Reading(settings.body_seconds)
        self._metrics = Metrics(outlet, round(settings.spool_megabytes * (1 << 20)))
        self._description = of_json(description(schemas, settings))
        self._routes: dict[str, dict[str, Handler]] = {
            EVENTS: {"POST": self._post_events, "OPTIONS": self._preflight},
            PIXEL_PATH: {"GET": self._get_pixel},
            "/health": {"GET": self._get_health},
            "/health/live": {"GET": self._get_live},
            "/metrics": {"GET": self._get_metrics},
            "/openapi.json": {"GET": self._get_description},
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, as ASGI has it."""
        if scope["type"] != "http":
            raise RuntimeError(f"the collector speaks HTTP, not {scope['type']}")
        started = time.perf_counter()
        client = scope.get("client")
        head = Head(
            scope["method"], scope["path"], scope["query_string"], dict(scope["headers"]), client[0] if client else ""
        )
        is_known = head.path in self._routes
        try:
            answer = await self._handler(head)(head, receive)
        except Stop as stop:
            answer = stop.answer
        except Exception:
            # our traceback, and nothing of the request
            _log.exception("a request to %s failed", head.path if is_known else "an unknown path")
            answer = refusal(500, "internal", "the collector failed; what was sent may not have been kept")
        start, body = parts(answer, self._cors(head))
        await send(start)
        await send(body)
        self._metrics.answered(head.path if is_known else "other", answer.status, time.perf_counter() - started)

    def _handler(self, head: Head) -> Handler:
        methods = self._routes.get(head.path)
        if methods is None:
            raise Stop(
                refusal(404, "not_found", f"there is {EVENTS}, {PIXEL_PATH} and /openapi.json, which tells more")
            )
        # the server leaves the body out
        handler = methods.get("GET" if head.method == "HEAD" else head.method)
        if handler is None:
            allowed = ", ".join([*methods, "HEAD"] if "GET" in methods else methods)
            reason = f"{head.path} takes {allowed}"
            raise Stop(refusal(405, "method", reason, (b"allow", allowed.encode())))
        return handler

    async def _post_events(self, head: Head, receive: Receive) -> Answer:
        site = self._site(head, _parameters(head.query).get(KEY_PARAMETER) if head.query else None)
        kind = head.headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
        if kind not in BODIES:
            raise Stop(refusal(415, "content_type", "send application/json, or text/plain with JSON in it"))
        if head.headers.get(b"content-encoding", b"identity").lower() != b"identity":
            raise Stop(refusal(415, "content_encoding", "send the body as it is, not compressed"))
        self._refuse_hurry(site)
        memory = _Memory(self._metrics, self._most_memory)
        try:
            body = await self._body(head, receive, memory)
            now = datetime.now(UTC)
            enrichment = self._enrichment(head, site, now)
            try:
                taken = self._intake.take(body, now, enrichment)
            except UnreadableError as error:
                site.bucket.take(1)
                rejection = Rejection(0, "$", error.rule, error.reason)
                self._metrics.took(site.site_id, 0, [rejection])
                await self._put([self._intake.bad_record(error.reason, body, enrichment)])
                return refusal(error.status, error.rule, error.reason)
            await self._keep(site, taken)
        finally:
            memory.release()
        return of_events(taken)

    async def _get_pixel(self, head: Head, receive: Receive) -> Answer:
        parameters = _parameters(head.query)
        site = self._site(head, parameters.pop(KEY_PARAMETER, None))
        self._refuse_hurry(site)
        now = datetime.now(UTC)
        enrichment = self._enrichment(head, site, now)
        # an image has no clock and no script to know these
        event = {VERSION: self._newest_version, "occurred_at": enrichment.received_at, **parameters}
        taken = self._intake.take(self._intake.body_of(event), now, enrichment)
        await self._keep(site, taken)
        if taken.rejected:
            return of_events(taken)
        return Answer(200, ((b"content-type", b"image/gif"), (b"cache-control", b"no-store")), PIXEL)

    async def _preflight(self, head: Head, receive: Receive) -> Answer:
        """A page asks whether it may send what a form could not."""
        origin = head.headers.get(b"origin", b"").decode("latin-1")
        if not self._settings.sites.any_allows(origin):
            raise Stop(_foreign_origin())
        allowed = (
            (b"access-control-allow-methods", b"POST"),
            (b"access-control-allow-headers", b"content-type, " + KEY_HEADER),
            (b"access-control-max-age", b"%d" % PREFLIGHT_SECONDS),
        )
        return Answer(204, allowed, b"")

    async def _get_health(self, head: Head, receive: Receive) -> Answer:
        outlet = self._outlet
        is_full = outlet.spool_bytes >= 0.9 * self._settings.spool_megabytes * (1 << 20)
        is_ready = outlet.is_sound and not is_full
        said = {
            "live": True,
            "ready": is_ready,
            "stream": "direct" if outlet.is_direct else "spooling",
            "spool_bytes": outlet.spool_bytes,
        }
        return of_json(said, 200 if is_ready else 503)

    async def _get_live(self, head: Head, receive: Receive) -> Answer:
        return of_json({"live": True})

    async def _get_metrics(self, head: Head, receive: Receive) -> Answer:
        return Answer(200, ((b"content-type", CONTENT_TYPE.encode()),), self._metrics.text())

    async def _get_description(self, head: Head, receive: Receive) -> Answer:
        return self._description

    def _site(self, head: Head, parameter: str | None) -> Site:
        """The site whose key the request has, if its page may use it."""
        key = head.headers.get(KEY_HEADER) or (parameter or "").encode()
        site = self._settings.sites.find(key) if key else None
        if site is None:
            what = "is unknown" if key else "is missing"
            reason = f"the write key {what}: send it in the header X-Write-Key, or as the parameter {KEY_PARAMETER}"
            raise Stop(refusal(401, "write_key", reason, (b"www-authenticate", b"X-Write-Key")))
        origin = head.headers.get(b"origin")
        if origin is not None and not site.allows(origin.decode("latin-1")):
            raise Stop(_foreign_origin())
        return site

    def _refuse_hurry(self, site: Site) -> None:
        wait = site.bucket.seconds_to_wait(time.monotonic())
        if wait:
            raise Stop(later(429, "rate", f"the site {site.site_id} sends more than its events a second", wait))

    def _enrichment(self, head: Head, site: Site, now: datetime) -> Enrichment:
        forwarded = head.headers.get(b"x-forwarded-for", b"").decode("latin-1")
        ip = self._senders.address(head.connected, forwarded)
        return Enrichment(now, site.site_id, ip, head.headers.get(b"user-agent", b""))

    async def _body(self, head: Head, receive: Receive, memory: _Memory) -> bytes:
        """The whole body, if it comes in time and is not too long."""
        announced = head.headers.get(b"content-length")
        if announced is not None:
            # the server has seen to it that this is a number
            self._refuse_length(int(announced))
            memory.hold(int(announced))
        pieces: list[bytes] = []
        length = 0
        with self._reading:
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise Stop(refusal(400, "body", "the body broke off"))
                piece: bytes = message.get("body", b"")
                length += len(piece)
                self._refuse_length(length)
                if announced is None:
                    memory.hold(len(piece))
                pieces.append(piece)
                if not message.get("more_body"):
                    return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def _refuse_length(self, length: int) -> None:
        if length > self._most_bytes:
            raise Stop(refusal(413, "body", f"the body has more than {self._most_bytes:,} bytes"))

    async def _keep(self, site: Site, taken: Taken) -> None:
        """Waits until everything of a body is safe."""
        site.bucket.take(taken.accepted + len(taken.rejected))
        await self._put(taken.records)
        self._metrics.took(site.site_id, taken.accepted, taken.rejected)

    async def _put(self, records: Sequence[Record]) -> None:
        try:
            await self._outlet.put(records)
        except SpoolFullError:
            reason = "the stream is away, and there is no more room to wait for it; nothing was kept, send it again"
            raise Stop(later(503, "full", reason, SPOOL_RETRY_SECONDS)) from None
        except SpoolFailedError:
            reason = "the stream is away, and the disk does not take what waits for it; nothing was kept, send it again"
            raise Stop(later(503, "disk", reason, SPOOL_RETRY_SECONDS)) from None

    def _cors(self, head: Head) -> tuple[tuple[bytes, bytes], ...]:
        """What lets a page of an allowed origin read the answer."""
        origin = head.headers.get(b"origin")
        if origin is None:
            return ()
        vary = (b"vary", b"origin")
        if not self._settings.sites.any_allows(origin.decode("latin-1")):
            return (vary,)
        return (b"access-control-allow-origin", origin), (b"access-control-expose-headers", b"retry-after"), vary


class _Reading:
    """A time limit for whatever is inside it: cheaper than a timer for each of thousands a second that never rings.

    Raises (inside):
        Stop: it took too long.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since: dict[asyncio.Task[Any], float] = {}
        self._late: set[asyncio.Task[Any]] = set()
        self._watch: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("a request is served outside of a task")
        self._since[task] = time.monotonic()
        if self._watch is None:
            self._watch = asyncio.get_running_loop().call_later(self._seconds / 10, self._look)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        task = asyncio.current_task()
        if task is None:
            return
        del self._since[task]
        if task in self._late:
            self._late.discard(task)
            # the cancellation was ours if nobody else asked for another
            if kind is asyncio.CancelledError and not task.uncancel():
                reason = f"the body did not come within {self._seconds:g} seconds"
                raise Stop(refusal(408, "slow", reason, (b"connection", b"close"))) from None

    def _look(self) -> None:
        self._watch = None
        limit = time.monotonic() - self._seconds
        for task, since in self._since.items():
            if since < limit and task not in self._late:
                self._late.add(task)
                task.cancel()
        if self._since:
            self._watch = asyncio.get_running_loop().call_later(self._seconds / 10, self._look)


class _Memory:
    """The bytes of one request."""

    def __init__(self, metrics: Metrics, most: int) -> None:
        self._metrics = metrics
        self._most = most
        self._held = 0

    def hold(self, more: int) -> None:
        """Raises `Stop` if all requests together would hold too much."""
        if self._metrics.bytes_in_hand + more > self._most:
            raise Stop(later(503, "busy", "too much is under way at once; send it again", MEMORY_RETRY_SECONDS))
        self._held += more
        self._metrics.bytes_in_hand += more

    def release(self) -> None:
        """The request is over."""
        self._metrics.bytes_in_hand -= self._held


def _parameters(query: bytes) -> dict[str, str]:
    try:
        pairs = parse_qsl(
            query.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS
        )
    except ValueError:
        reason = f"the query is no list of at most {MOST_PARAMETERS} parameters in UTF-8"
        raise Stop(refusal(400, "query", reason)) from None
    return dict(pairs)


def _foreign_origin() -> Answer:
    return refusal(403, "origin", "pages of this origin may not send; its site has a list of those that may")
