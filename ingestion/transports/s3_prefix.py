"""Polls objects below prefixes of an S3 bucket."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any

from ingestion.aws import client, named_errors
from ingestion.config import setting
from ingestion.delivery import EVERYTHING_NEW, Delivery, Request
from ingestion.transports.ahead import done_ahead
from ingestion.transports.patience import PATIENT, Patience
from ingestion.transports.poll import Poll
from ingestion.transports.s3_objects import (
    Fetched,
    S3Objects,
    delivery_of,
    fetch,
    identity_of,
    table_of,
    uri_of,
)
from ingestion.transports.window import in_window

if TYPE_CHECKING:
    from ingestion.contract import Notation
    from ingestion.ledger import Ledger


@dataclass(frozen=True)
class _Listed:
    table: str
    key: str
    identity: str
    modified: datetime


@dataclass(frozen=True)
class S3Prefix(Poll):
    """Objects below key prefixes of a bucket, oldest first. An object is known by its ETag and size.

    Settings: `bucket`, `region`, and optionally `endpoint_url`, `aws_access_key_id`, `aws_secret_access_key`.
    """

    source: str
    objects: Mapping[str, S3Objects]
    patience: Patience = PATIENT

    def deliveries(
        self, ledger: Ledger, folder: Path, say: Callable[[str], None], request: Request = EVERYTHING_NEW
    ) -> Iterable[Delivery]:
        """The objects that are new or have changed, each fetched when its turn nears and deleted when it is over.

        Raises:
            SourceUnavailableError: S3 cannot be reached or does not let us in.
        """
        bucket = setting(self.source, "bucket")
        with named_errors(self.source):
            s3 = client(self.source, "s3")
            found = self._listed(s3, bucket, request)
        wanted = [
            one for one in found if request.again or not ledger.knows(one.table, uri_of(bucket, one.key), one.identity)
        ]
        say(f"{len(found):,} objects, {len(wanted):,} of them to fetch")
        numbered = islice(enumerate(wanted), request.most)
        stopped = Event()

        def take(numbered: tuple[int, _Listed]) -> Fetched:
            to = folder / f"{numbered[0]:06}"
            return fetch(s3, bucket, numbered[1].key, to, source=self.source, stopped=stopped, patience=self.patience)

        with closing(done_ahead(numbered, take, stopped.set)) as ahead:
            for (number, listed), fetched in ahead:
                if fetched.gone:
                    say(f"{uri_of(bucket, listed.key)} was deleted since it was listed")
                    continue
                say(f"{number + 1:,} of {len(wanted):,} objects fetched")
                yield delivery_of(listed.table, uri_of(bucket, listed.key), self.objects[listed.table].format, fetched)
                if fetched.path:
                    fetched.path.unlink(missing_ok=True)

    def notation(self, resource: str) -> Notation:
        """How a table's objects write numbers and dates."""
        return self.objects[resource].format.notation

    def check(self) -> Sequence[str]:
        """Whether every prefix can be listed.

        Raises:
            IngestError: a setting is missing, the bucket cannot be reached or does not let us in.
        """
        bucket = setting(self.source, "bucket")
        told = []
        with named_errors(self.source):
            s3 = client(self.source, "s3")
            for table, some in self.objects.items():
                answer = s3.list_objects_v2(Bucket=bucket, Prefix=some.prefix, MaxKeys=1)
                held = "has objects" if answer["KeyCount"] else "has no objects yet"
                told.append(f"{table}: s3://{bucket}/{some.prefix} can be listed and {held}")
        return told

    def _listed(self, s3: Any, bucket: str, request: Request) -> list[_Listed]:
        found: dict[str, _Listed] = {}
        for prefix in _outermost(some.prefix for some in self.objects.values()):
            for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
                for entry in page.get("Contents", ()):
                    key, modified = entry["Key"], entry["LastModified"]
                    table = table_of(self.objects, key)
                    if table and in_window(modified, request):
                        found[key] = _Listed(table, key, identity_of(entry["ETag"], entry["Size"]), modified)
        return sorted(found.values(), key=lambda one: (one.modified, one.key))


def _outermost(prefixes: Iterable[str]) -> Iterator[str]:
    """The prefixes that are in no other one, so that nothing is listed twice."""
    some = sorted(set(prefixes))
    return (one for one in some if not any(one != other and one.startswith(other) for other in some))
