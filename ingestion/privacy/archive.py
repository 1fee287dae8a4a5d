"""Erases a person from the archives of streams: Parquet objects in S3, each rewritten in one request.

Where they are is the setting `archive_url` of a stream (`ingestion/streams/archive.py` writes them). An object that was
all hers stays, empty: it says of its stretch that there is nothing more. A bucket with versions keeps the old ones; it
needs a lifecycle rule that expires them within the time that the law gives us.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from ingestion.config import optional_setting
from ingestion.errors import IngestError
from ingestion.privacy.identifiers import patterns
from ingestion.privacy.requests import ReceiptLine

if TYPE_CHECKING:
    import pyarrow as pa

    from ingestion.delivery import Source


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
