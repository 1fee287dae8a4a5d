"""Objects in S3: which ones a COPY reads, reading them piece by piece, and writing them part by part.

One client for each set of credentials is kept, as making one takes a tenth of a second. A connection that breaks while
an object is read is made again from there on.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from standin.redshift.s3.errors import NOT_SUPPORTED, failure, redacted, storage_failure

if TYPE_CHECKING:
    from standin.redshift.s3.commands import Credentials

RANGE_BYTES = 8 * 1024**2
# Parquet's readers jump between columns; below this, one request is cheaper than many
AT_ONCE_BYTES = 64 * 1024**2
# S3 takes no part below 5 MB but the last
PART_BYTES = 8 * 1024**2
_CONNECT_SECONDS = 5
_READ_SECONDS = 60
_ATTEMPTS = 4


@dataclass(frozen=True)
class Place:
    """A bucket and a key, or the beginning of one."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, address: str) -> Place:
        """The place of `s3://bucket/key`."""
        bucket, _, key = address.removeprefix("s3://").partition("/")
        return cls(bucket, key)

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.key}"


@dataclass(frozen=True)
class StoredObject:
    """An object that is there, and its size in bytes."""

    place: Place
    size: int


class Store:
    """S3 as one set of credentials sees it. Every failure is a DialectError."""

    def __init__(self, credentials: Credentials, region: str | None) -> None:
        self._client = _client(credentials, region, os.environ.get("AWS_ENDPOINT_URL_S3"), _general_endpoint())

    def list(self, prefix: Place) -> Iterator[StoredObject]:
        """The objects whose key begins like this, in the order of their keys."""
        try:
            pages = self._client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=prefix.bucket, Prefix=prefix.key):
                for found in page.get("Contents", ()):
                    yield StoredObject(Place(prefix.bucket, found["Key"]), found["Size"])
        except _errors() as error:
            raise storage_failure(error, prefix.bucket) from None

    def find(self, place: Place) -> StoredObject | None:
        """The object at exactly this key; None if there is none."""
        from botocore.exceptions import ClientError

        try:
            head = self._client.head_object(Bucket=place.bucket, Key=place.key)
        except ClientError as error:
            if error.response.get("ResponseMetadata", {}).get("HTTPStatusCode") == 404:
                return None
            raise storage_failure(error, str(place)) from None
        except _errors() as error:
            raise storage_failure(error, str(place)) from None
        return StoredObject(place, head["ContentLength"])

    def read(self, place: Place, start: int | None = None, end: int | None = None) -> bytes:
        """The bytes of an object from start to before end; the whole object without them."""
        options = {} if start is None or end is None else {"Range": f"bytes={start}-{end - 1}"}
        for attempt in range(_ATTEMPTS):
            try:
                body = self._client.get_object(Bucket=place.bucket, Key=place.key, **options)["Body"]
                content: bytes = body.read()
            except _broken_streams() as error:
                # botocore tries a request again, but not the reading of its answer
                if attempt == _ATTEMPTS - 1:
                    raise storage_failure(error, str(place)) from None
            except _errors() as error:
                raise storage_failure(error, str(place)) from None
            else:
                return content
        raise AssertionError

    def stream(self, stored: StoredObject) -> io.RawIOBase:
        """The object as a file that is read from its beginning to its end."""
        return _ObjectStream(self, stored)

    def open(self, stored: StoredObject, at_once: int = AT_ONCE_BYTES) -> io.RawIOBase | io.BytesIO:
        """The object as a file that can be read from any place; up to `at_once` bytes it is fetched whole."""
        if stored.size <= at_once:
            return io.BytesIO(self.read(stored.place))
        return _ObjectFile(self, stored)

    def body(self, place: Place, start: int) -> Any:
        """The answer to a request for the object from this byte on, to be read in pieces."""
        try:
            return self._client.get_object(Bucket=place.bucket, Key=place.key, Range=f"bytes={start}-")["Body"]
        except _errors() as error:
            raise storage_failure(error, str(place)) from None

    def put(self, place: Place, content: bytes, extra: dict[str, str]) -> None:
        """Write an object in one go."""
        try:
            self._client.put_object(Bucket=place.bucket, Key=place.key, Body=content, **extra)
        except _errors() as error:
            raise storage_failure(error, str(place)) from None

    def delete(self, place: Place) -> None:
        """Delete an object; that there is none is no error."""
        try:
            self._client.delete_object(Bucket=place.bucket, Key=place.key)
        except _errors() as error:
            raise storage_failure(error, str(place)) from None

    def upload(self, place: Place, extra: dict[str, str]) -> Upload:
        """An object to be written part by part."""
        return Upload(self, self._client, place, extra)


