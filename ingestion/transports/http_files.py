"""Polls whole files over HTTP."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import requests
import urllib3

from ingestion.config import setting
from ingestion.delivery import EVERYTHING_NEW, Delivery, Format, Request, read_file
from ingestion.errors import IngestError, SourceUnavailableError
from ingestion.transports.http_auth import Auth, NoAuth, renew
from ingestion.transports.http_session import CHUNK_BYTES, Limits, refuse_failed, session_for, without_query
from ingestion.transports.patience import PATIENT, Patience
from ingestion.transports.poll import Poll
from ingestion.transports.unreadable import unreadable

if TYPE_CHECKING:
    from ingestion.contract import Notation
    from ingestion.ledger import Ledger

log = logging.getLogger(__name__)

LIMITS = Limits(answer_bytes=64 << 30)
"""A file goes to disk."""


@dataclass(frozen=True)
class HttpFile:
    """A file, or one for every day.

    Attributes:
        path: below the base URL; with `days`, may have the day in it as strftime writes it: `/export/%Y-%m-%d.csv.gz`.
        format: how it is read.
        days: how many days to look back, today (UTC) included; 0 for one file that is replaced when it changes. A day
            whose file is not there yet is left for a later run.
    """

    path: str
    format: Format
    days: int = 0

    def paths(self, today: date, request: Request) -> list[str]:
        """The paths that a request asks for, oldest first."""
        if not self.days:
            return [self.path]
        first, last = today - timedelta(days=self.days - 1), today
        if request.since:
            first = request.since.astimezone(UTC).date()
        if request.until:
            last = (request.until.astimezone(UTC) - timedelta(microseconds=1)).date()
        return [(first + timedelta(days=n)).strftime(self.path) for n in range((last - first).days + 1)]


@dataclass(frozen=True)
class _Wanted:
    resource: str
    path: str

    @property
    def uri(self) -> str:
        # without the host: a server that moves must not make every file new
        return f"http:{self.path}"


@dataclass(frozen=True)
class HttpFiles(Poll):
    """Files known by their ETag or time of modification and size; where the server tells neither, by their content.

    A download that breaks off goes on from there if the server can do that and the file is still the same.

    Settings: `base_url`, and those of `auth`.

    Attributes:
        source: whose settings.
        files: by table.
        auth: how we identify ourselves.
        limits: what one file may cost.
        patience: with failures that may pass.
    """

    source: str
    files: Mapping[str, HttpFile]
    auth: Auth = field(default_factory=NoAuth)
    limits: Limits = LIMITS
    patience: Patience = PATIENT

    def deliveries(
        self, ledger: Ledger, folder: Path, say: Callable[[str], None], request: Request = EVERYTHING_NEW
    ) -> Iterable[Delivery]:
        """The files that are new or have changed.

        Raises:
            SourceUnavailableError: the server cannot be reached or does not let us in, or a file cannot be had whole.
        """
        with self._session() as session:
            for number, one in enumerate(islice(self._wanted(request), request.most)):
                file, path = self.files[one.resource], folder / f"{number:06}"
                landed = ledger.identity(one.resource, one.uri)
                try:
                    identity = _Download(self, session, one.path, path).fetch(None if request.again else landed)
                    if identity is None and not file.days:
                        raise IngestError(f"{self.source}: {self._url(one.path)} is not there (HTTP 404)")
                except SourceUnavailableError:
                    raise
                except IngestError as error:
                    yield unreadable(one.resource, one.uri, file.format.notation, error)
                    path.unlink(missing_ok=True)
                    continue
                if identity is None:
                    say(f"{one.uri} is not there (yet)")
                elif request.again or identity != landed:
                    say(f"{one.uri} fetched")
                    read = partial(read_file, file.format, path, one.uri)
                    yield Delivery(one.resource, one.uri, identity, read, file.format.notation)
                path.unlink(missing_ok=True)

    def notation(self, resource: str) -> Notation:
        """How a table's files write numbers and dates."""
        return self.files[resource].format.notation

    def check(self) -> Sequence[str]:
        """Whether the server lets us in, and has the files. Nothing of them is read.

        Raises:
            IngestError: a setting is missing, or the server cannot be reached or does not let us in.
        """
        told = []
        with self._session() as session:
            for one in self._wanted(EVERYTHING_NEW):
                with session.get(self._url(one.path), headers=_UNPACKED, stream=True) as answer:
                    is_there = answer.status_code != requests.codes.not_found
                    if is_there or not self.files[one.resource].days:
                        refuse_failed(self.source, answer, self.auth.blamed)
                told.append(f"{one.resource}: {self._url(one.path)} is {'there' if is_there else 'not there yet'}")
        return told

    def _wanted(self, request: Request) -> Iterator[_Wanted]:
        today = datetime.now(UTC).date()
        for resource, file in self.files.items():
            if not file.days and (request.since or request.until):
                raise IngestError(
                    f"{self.source}: {file.path} is one file without a past; run without --since and --until"
                )
            yield from (_Wanted(resource, path) for path in file.paths(today, request))

    def _url(self, path: str) -> str:
        return setting(self.source, "base_url").rstrip("/") + path

    def _session(self) -> requests.Session:
        auth = self.auth.of(self.source)
        session = session_for(
            self.source,
            setting(self.source, "base_url"),
            patience=self.patience,
            limits=self.limits,
            renew=partial(renew, auth),
        )
        session.auth = auth
        return session


