"""Rated usage of a made-up operator: 15 columns of mixed types, the same rows as Parquet, CSV and gzipped JSON lines.

    python -m benchmarks.data FOLDER --rows 2000000 [--kinds parquet csv jsonl.gz]

Written in batches, so a file of any size fits in memory; seeded, so every machine measures the same bytes. A file that
is already there with the same number of rows is kept.
"""

from __future__ import annotations

import argparse
import gzip
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from ingestion.contract import AtLeast, Contract, MaxBytes, Numeric, Row

BATCH_ROWS = 100_000
GZIP_LEVEL = 4
FIRST_MS = 1_767_225_600_000
"""1 January 2026 UTC, in milliseconds since 1970."""

USAGE_TYPES = ("voice", "sms", "mms", "data", "roaming")
PRODUCTS = tuple(f"{name} {size}" for name in ("Mobile", "Fibre", "Broadband") for size in ("S", "M", "L", "XL"))
NOTES = ('rated "as is", see tariff', "zone 2; night rate", "corrected, twice", 'called "free" number')


class RatedUsage(Row):
    """One call, message or data session, rated."""

    usage_id: Annotated[str, MaxBytes(36)]
    sequence: Annotated[int, AtLeast(0)]
    msisdn: Annotated[str, MaxBytes(20)]
    usage_type: Literal["voice", "sms", "mms", "data", "roaming"]
    started_at: datetime
    ended_at: datetime
    duration_seconds: Annotated[int, AtLeast(0)]
    data_bytes: Annotated[int, AtLeast(0)]
    cell_id: int | None
    message_count: int | None
    is_roaming: bool
    rated_amount: Annotated[Decimal, Numeric(12, 4)]
    product_name: Annotated[str, MaxBytes(40)]
    signal_dbm: float
    note: Annotated[str, MaxBytes(200)] | None


CONTRACT = Contract.of(RatedUsage)

DDL = """create table {table} (
    usage_id varchar(36) not null, sequence bigint not null,
    msisdn varchar(20) not null, usage_type varchar(7) not null,
    started_at timestamptz not null, ended_at timestamptz not null,
    duration_seconds bigint not null, data_bytes bigint not null,
    cell_id bigint, message_count bigint, is_roaming boolean not null,
    rated_amount numeric(12, 4) not null, product_name varchar(40) not null, signal_dbm double precision not null,
    note varchar(200)
)"""
"""The same table for a client that is given the CSV."""


def batches(rows: int, seed: int = 1) -> Iterator[pa.Table]:
    """The rows, typed; times are UTC in milliseconds, `rated_amount` is in euros."""
    random = np.random.default_rng(seed)
    for first in range(0, rows, BATCH_ROWS):
        yield _batch(random, first, min(BATCH_ROWS, rows - first))


def write(kind: str, path: Path, rows: int) -> Path:
    """Writes the rows as one file, unless it is there already.

    Args:
        kind: `parquet`, `csv` or `jsonl.gz`.
        path: the file; it appears under its name only when it is whole.
        rows: how many.

    Raises:
        KeyError: the kind is none of the three.
    """
    writer = _WRITERS[kind]
    if not path.exists():
        unfinished = path.with_suffix(".unfinished")
        with unfinished.open("wb") as out:
            writer(out, batches(rows))
        unfinished.rename(path)
    return path


def write_all(folder: Path, rows: int, kinds: Sequence[str] = ("parquet", "csv", "jsonl.gz")) -> dict[str, Path]:
    """Writes the rows in every kind; returns the file of each kind."""
    folder.mkdir(parents=True, exist_ok=True)
    return {kind: write(kind, folder / f"usage_{rows}.{kind}", rows) for kind in kinds}


def _batch(random: np.random.Generator, first: int, rows: int) -> pa.Table:
    started = FIRST_MS + first * 40 + np.sort(random.integers(0, rows * 40, rows))
    duration = random.integers(0, 7_200, rows)
    to_time = pa.timestamp("ms", "UTC")
    cents = pa.array(random.integers(0, 5_000_000, rows)).cast(pa.decimal128(19, 0))
    columns = {
        "usage_id": _uuids(random, rows),
        "sequence": pa.array(np.arange(first, first + rows)),
        "msisdn": pa.array(random.integers(35_840_000_000, 35_850_000_000, rows)).cast(pa.string()),
        "usage_type": _choice(random, USAGE_TYPES, rows),
        "started_at": pa.array(started).cast(to_time),
        "ended_at": pa.array(started + duration * 1000).cast(to_time),
        "duration_seconds": pa.array(duration),
        "data_bytes": pa.array(random.integers(0, 1 << 33, rows)),
        "cell_id": pa.array(random.integers(1, 100_000, rows), mask=random.random(rows) < 0.2),
        "message_count": pa.array(random.integers(0, 100, rows), mask=random.random(rows) < 0.5),
        "is_roaming": pa.array(random.random(rows) < 0.05),
        "rated_amount": pc.multiply(cents, pa.scalar(Decimal("0.0001"))).cast(pa.decimal128(12, 4)),
        "product_name": _choice(random, PRODUCTS, rows),
        "signal_dbm": pa.array(np.round(random.normal(-85, 10, rows), 6)),
        "note": pc.if_else(pa.array(random.random(rows) < 0.7), None, _choice(random, NOTES, rows)),
    }
    return pa.table(columns)


