r"""Rows a second into the local Postgres, beside `psql \copy`, sling and plain dlt, in one run.

    python -m benchmarks.ingest [--rows 2000000] [--rounds 3] [--sling PATH]

Each way loads the same rows (`benchmarks/data.py`) into a fresh table, in a process of its own, in turn, round after
round, so that a noisy machine is noisy for all. A ratio is that of the medians to `\copy` of the CSV file; its table
is typed, and carries neither provenance nor checks. Then: peak memory on a file ten times as long, a tiny load in a
warm process, and the start of the command line.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.data import CONTRACT, DDL, write_all

if TYPE_CHECKING:
    from ingestion.warehouse import Warehouse

GOALS = {"parquet": 0.7, "csv": 0.7, "jsonl.gz": 0.4}
MOST_MEMORY_MB = 400
TINY_ROWS, TINY_SECONDS = 100, 1.5
START_SECONDS = 0.5
PARTS = ("rates", "memory", "small")


@dataclass
class Measured:
    """One load: wall seconds, and the peak memory of the process that did it, in MB."""

    seconds: float
    memory: int


def main() -> None:
    """Measures, prints, and exits 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sling", type=Path, help="the binary of sling 1.4.10; later ones download themselves")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--one", nargs=3, metavar=("WAY", "FILE", "TABLE"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        _one(*asked.one)
        return
    with _warehouse() as warehouse, tempfile.TemporaryDirectory() as folder:
        parts = {
            "rates": lambda: _rates(warehouse, Path(folder), asked.rows, asked.rounds, asked.sling),
            "memory": lambda: _memory(warehouse, Path(folder), asked.rows * 10),
            "small": lambda: _small(warehouse, Path(folder)),
        }
        missed = [one for name in asked.parts for one in parts[name]()]
    if missed:
        sys.exit("missed: " + "; ".join(missed))


def _rates(warehouse: Warehouse, folder: Path, rows: int, rounds: int, sling: Path | None) -> Iterator[str]:
    from importlib.metadata import version

    files = write_all(folder, rows)
    ways: dict[str, Callable[[str], Measured]] = {
        "psql \\copy, csv": lambda table: _psql(warehouse, files["csv"], table),
        **{
            f"ingest, {kind}": lambda table, kind=kind: _spawn(warehouse, kind, files[kind], table)  # type: ignore[misc]
            for kind in files
        },
        f"dlt {version('dlt')}, arrow from parquet": lambda table: _spawn(warehouse, "dlt", files["parquet"], table),
        f"dlt {version('dlt')}, arrow through adbc": lambda table: _spawn(warehouse, "adbc", files["parquet"], table),
    }
    if sling:
        ways[f"sling {_sling_version(sling)}, csv"] = lambda table: _sling(sling, warehouse, files["csv"], table)
    else:
        print("sling: not measured, --sling names its binary")
    taken: dict[str, list[Measured]] = {name: [] for name in ways}
    for number in range(rounds):
        for name, way in ways.items():
            print(f"round {number + 1}: {name}", file=sys.stderr, flush=True)
            taken[name].append(way(f"round_{number}_{len(taken[name])}"))
    base = statistics.median(one.seconds for one in taken["psql \\copy, csv"])
    ratios: dict[str, float] = {}
    print(f"\n{rows:,} rows of {len(CONTRACT.columns)} columns, medians of {rounds} rounds")
    print(f"{'':34}{'rows/s':>12}{'ratio':>8}{'peak MB':>9}")
    for name, measured in taken.items():
        seconds = statistics.median(one.seconds for one in measured)
        ratios[name] = base / seconds
        print(f"{name:34}{rows / seconds:12,.0f}{ratios[name]:8.2f}{max(one.memory for one in measured):9}")
    for kind, goal in GOALS.items():
        if ratios[f"ingest, {kind}"] < goal:
            yield f"{kind} at {ratios[f'ingest, {kind}']:.2f}, goal {goal}"
    others = [ratio for name, ratio in ratios.items() if name.startswith(("dlt", "sling"))]
    if ratios["ingest, csv"] < max(others):
        yield "another tool is faster"


def _memory(warehouse: Warehouse, folder: Path, rows: int) -> Iterator[str]:
    print(f"\npeak memory, {rows:,} rows")
    for kind in GOALS:
        file = write_all(folder, rows, [kind])[kind]
        measured = _spawn(warehouse, kind, file, f"large_{kind.partition('.')[0]}")
        print(f"{kind:10}{file.stat().st_size / 1e6:8,.0f} MB file {measured.memory:6} MB {measured.seconds:7.1f} s")
        file.unlink()
        if measured.memory > MOST_MEMORY_MB:
            yield f"{kind} takes {measured.memory} MB, goal {MOST_MEMORY_MB}"


def _small(warehouse: Warehouse, folder: Path) -> Iterator[str]:
    file = write_all(folder / "tiny", TINY_ROWS, ["csv"])["csv"]
    _land(warehouse, "csv", file, "warm_up")
    started = time.perf_counter()
    _land(warehouse, "csv", file, "tiny")
    tiny = time.perf_counter() - started
    starts = []
    for _ in range(5):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "ingestion", "--help"], check=True, stdout=subprocess.DEVNULL)
        starts.append(time.perf_counter() - started)
    start = statistics.median(starts)
    print(f"\n{TINY_ROWS} rows into a new table, warm process: {tiny:.2f} s\ningest --help: {start:.2f} s")
    if tiny > TINY_SECONDS:
        yield f"a tiny load takes {tiny:.2f} s, goal {TINY_SECONDS}"
    if start > START_SECONDS:
        yield f"the command line starts in {start:.2f} s, goal {START_SECONDS}"


