"""Erases a person, or old days, from the archives of streams: Parquet objects in S3, each rewritten in one request.

Where they are is the setting `archive_url` of a stream (`ingestion/streams/archive.py` writes them). An object that was
all hers stays, empty: it says of its stretch that there is nothing more. A bucket with versions keeps the old ones; it
needs a lifecycle rule that expires them within the time that the law gives us.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ingestion.config import optional_setting
from ingestion.errors import IngestError
from ingestion.privacy.identifiers import patterns
from ingestion.privacy.requests import ReceiptLine

if TYPE_CHECKING:
    import pyarrow as pa

    from ingestion.delivery import Source

OBJECTS_A_REQUEST = 1000
"""That S3 deletes at most in one request."""

_DAY = re.compile(r"(?:^|/)dt=([0-9]{4}-[0-9]{2}-[0-9]{2})/")


def erase(
    sources: Sequence[Source],
    values: Mapping[str, Iterable[str]],
    *,
    dry_run: bool = False,
    say: Callable[[str], None] = lambda _: None,
) -> list[ReceiptLine]:
    """Takes the records out that speak of a person. Gives a line for each object that had some.

    Args:
        sources: those with an archive are searched.
        values: what leads to her, by kind, in canonical form.
        dry_run: only count.
        say: called with short sentences of progress.

    Raises:
        SourceUnavailableError: S3 cannot be reached or refuses us; run again, what was rewritten stays so.
        IngestError: an archive is no `s3://bucket/prefix`, or an object is not Parquet.
    """
    from ingestion.aws import client, named_errors

    wanted = {kind: sorted(of_kind) for kind, of_kind in values.items()}
    lines = []
    for source in sources:
        url = optional_setting(source.name, "archive_url")
        if url is None:
            continue
        with named_errors(source.name):
            s3 = client(source.name, "s3")
            for bucket, key in _objects(s3, source.name, url):
                place = f"s3://{bucket}/{key}"
                say(place)
                rows = _read(s3, bucket, key)
                mine = _speaks(rows, wanted)
                if count := sum(mine):
                    lines.append(ReceiptLine(place, "deleted", count))
                    if not dry_run:
                        _write(s3, bucket, key, rows, mine)
    return lines


def expire(source: Source, kept_from: date, *, dry_run: bool = False) -> Iterator[list[str]]:
    """Deletes the objects of days before one, by the day in their names. Gives their urls, some at a time.

    Args:
        source: without an archive there is nothing to do.
        kept_from: objects of this day (UTC) and later stay.
        dry_run: only tell.

    Raises:
        SourceUnavailableError: S3 cannot be reached, or does not delete; what was given before is deleted.
        IngestError: the archive is no `s3://bucket/prefix`.
    """
    from ingestion.aws import client, named_errors

    url = optional_setting(source.name, "archive_url")
    if url is None:
        return
    with named_errors(source.name):
        s3 = client(source.name, "s3")
        old = [(bucket, key) for bucket, key in _objects(s3, source.name, url) if _is_before(key, kept_from)]
        for start in range(0, len(old), OBJECTS_A_REQUEST):
            some = old[start : start + OBJECTS_A_REQUEST]
            if not dry_run:
                wanted = [{"Key": key} for _, key in some]
                refused = s3.delete_objects(Bucket=some[0][0], Delete={"Objects": wanted, "Quiet": True}).get("Errors")
                if refused:
                    raise IngestError(f"S3 does not delete s3://{some[0][0]}/{refused[0]['Key']}: {refused[0]['Code']}")
            yield [f"s3://{bucket}/{key}" for bucket, key in some]


def _is_before(key: str, day: date) -> bool:
    """An object of the archive has its day in its name; what has none is none of ours, and stays."""
    found = _DAY.search(key)
    return found is not None and date.fromisoformat(found[1]) < day


def _objects(s3: Any, source: str, url: str) -> Iterator[tuple[str, str]]:
    parts = urlsplit(url)
    if parts.scheme != "s3" or not parts.netloc:
        raise IngestError(f"sources.{source}.archive_url is {url!r}; it is of the form s3://bucket/prefix")
    prefix = parts.path.strip("/")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=parts.netloc, Prefix=prefix and f"{prefix}/")
    for page in pages:
        for found in page.get("Contents", ()):
            yield parts.netloc, found["Key"]


def _read(s3: Any, bucket: str, key: str) -> pa.Table:
    import pyarrow as pa
    import pyarrow.parquet

    body = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    try:
        return pa.parquet.read_table(io.BytesIO(body))
    except pa.ArrowInvalid as error:
        raise IngestError(
            f"s3://{bucket}/{key} in the archive is no Parquet: nobody can tell whom it speaks of; remove it by hand"
        ) from error


def _speaks(rows: pa.Table, values: Mapping[str, list[str]]) -> list[bool]:
    """For each row, whether any of its texts is or contains one of the values."""
    import pyarrow as pa
    import pyarrow.compute as pc

    exact = pa.array(sorted({value.lower() for of_kind in values.values() for value in of_kind}), pa.string())
    found = pa.array([False] * len(rows), pa.bool_())
    for column in rows.columns:
        if pa.types.is_nested(column.type):
            text = pa.array(
                [None if value is None else str(value).lower() for value in column.to_pylist()], pa.string()
            )
        elif pa.types.is_binary(column.type):
            read = [None if value is None else value.decode(errors="replace").lower() for value in column.to_pylist()]
            text = pa.array(read, pa.string())
        elif pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            text = pc.utf8_lower(pa.concat_arrays(column.cast(pa.string()).chunks))
        else:
            continue
        hits = pc.is_in(text, value_set=exact)
        for pattern in patterns(values):
            hits = pc.or_(hits, pc.fill_null(pc.match_substring_regex(text, pattern), False))
        found = pc.or_(found, hits)
    return list(found.to_pylist())


def _write(s3: Any, bucket: str, key: str, rows: pa.Table, mine: list[bool]) -> None:
    import pyarrow as pa
    import pyarrow.parquet

    left = rows.filter(pa.array([not one for one in mine], pa.bool_()))
    body = io.BytesIO()
    pa.parquet.write_table(left, body, compression="zstd")
    s3.put_object(Bucket=bucket, Key=key, Body=body.getvalue())