_UNPACKED = {"Accept-Encoding": "identity"}
"""A file is wanted as it lies there: what a server packs on the way cannot be gone on with."""


class _Download:
    """One file, in as many pieces as it takes."""

    def __init__(self, files: HttpFiles, session: requests.Session, path: str, to: Path) -> None:
        self._files = files
        self._session = session
        self._url = files._url(path)
        self._to = to
        self._tag = ""
        self._modified = ""

    def fetch(self, landed: str | None) -> str | None:
        """Brings the file whole to its place, unless the landed one is still the newest.

        Gives its identity; None if there is no file.

        Raises:
            SourceUnavailableError: it cannot be had whole.
        """
        patience = self._files.patience
        self._to.touch()
        failures = 0
        while True:
            here = self._to.stat().st_size
            try:
                with self._session.get(self._url, headers=self._headers(here, landed), stream=True) as answer:
                    if answer.status_code == requests.codes.not_found:
                        return None
                    if answer.status_code == requests.codes.not_modified and landed:
                        return landed
                    self._take(answer, here)
                return self._identity()
            except (urllib3.exceptions.HTTPError, _CutError) as error:
                failures += 1
                told = f"{without_query(self._url)} {error if isinstance(error, _CutError) else 'broke off'}"
                if failures >= patience.attempts:
                    raise SourceUnavailableError(
                        f"{self._files.source}: {told} ({failures} attempts). Nothing of it was landed; run again later"
                    ) from None
                log.info("%s: %s, attempt %d", self._files.source, told, failures)
                time.sleep(patience.seconds(failures))

    def _headers(self, here: int, landed: str | None) -> dict[str, str]:
        if here and self._tag:
            return {**_UNPACKED, "Range": f"bytes={here}-", "If-Range": self._tag}
        if landed and landed.startswith("etag "):
            return {**_UNPACKED, "If-None-Match": landed.removeprefix("etag ").rpartition(", ")[0]}
        if landed and landed.startswith("modified "):
            return {**_UNPACKED, "If-Modified-Since": landed.removeprefix("modified ").rpartition(", ")[0]}
        return dict(_UNPACKED)

    def _take(self, answer: requests.Response, here: int) -> None:
        """Writes an answer after what is there, or in its place."""
        goes_on = answer.status_code == requests.codes.partial_content
        if answer.status_code == requests.codes.requested_range_not_satisfiable:
            # it has become shorter, or was whole and its end was not heard of: from the beginning
            self._to.write_bytes(b"")
            raise _CutError("cannot be gone on with")
        refuse_failed(self._files.source, answer, self._files.auth.blamed)
        if goes_on and not answer.headers.get("Content-Range", "").startswith(f"bytes {here}-"):
            self._to.write_bytes(b"")
            raise _CutError("went on from another place than asked for")
        size = here if goes_on else 0
        length = answer.headers.get("Content-Length", "")
        whole = size + int(length) if length.isdecimal() else None
        if whole is None and "chunked" not in answer.headers.get("Transfer-Encoding", ""):
            raise IngestError(
                f"{self._files.source}: {without_query(self._url)} comes without its size, so nobody "
                "could tell half of it from all of it"
            )
        self._tag = answer.headers.get("ETag", "") or answer.headers.get("Last-Modified", "")
        self._modified = answer.headers.get("Last-Modified", "")
        with self._to.open("ab" if goes_on else "wb") as file:
            for chunk in answer.raw.stream(CHUNK_BYTES, decode_content=False):
                size += file.write(chunk)
                file.flush()
                if size > self._files.limits.answer_bytes:
                    raise IngestError(
                        f"{self._files.source}: {without_query(self._url)} has more than "
                        f"{self._files.limits.answer_bytes:,} bytes"
                    )
        if whole is not None and size != whole:
            raise _CutError(f"has {whole:,} bytes and {size:,} came")

    def _identity(self) -> str:
        size = self._to.stat().st_size
        if self._tag and self._tag != self._modified:
            return f"etag {self._tag}, {size} bytes"
        if self._modified:
            return f"modified {self._modified}, {size} bytes"
        with self._to.open("rb") as stream:
            return f"sha256 {hashlib.file_digest(stream, 'sha256').hexdigest()}"


class _CutError(Exception):
    """Not all of it came."""
