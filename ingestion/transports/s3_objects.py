"""Objects in S3: which of them are a table's, and how one is fetched whole."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import quote

from ingestion.aws import error_code, failure, is_passing
from ingestion.delivery import Delivery, Format, read_file
from ingestion.errors import IngestError, SourceUnavailableError
from ingestion.transports.patience import PATIENT, Patience
from ingestion.transports.unreadable import unreadable

log = logging.getLogger(__name__)

CHUNK_BYTES = 1 << 20
GONE = frozenset({"NoSuchKey", "NoSuchVersion", "404"})


@dataclass(frozen=True)
class S3Objects:
    """The objects of one table, and how to read them.

    Attributes:
        prefix: what their keys begin with.
        format: how they are read.
        pattern: what the rest of the key looks like; `*` stands for any letters, slashes too.
    """

    prefix: str
    format: Format
    pattern: str = "*"

    def has(self, key: str) -> bool:
        """Whether a key is one of theirs. A key that ends in a slash is a folder that somebody has drawn."""
        return (
            key.startswith(self.prefix)
            and not key.endswith("/")
            and fnmatchcase(key.removeprefix(self.prefix), self.pattern)
        )


def table_of(objects: Mapping[str, S3Objects], key: str) -> str | None:
    """The table that a key is for, or None; the first that fits counts."""
    return next((table for table, some in objects.items() if some.has(key)), None)


def uri_of(bucket: str, key: str) -> str:
    """An object's uri. The key is quoted: a fragment in it would look like an archive's member."""
    return f"s3://{bucket}/{quote(key)}"


def identity_of(etag: str, size: int) -> str:
    """What tells two versions of an object apart."""
    return f"{etag.strip(chr(34))}, {size} bytes"


@dataclass(frozen=True)
class Fetched:
    """What became of an object.

    Attributes:
        identity: of the version that was met; empty if it is gone or cannot be had.
        path: where it lies whole; None if it is not new, or could not be fetched.
        gone: it no longer exists.
        error: why it cannot be had, though S3 answers.
    """

    identity: str = ""
    path: Path | None = None
    gone: bool = False
    error: IngestError | None = None


def fetch(
    s3: Any,
    bucket: str,
    key: str,
    to: Path,
    *,
    source: str,
    stopped: Event,
    is_known: Callable[[str], bool] = lambda _: False,
    patience: Patience = PATIENT,
) -> Fetched:
    """Brings an object whole to `to`, unless the version that S3 has now is known.

    The identity is of the very answer that the bytes came with, so an object that changes meanwhile is no danger. A
    cut connection and bytes that are not what S3 has counted or summed up are tried again.

    Args:
        s3: the client.
        bucket: of the object.
        key: of the object.
        to: where to write it.
        source: named in errors.
        stopped: set when nobody wants it any more.
        is_known: whether the version of that identity has landed.
        patience: with connections that break.

    Raises:
        SourceUnavailableError: S3 does not answer, or refuses our credentials.
    """
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

    uri = uri_of(bucket, key)
    for failures in range(1, patience.attempts + 1):
        try:
            answer = s3.get_object(Bucket=bucket, Key=key)
            identity = identity_of(str(answer["ETag"]), int(answer["ContentLength"]))
            if is_known(identity):
                answer["Body"].close()
                return Fetched(identity)
            _write(answer, to, stopped)
            return Fetched(identity, to)
        except (BotoCoreError, ClientError, HTTPClientError, _DamagedError) as error:
            code = error_code(error)
            if code in GONE:
                return Fetched(gone=True)
            if not isinstance(error, _DamagedError) and not is_passing(error):
                if code in {"AccessDenied", "403", "InvalidObjectState"}:
                    return Fetched(error=IngestError(f"{uri} cannot be read: {failure(error)}"))
                raise SourceUnavailableError(f"{source}: {uri}: {failure(error)}; see sources.{source}") from error
            if failures == patience.attempts:
                told = f"{uri} could not be fetched whole in {failures} attempts: {failure(error)}"
                if isinstance(error, _DamagedError):
                    return Fetched(error=IngestError(told))
                raise SourceUnavailableError(f"{source}: {told}; nothing of it was landed, run again later") from error
            log.info("%s: attempt %d failed: %s", uri, failures, failure(error))
            stopped.wait(patience.seconds(failures))
    raise AssertionError("every attempt returns or raises")


def delivery_of(resource: str, uri: str, file_format: Format, fetched: Fetched) -> Delivery:
    """A fetched object as a delivery; one that cannot be had says so when it is read."""
    if fetched.error:
        return unreadable(resource, uri, file_format.notation, fetched.error)
    if fetched.path is None:
        raise AssertionError(f"{uri} was not fetched")
    read = partial(read_file, file_format, fetched.path, uri)
    return Delivery(resource, uri, fetched.identity, read, file_format.notation)


class _DamagedError(Exception):
    """The bytes are not those that S3 announced."""


def _write(answer: Mapping[str, Any], to: Path, stopped: Event) -> None:
    """The answer's bytes, flushed out and held against their number and sum."""
    from botocore.exceptions import FlexibleChecksumError

    md5 = hashlib.md5(usedforsecurity=False)
    size = 0
    try:
        with to.open("wb") as file:
            for chunk in answer["Body"].iter_chunks(CHUNK_BYTES):
                if stopped.is_set():
                    raise IngestError("nobody waits for this object any more")
                file.write(chunk)
                md5.update(chunk)
                size += len(chunk)
    except FlexibleChecksumError as error:
        raise _DamagedError(f"its checksum is wrong: {error}") from error
    if size != answer["ContentLength"]:
        raise _DamagedError(f"it has {answer['ContentLength']:,} bytes and {size:,} came")
    etag = str(answer["ETag"]).strip('"')
    # the ETag is the MD5 only of what was put in one piece and not encrypted with a key of KMS or the customer
    is_md5 = len(etag) == 32 and answer.get("ServerSideEncryption", "AES256") == "AES256"
    if is_md5 and not answer.get("SSECustomerAlgorithm") and md5.hexdigest() != etag:
        raise _DamagedError("its MD5 is not its ETag")