def _uuids(random: np.random.Generator, rows: int) -> pa.Array:
    digits = np.frombuffer(random.bytes(16 * rows).hex().encode(), np.uint8).reshape(rows, 32)
    text = np.full((rows, 36), ord("-"), np.uint8)
    for at, start, end in ((0, 0, 8), (9, 8, 12), (14, 12, 16), (19, 16, 20), (24, 20, 32)):
        text[:, at : at + end - start] = digits[:, start:end]
    offsets = np.arange(0, 36 * (rows + 1), 36, dtype=np.int32)
    return pa.StringArray.from_buffers(rows, pa.py_buffer(offsets), pa.py_buffer(text))


def _choice(random: np.random.Generator, values: Sequence[str], rows: int) -> pa.Array:
    return pa.array(values).take(pa.array(random.integers(0, len(values), rows)))


def _write_parquet(out: BinaryIO, tables: Iterator[pa.Table]) -> None:
    first = next(tables)
    with pyarrow.parquet.ParquetWriter(out, first.schema, compression="zstd") as writer:
        writer.write_table(first)
        for table in tables:
            writer.write_table(table)


def _write_csv(out: BinaryIO, tables: Iterator[pa.Table]) -> None:
    for first, table in enumerate(tables):
        if not first:
            out.write((",".join(table.column_names) + "\n").encode())
        # null is empty and unquoted, as `\\copy ... csv` reads it
        values = [
            pc.fill_null(_quoted(column, '""') if name == "note" else column, "") for name, column in _text(table)
        ]
        out.write(_lines(pc.binary_join_element_wise(*values, ",")))


def _write_json_lines(out: BinaryIO, tables: Iterator[pa.Table]) -> None:
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=GZIP_LEVEL, mtime=0) as packed:
        for table in tables:
            parts: list[pa.Array | pa.Scalar] = []
            for name, column in _text(table):
                kind = table.schema.field(name).type
                bare = not (pa.types.is_string(kind) or pa.types.is_timestamp(kind))
                values = column if bare else _quoted(column, '\\"')
                parts += [pa.scalar(f'{"," if parts else "{"}"{name}":'), pc.fill_null(values, "null")]
            packed.write(_lines(pc.binary_join_element_wise(*parts, "}", "")))


def _quoted(text: pa.Array, quote_inside: str) -> pa.Array:
    return pc.binary_join_element_wise('"', pc.replace_substring(text, '"', quote_inside), '"', "")


def _lines(text: pa.Array) -> bytes:
    return "\n".join([*text.to_pylist(), ""]).encode()


def _text(table: pa.Table) -> Iterator[tuple[str, pa.Array]]:
    """Columns as text: times as ISO 8601 with a zone, everything else as Arrow writes it."""
    for name, column in zip(table.column_names, table.columns, strict=True):
        text = column.combine_chunks().cast(pa.string())
        yield name, pc.binary_replace_slice(text, 10, 11, "T") if pa.types.is_timestamp(column.type) else text


_WRITERS: dict[str, Callable[[BinaryIO, Iterator[pa.Table]], None]] = {
    "parquet": _write_parquet,
    "csv": _write_csv,
    "jsonl.gz": _write_json_lines,
}


def main() -> None:
    """Writes the files and prints their sizes."""
    parser = argparse.ArgumentParser(description="Rated usage as Parquet, CSV and gzipped JSON lines")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--kinds", nargs="+", choices=list(_WRITERS), default=list(_WRITERS))
    asked = parser.parse_args()
    for kind, path in write_all(asked.folder, asked.rows, asked.kinds).items():
        print(f"{kind:9} {path.stat().st_size / 1e6:8.1f} MB  {path}")


if __name__ == "__main__":
    main()