@contextmanager
def _warehouse() -> Iterator[Warehouse]:
    """An ephemeral server with one database."""
    from ingestion.warehouse import Warehouse
    from standin.ephemeral import temporary

    with temporary() as server:
        server.create_database("bench")
        yield Warehouse(server.host, server.port, server.superuser, server.superuser_password, "bench")


def _environment(warehouse: Warehouse) -> dict[str, str]:
    return {
        **os.environ,
        "MAJAKKA_WAREHOUSE_HOST": warehouse.host,
        "MAJAKKA_WAREHOUSE_PORT": str(warehouse.port),
        "MAJAKKA_WAREHOUSE_USER": warehouse.user,
        "MAJAKKA_WAREHOUSE_PASSWORD": warehouse.password,
        "MAJAKKA_WAREHOUSE_DATABASE": warehouse.database,
        "PGPASSWORD": warehouse.password,
    }


def _spawn(warehouse: Warehouse, way: str, file: Path, table: str) -> Measured:
    answer = subprocess.run(
        [sys.executable, "-m", "benchmarks.ingest", "--one", way, str(file), table],
        env=_environment(warehouse),
        check=True,
        stdout=subprocess.PIPE,
    )
    return Measured(**json.loads(answer.stdout.splitlines()[-1]))


def _one(way: str, file: str, table: str) -> None:
    """In the process that is measured: load, and say how it went. Imports are not counted, and neither is its start."""
    from ingestion.warehouse import Warehouse

    warehouse = Warehouse.from_environment()
    load = _dlt if way in ("dlt", "adbc") else _land
    import dlt  # noqa: F401
    import psycopg  # noqa: F401

    started = time.perf_counter()
    load(warehouse, way, Path(file), f"{table}_{way.partition('.')[0]}")
    seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "memory": _peak_memory()}))