class Upload:
    """An object in the making: it is there after `finish`, and never after `abort`."""

    def __init__(self, store: Store, client: Any, place: Place, extra: dict[str, str]) -> None:
        self.place = place
        self.size = 0
        self._store, self._client, self._extra = store, client, extra
        self._pending = bytearray()
        self._id: str | None = None
        self._parts: list[dict[str, Any]] = []

    def write(self, content: bytes | memoryview) -> int:
        """Take more bytes; whole parts go out at once."""
        self._pending += content
        self.size += len(content)
        while len(self._pending) >= PART_BYTES:
            self._send(bytes(self._pending[:PART_BYTES]))
            del self._pending[:PART_BYTES]
        return len(content)

    def finish(self) -> None:
        """Send what is left and make the object appear."""
        if self._id is None:
            self._store.put(self.place, bytes(self._pending), self._extra)
            return
        if self._pending:
            self._send(bytes(self._pending))
        self._pending.clear()
        self._call("complete_multipart_upload", UploadId=self._id, MultipartUpload={"Parts": self._parts})

    def abort(self) -> None:
        """Let S3 forget the parts."""
        self._pending.clear()
        if self._id is not None:
            self._call("abort_multipart_upload", UploadId=self._id)
            self._id = None

    def _send(self, content: bytes) -> None:
        if self._id is None:
            self._id = self._call("create_multipart_upload", **self._extra)["UploadId"]
        number = len(self._parts) + 1
        answer = self._call("upload_part", UploadId=self._id, PartNumber=number, Body=content)
        self._parts.append({"ETag": answer["ETag"], "PartNumber": number})

    def _call(self, operation: str, **options: Any) -> Any:
        try:
            return getattr(self._client, operation)(Bucket=self.place.bucket, Key=self.place.key, **options)
        except _errors() as error:
            raise storage_failure(error, str(self.place)) from None


class _ObjectStream(io.RawIOBase):
    """An object from its beginning to its end, in one request, or in more if the connection breaks."""

    def __init__(self, store: Store, stored: StoredObject) -> None:
        self._store, self._stored = store, stored
        self._position = 0
        self._body: Any = None

    def readable(self) -> bool:
        return True

    def read(self, size: int | None = -1) -> bytes:
        if size is None or size < 0:
            return b"".join(iter(lambda: self.read(RANGE_BYTES), b""))
        for attempt in range(_ATTEMPTS):
            if self._position >= self._stored.size:
                return b""
            try:
                if self._body is None:
                    self._body = self._store.body(self._stored.place, self._position)
                content: bytes = self._body.read(size)
            except _broken_streams() as error:
                self.close_body()
                if attempt == _ATTEMPTS - 1:
                    raise storage_failure(error, str(self._stored.place)) from None
                continue
            if content:
                self._position += len(content)
                return content
            self.close_body()
        raise failure(f"S3 file {self._stored.place} became shorter while it was read")

    def readinto(self, buffer: Any) -> int:
        content = self.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)

    def close_body(self) -> None:
        """Drop the connection, read or not."""
        if self._body is not None:
            self._body.close()
            self._body = None

    def close(self) -> None:
        self.close_body()
        super().close()


class _ObjectFile(io.RawIOBase):
    """An object as a seekable file: every read is a request."""

    def __init__(self, store: Store, stored: StoredObject) -> None:
        self._store, self._stored = store, stored
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._stored.size}[whence]
        self._position = max(0, start + offset)
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        left = max(0, self._stored.size - self._position)
        size = left if size is None or size < 0 else min(size, left)
        if not size:
            return b""
        content = self._store.read(self._stored.place, self._position, self._position + size)
        self._position += len(content)
        return content

    def readinto(self, buffer: Any) -> int:
        content = self.read(len(buffer))
        buffer[: len(content)] = content
        return len(content)


