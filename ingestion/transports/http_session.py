"""HTTP that does not give up at the first failure, does not believe everything, and tells no secrets."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import orjson
import requests
from requests.adapters import HTTPAdapter

from ingestion.errors import IngestError, SourceUnavailableError
from ingestion.transports.patience import PATIENT, Patience

log = logging.getLogger(__name__)

PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses that may be others a moment later."""

CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class Limits:
    """What one answer may cost.

    Attributes:
        answer_bytes: unpacked, of an answer that is held in memory; pages of APIs stay far below.
        connect_seconds: for making a connection.
        silence_seconds: between two pieces of an answer.
        answer_seconds: for the whole of an answer that is held in memory.
    """

    answer_bytes: int = 64 << 20
    connect_seconds: float = 10
    silence_seconds: float = 60
    answer_seconds: float = 600


LIMITS = Limits()


def session_for(
    source: str,
    base_url: str,
    *,
    patience: Patience = PATIENT,
    limits: Limits = LIMITS,
    passing: Set[int] = PASSING,
    renew: Callable[[requests.PreparedRequest], bool] | None = None,
) -> requests.Session:
    """A session that speaks to one server only.

    Args:
        source: whose settings; named in errors.
        base_url: the server; requests to another scheme, host or port are refused, redirects and links included.
        patience: with failures that may pass.
        limits: what one answer may cost.
        passing: statuses to try again after.
        renew: called when the server answers 401; gives whether it is worth asking again.
    """
    session = requests.Session()
    adapter = _Careful(source, base_url, patience, limits, passing=passing, renew=renew)
    for scheme in ("http://", "https://"):
        session.mount(scheme, adapter)
    return session


class _Careful(HTTPAdapter):
    """Sends one request as often as it takes."""

    def __init__(
        self,
        source: str,
        base_url: str,
        patience: Patience,
        limits: Limits,
        *,
        passing: Set[int],
        renew: Callable[[requests.PreparedRequest], bool] | None,
    ) -> None:
        super().__init__()
        self._source = source
        self._origin = _origin(base_url)
        self._patience = patience
        self._limits = limits
        self._passing = passing
        self._renew = renew

    def send(  # noqa: PLR0917 - as requests calls it
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: bool | str = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """The server's answer; read to its end unless it is streamed.

        Raises:
            SourceUnavailableError: it did not come, or not whole, in all attempts; or it is to be asked for much later.
            IngestError: the request would go to another server, or the answer is larger than allowed.
        """
        url = without_query(request.url)
        if _origin(request.url or "") != self._origin:
            raise IngestError(
                f"{self._source}: the server sends us on to {url}, another server than the one in the settings; "
                "nobody is given our credentials unasked. Change the setting if that is where it has moved."
            )
        timeouts = (self._limits.connect_seconds, self._limits.silence_seconds)
        failures = 0
        is_renewed = False
        while True:
            try:
                answer = super().send(request, True, timeouts, verify, cert, proxies)
                if not stream:
                    self._read(answer, url)
            except requests.exceptions.RequestException as error:
                told, wait = f"{url} {reason(error)}", None
                is_final = not isinstance(error, _BROKEN) or isinstance(error, requests.exceptions.SSLError)
            else:
                if answer.status_code == requests.codes.unauthorized and self._renew and not is_renewed:
                    answer.close()
                    is_renewed = self._renew(request)
                    if is_renewed:
                        continue
                if answer.status_code not in self._passing:
                    return answer
                told, wait, is_final = f"{url} answered HTTP {answer.status_code}", retry_after(answer), False
                answer.close()
            failures += 1
            if wait is not None and wait > self._patience.longest_pause:
                raise SourceUnavailableError(f"{self._source}: {told} and wants to be left alone for {wait:,.0f} s")
            if is_final or failures >= self._patience.attempts:
                # without its cause, whose text may have the query with a key in it
                raise SourceUnavailableError(f"{self._source}: {told} ({failures} attempts); run again later") from None
            log.info("%s: %s, attempt %d", self._source, told, failures)
            time.sleep(self._patience.seconds(failures) if wait is None else wait)

    def _read(self, answer: requests.Response, url: str) -> None:
        until = time.monotonic() + self._limits.answer_seconds
        body = bytearray()
        for chunk in answer.iter_content(CHUNK_BYTES):
            body += chunk
            if len(body) > self._limits.answer_bytes:
                answer.close()
                most = self._limits.answer_bytes
                raise IngestError(
                    f"{self._source}: {url} answered with more than {most:,} bytes; ask for smaller pages"
                )
            if time.monotonic() > until:
                answer.close()
                raise requests.exceptions.ReadTimeout(f"not read after {self._limits.answer_seconds} s")
        setattr(answer, "_content", bytes(body))  # noqa: B010 - as requests itself does when it reads an answer
        # paginators parse the body each for itself, with a parser that takes NaN and recurses
        setattr(answer, "json", functools.cache(functools.partial(_parsed, answer, f"{self._source}: {url}")))  # noqa: B010


_BROKEN = (
    requests.exceptions.ConnectionError,
    requests.exceptions.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)


def refuse_failed(source: str, answer: requests.Response, blamed: str) -> None:
    """Raises what an answer's status says; `blamed` is the setting to look at when it does not let us in.

    Raises:
        SourceUnavailableError: the status is no success and no redirect.
    """
    status = answer.status_code
    if status < requests.codes.bad_request:
        return
    hint = f"; see sources.{source}.{blamed}" if status in (401, 403) else ""
    raise SourceUnavailableError(f"{source}: {without_query(answer.url)} answered HTTP {status}{hint}")


def retry_after(answer: requests.Response) -> float | None:
    """How long the server asks us to wait, in seconds: it says so in seconds, or names a time."""
    text = answer.headers.get("Retry-After", "").strip()
    if text.isdecimal():
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())


def without_query(url: str | None) -> str:
    """A URL without what may be secret in it: user, password, query and fragment."""
    parts = urlsplit(url or "")
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def reason(error: requests.exceptions.RequestException) -> str:
    """Why there was no answer, in words that have neither the query nor a password in them."""
    if isinstance(error, requests.exceptions.SSLError):
        return "cannot be reached: its certificate is not trusted"
    if isinstance(error, requests.exceptions.Timeout) or "timed out" in str(error):
        return "did not answer in time"
    cause: BaseException | None = error
    while cause:
        if (
            isinstance(cause, OSError)
            and cause.strerror
            and not isinstance(cause, requests.exceptions.RequestException)
        ):
            return f"cannot be reached: {cause.strerror}"
        reasons = [cause.__cause__, cause.__context__, getattr(cause, "reason", None), *cause.args[:1]]
        cause = next((one for one in reasons if isinstance(one, BaseException)), None)
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "broke off in the middle of its answer"
    if isinstance(error, requests.exceptions.ConnectionError):
        return "cannot be reached: the connection broke"
    return f"cannot be asked: {type(error).__name__}"


def _parsed(answer: requests.Response, named: str) -> Any:
    try:
        return orjson.loads(answer.content)
    except orjson.JSONDecodeError as error:
        kind = answer.headers.get("Content-Type", "no type")
        raise IngestError(f"{named}: the answer ({kind}) is not JSON: {error}") from error


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
