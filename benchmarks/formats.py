"""The readers alone: rows a second, CPU and peak memory of each format over the same 2 million rows of 15 columns.

    python -m benchmarks.formats FOLDER [--rows 2000000] [--kinds parquet csv jsonl.gz ...]

Each reader runs in a process of its own, three times, and the best time counts.
"""

from __future__ import annotations

import argparse
import gzip
import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.data import CONTRACT, batches, write
from ingestion.delivery import Format
from ingestion.formats.compression import Gzip, Zstd
from ingestion.formats.csv import Csv
from ingestion.formats.json import Json, same_names
from ingestion.formats.parquet import Parquet
from ingestion.formats.xml import Xml

NAMES = [column.name for column in CONTRACT.columns]
LINES = Json(columns=same_names(*NAMES))

FORMATS: dict[str, Format] = {
    "parquet": Parquet(),
    "csv": Csv(),
    "csv.gz": Gzip(Csv()),
    "csv.zst": Zstd(Csv()),
    "csv in latin-1": Csv(encoding="iso-8859-1"),
    "jsonl": LINES,
    "jsonl.gz": Gzip(LINES),
    "jsonl by path": Json(columns={**same_names(*NAMES), "note": "note || null"}),
    "json": Json(columns=same_names(*NAMES), records_at="usage"),
    "xml": Xml(record="usage", columns=same_names(*NAMES)),
}
KINDS = {"csv in latin-1": "csv", "jsonl by path": "jsonl"}
"""Readers of a file that another one is named for."""

SLOW = {"jsonl by path": 10, "xml": 10}
"""These read one record at a time, and a part of the rows is enough to tell how fast."""

RUNS = 3


def main() -> None:
    """Writes what is missing, runs every reader, and prints a line for each."""
    parser = argparse.ArgumentParser(description="The speed and memory of every reader")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--kinds", nargs="+", choices=list(FORMATS), default=list(FORMATS))
    parser.add_argument("--one", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    if asked.one:
        print(json.dumps(measure(asked.one, file_of(asked.folder, asked.one, asked.rows))))
        return
    print(f"{'format':16} {'rows':>10} {'rows/s':>10} {'rows/CPU-s':>11} {'seconds':>8} {'CPU':>6} {'peak MB':>8}")
    for kind in asked.kinds:
        rows = asked.rows // SLOW.get(kind, 1)
        file_of(asked.folder, kind, rows)
        command = [sys.executable, "-m", "benchmarks.formats", asked.folder, "--rows", str(rows), "--one", kind]
        told = [json.loads(subprocess.run(command, check=True, capture_output=True).stdout) for _ in range(RUNS)]
        wall, cpu, peak = (min(run[what] for run in told) for what in ("wall", "cpu", "peak_mb"))
        print(f"{kind:16} {rows:10,} {rows / wall:10,.0f} {rows / cpu:11,.0f} {wall:8.2f} {cpu:6.2f} {peak:8}")


def measure(kind: str, path: Path) -> dict[str, float]:
    """Reads a file once; seconds, CPU seconds and peak memory in MB."""
    wall, cpu, rows = time.perf_counter(), time.process_time(), 0
    with path.open("rb") as stream:
        for batch in FORMATS[kind].read(stream):
            if batch.broken or batch.rows[0].as_py() != rows + 1:
                raise SystemExit(f"{kind}: row {rows + 1} was not read as it should be")
            rows += len(batch.table)
    return {
        "wall": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "peak_mb": peak_mb(),
        "rows": rows,
    }


def peak_mb() -> int:
    """The most memory that this process has had; `getrusage` would count what its parent had before it."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1 << 20)
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) // 1024


def file_of(folder: Path, kind: str, rows: int) -> Path:
    """The file of a kind, written if it is not there."""
    kind = KINDS.get(kind, kind)
    path = folder / f"usage_{rows}.{kind}"
    if kind in ("parquet", "csv", "jsonl.gz"):
        return write(kind, path, rows)
    if not path.exists():
        unfinished = path.with_suffix(".unfinished")
        with unfinished.open("wb") as out:
            for chunk in _DERIVED[kind](folder, rows):
                out.write(chunk)
        unfinished.rename(path)
    return path


def _lines(folder: Path, rows: int) -> Iterator[bytes]:
    with gzip.open(file_of(folder, "jsonl.gz", rows)) as stream:
        while chunk := stream.read(1 << 20):
            yield chunk


def _document(folder: Path, rows: int) -> Iterator[bytes]:
    yield b'{"usage": [\n'
    with file_of(folder, "jsonl", rows).open("rb") as lines:
        for number, line in enumerate(lines):
            yield line if number == 0 else b"," + line
    yield b"]}"


def _packed(codec: str) -> Callable[[Path, int], Iterator[bytes]]:
    def pack(folder: Path, rows: int) -> Iterator[bytes]:
        source = file_of(folder, "csv", rows)
        packed = source.with_suffix(f".{codec}")
        with source.open("rb") as text, pa.output_stream(str(packed), compression=codec) as out:
            while chunk := text.read(1 << 20):
                out.write(chunk)
        yield packed.read_bytes()
        packed.unlink()

    return pack


def _xml(folder: Path, rows: int) -> Iterator[bytes]:
    yield b"<export>\n"
    for table in batches(rows):
        parts: list[pa.Array | str] = ["<usage>"]
        for name, column in zip(table.column_names, table.columns, strict=True):
            text = pc.fill_null(column.combine_chunks().cast(pa.string()), "")
            parts += [f"<{name}>", text, f"</{name}>"]
        yield "\n".join(pc.binary_join_element_wise(*parts, "</usage>", "").to_pylist()).encode()
    yield b"\n</export>\n"


_DERIVED: dict[str, Callable[[Path, int], Iterator[bytes]]] = {
    "jsonl": _lines,
    "json": _document,
    "csv.gz": _packed("gzip"),
    "csv.zst": _packed("zstd"),
    "xml": _xml,
}


if __name__ == "__main__":
    main()