def _peak_memory() -> int:
    """This process' own peak in MB; what getrusage tells begins with its parent's."""
    try:
        status = Path("/proc/self/status").read_text()
    except FileNotFoundError:
        # not Linux
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 20
    return next(int(line.split()[1]) // 1024 for line in status.splitlines() if line.startswith("VmHWM"))


def _land(warehouse: Warehouse, way: str, file: Path, table: str) -> None:
    from ingestion.delivery import Format, Resource, Source
    from ingestion.formats.archive import Gzip
    from ingestion.formats.csv import Csv
    from ingestion.formats.json import Json, same_names
    from ingestion.formats.parquet import Parquet
    from ingestion.landing import land
    from ingestion.transports.local import LocalFiles

    formats: dict[str, Format] = {
        "parquet": Parquet(),
        "csv": Csv(),
        "jsonl.gz": Gzip(Json(columns=same_names(*(column.name for column in CONTRACT.columns)))),
    }
    source = Source(
        table, "rated usage", (Resource("usage", CONTRACT, "rated usage"),), LocalFiles({"usage": (file, formats[way])})
    )
    report = land(source, warehouse)
    if report.resources[0].rejected or not report.resources[0].landed:
        raise AssertionError(f"not all rows landed: {report}")


def _dlt(warehouse: Warehouse, way: str, file: Path, table: str) -> None:
    import dlt
    import pyarrow.parquet

    def rows() -> Iterator[object]:
        for batch in pyarrow.parquet.ParquetFile(file).iter_batches(50_000):
            yield pyarrow.Table.from_batches([batch])

    with tempfile.TemporaryDirectory() as folder:
        dlt.config["runtime.dlthub_telemetry"] = False
        pipeline = dlt.pipeline(
            table, pipelines_dir=folder, destination=warehouse.destination(), dataset_name=f"raw_{table}"
        )
        options = {"loader_file_format": "parquet"} if way == "adbc" else {}
        pipeline.run(rows(), table_name="usage", **options)  # type: ignore[arg-type]


def _psql(warehouse: Warehouse, file: Path, table: str) -> Measured:
    from standin.binaries import find_binaries

    command = [find_binaries() / "psql", "-q", "-h", warehouse.host, "-p", str(warehouse.port), "-U", warehouse.user]
    command += [warehouse.database, "-c", DDL.format(table=f"copy_{table}")]
    command += ["-c", f"\\copy copy_{table} from '{file}' with (format csv, header)"]
    return _timed(command, _environment(warehouse))


def _sling(sling: Path, warehouse: Warehouse, file: Path, table: str) -> Measured:
    url = f"postgresql://{warehouse.user}@{warehouse.host}:{warehouse.port}/{warehouse.database}?sslmode=disable"
    with tempfile.TemporaryDirectory() as home:
        environment = {**_environment(warehouse), "HOME": home, "SLING_DISABLE_TELEMETRY": "true"}
        environment["MAJAKKA_BENCH"] = url.replace("@", f":{warehouse.password}@")
        command = [sling, "run", "--src-stream", f"file://{file}", "--tgt-conn", "MAJAKKA_BENCH"]
        return _timed([*command, "--tgt-object", f"public.sling_{table}", "--mode", "full-refresh"], environment)


def _sling_version(sling: Path) -> str:
    told = subprocess.run([sling, "--version"], check=True, capture_output=True, text=True).stdout
    return told.split()[-1]


def _timed(command: list[object], environment: dict[str, str]) -> Measured:
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    started = time.perf_counter()
    done = subprocess.run([str(word) for word in command], env=environment, check=False, capture_output=True, text=True)
    seconds = time.perf_counter() - started
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed: {done.stdout[-2000:]} {done.stderr[-2000:]}")
    # the children's peak is one number for all of them: it tells only when this one was the largest so far
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return Measured(seconds, peak // 1024 if peak > before else 0)


if __name__ == "__main__":
    if shutil.disk_usage(tempfile.gettempdir()).free < 20 << 30:
        print("less than 20 GB free in the temporary folder: choose fewer --rows", file=sys.stderr)
    main()
