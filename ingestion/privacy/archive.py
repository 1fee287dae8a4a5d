"""Erases a person from archives: Parquet objects under prefixes of S3, each rewritten in one request, or removed.

The prefixes are the setting `sources.privacy.archives`: `s3://bucket/prefix/`, several with a comma between them.
A bucket with versions keeps the old ones; it needs a lifecycle rule that expires them within the time that the law
gives us.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ingestion.config import optional_setting
from ingestion.errors import IngestError
from ingestion.privacy.identifiers import patterns
from ingestion.privacy.requests import ReceiptLine

if TYPE_CHECKING:
    import pyarrow as pa


def erase(
    values: Mapping[str, Iterable[str]], *, dry_run: bool = False, say: Callable[[str], None] = lambda _: None
) -> list[ReceiptLine]:
    """Takes the rows out that speak of a person. Gives a line for each object that had some.

    Args:
        values: what leads to her, by kind, in canonical form.
        dry_run: only count.
        say: called with short sentences of progress.

    Raises:
        SourceUnavailableError: S3 cannot be reached or refuses us; run again, what was rewritten stays so.
        IngestError: an archive is no `s3://bucket/prefix/`, or an object is not Parquet.
    """
    urls = [url.strip() for url in (optional_setting("privacy", "archives") or "").split(",") if url.strip()]
    if not urls:
        return []
    from ingestion.aws import client, named_errors

    lines = []
    with named_errors("privacy"):
        s3 = client("privacy", "s3")
        for bucket, key in _objects(s3, urls):
            place = f"s3://{bucket}/{key}"
            say(place)
            rows = _read(s3, bucket, key)
            mine = _speaks(rows, {kind: sorted(of_kind) for kind, of_kind in values.items()})
            count = sum(mine)
            if count and not dry_run:
                _write(s3, bucket, key, rows, mine)
            if count:
                lines.append(ReceiptLine(place, "deleted", count))
    return lines


def _objects(s3: Any, urls: Iterable[str]) -> Iterator[tuple[str, str]]:
    for url in urls:
        parts = urlsplit(url)
        if parts.scheme != "s3" or not parts.netloc:
            raise IngestError(f"sources.privacy.archives has {url!r}; it takes s3://bucket/prefix/")
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=parts.netloc, Prefix=parts.path.lstrip("/"))
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
    found = pa.array([False] * len(rows))
    for column in rows.columns:
        if pa.types.is_nested(column.type):
            text = pa.array([None if value is None else str(value).lower() for value in column.to_pylist()])
        elif pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
            text = pc.utf8_lower(column.cast(pa.string()).combine_chunks())
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

    left = rows.filter(pa.array([not one for one in mine]))
    if not len(left):
        s3.delete_object(Bucket=bucket, Key=key)
        return
    body = io.BytesIO()
    pa.parquet.write_table(left, body, compression="zstd")
    s3.put_object(Bucket=bucket, Key=key, Body=body.getvalue())