def sources(store: Store, address: str, manifest: bool, columnar: bool) -> list[StoredObject]:
    """The objects that a COPY reads.

    Args:
        store: where they are.
        address: a prefix, an object or a manifest.
        manifest: whether the address is a manifest.
        columnar: Parquet or ORC: Redshift reads them through Spectrum, which ignores hidden files and wants the sizes
            in a manifest.

    Raises:
        DialectError: nothing is there, or the manifest is wrong.
    """
    place = Place.parse(address)
    if manifest:
        return _manifest(store, place, columnar)
    found = [stored for stored in store.list(place) if not (columnar and _hidden(stored.place))]
    if not found:
        raise failure(f"The specified S3 prefix '{place.key}' does not exist")
    return [stored for stored in found if stored.size]


def _manifest(store: Store, place: Place, columnar: bool) -> list[StoredObject]:
    stored = store.find(place)
    if stored is None:
        raise failure(
            "Problem reading manifest file - S3ServiceException:The specified key does not exist.,Status 404,"
            f"Error NoSuchKey,{place}"
        )
    try:
        entries = json.loads(store.read(place))["entries"]
        listed = [
            (Place.parse(_address(entry)), bool(entry.get("mandatory", False)), _length(entry)) for entry in entries
        ]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise failure(f"Manifest file is not in correct json format: {place}: {redacted(str(error))}") from None
    found = []
    for each, mandatory, length in listed:
        if columnar and length is None:
            raise failure(f"Manifest entry is missing 'meta' with content_length, which columnar formats need: {each}")
        at_place = store.find(each)
        if at_place is None:
            if mandatory:
                raise failure(f"Mandatory url is not present in S3: {each}")
            continue
        if length is not None and length != at_place.size:
            raise failure(f"Manifest content_length {length} does not match the size of {each}: {at_place.size}")
        found.append(at_place)
    if not found:
        raise failure(f"The specified S3 prefix '{place.key}' does not exist: no file of the manifest is there")
    return [each for each in found if each.size]


def _address(entry: Any) -> str:
    url = entry["url"]
    if not isinstance(url, str) or not url.startswith("s3://"):
        raise ValueError("an url is not of the form s3://bucket/key")
    if url.endswith("/"):
        raise failure("COPY with MANIFEST parameter requires full path of an S3 object", NOT_SUPPORTED)
    return url


def _length(entry: Any) -> int | None:
    length = entry.get("meta", {}).get("content_length")
    return None if length is None else int(length)


def _hidden(place: Place) -> bool:
    name = place.key.rpartition("/")[2]
    return name == "" or name[0] in "_."


def _general_endpoint() -> str | None:
    return os.environ.get("AWS_ENDPOINT_URL")


@lru_cache(maxsize=16)
def _client(credentials: Credentials, region: str | None, endpoint: str | None, general: str | None) -> Any:
    import boto3
    from botocore.config import Config

    endpoint = endpoint or general
    key, secret = credentials.key, credentials.secret
    if key is None and endpoint and not (os.environ.get("AWS_ACCESS_KEY_ID") or os.environ.get("AWS_PROFILE")):
        # a local server takes any key, and nobody should wait for the cloud's metadata service
        key = secret = "standin"  # noqa: S105 - no secret
    region = region or os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION") or "us-east-1"
    return boto3.session.Session().client(
        "s3",
        region_name=region,
        endpoint_url=endpoint,
        aws_access_key_id=key,
        aws_secret_access_key=secret,
        aws_session_token=credentials.token,
        config=Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
            retries={"total_max_attempts": _ATTEMPTS, "mode": "standard"},
            s3={"addressing_style": "path"} if endpoint else None,
            # servers other than Amazon's know no trailing checksums
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )


def _errors() -> tuple[type[Exception], ...]:
    from botocore.exceptions import BotoCoreError, ClientError

    return (BotoCoreError, ClientError)


def _broken_streams() -> tuple[type[Exception], ...]:
    from botocore.exceptions import IncompleteReadError, ReadTimeoutError, ResponseStreamingError
    from urllib3.exceptions import HTTPError

    return (IncompleteReadError, ReadTimeoutError, ResponseStreamingError, HTTPError)
