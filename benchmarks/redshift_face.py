"""What the Redshift face costs, against the same Postgres without it: `python benchmarks/redshift_face.py`.

Everything is measured in one run on one machine, direct and through the face in turns, so that a busy machine is busy
for both. On a busy machine waiting for a core blurs the rest; what holds there, too, is the time that the gateway
computes for each transaction, told next to the rates. Takes about a minute and a half. Exit code 1 if a goal is missed.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import psycopg2
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from standin import local_s3
from standin.binaries import find_binaries
from standin.ephemeral import temporary
from standin.redshift.warehouse import RedshiftWarehouse
from standin.settings import Settings, temporary_place
from standin.warehouse import Warehouse, WarehouseFactory, prepare_server

ROUND_TRIPS = 30
# statements one after another, as a client sends them: in turns one by one, either side would find the caches and the
# cores as the other has left them
BLOCK = 50
ROWS = 1_000_000
COPY_ROWS = 500_000
PGBENCH_SECONDS = 1
PGBENCH_PAIRS = 5


@dataclass(frozen=True)
class Result:
    """One line of the table; `goal` is what `figure` must reach."""

    what: str
    direct: str
    face: str
    figure: float
    unit: str
    goal: float
    at_most: bool = False

    @property
    def is_reached(self) -> bool:
        """Whether the goal is."""
        return self.figure <= self.goal if self.at_most else self.figure >= self.goal


def latency(name: str, direct: Warehouse, face: RedshiftWarehouse, *, simple: bool) -> Result:
    """The median of a statement that does nothing, one connection."""

    def once(url: str) -> Callable[[], None]:
        connection: Any
        if simple:
            connection = psycopg2.connect(url)
            connection.autocommit = True
        else:
            connection = psycopg.connect(url, autocommit=True)
        cursor = connection.cursor()
        arguments: dict[str, Any] = {} if simple else {"prepare": True}

        def execute() -> None:
            for _ in range(BLOCK):
                begun = time.perf_counter()
                cursor.execute("select 1", **arguments)
                cursor.fetchall()
                taken.append(time.perf_counter() - begun)

        taken = seconds.setdefault(url, [])
        return execute

    seconds: dict[str, list[float]] = {}
    in_turns([once(direct.url), once(face.url)], ROUND_TRIPS)
    median = [statistics.median(each[BLOCK:]) * 1000 for each in seconds.values()]
    added = median[1] - median[0]
    return Result(name, f"{median[0]:.3f} ms", f"{median[1]:.3f} ms", added, "ms added", 0.3, at_most=True)


def fetch(direct: Warehouse, face: RedshiftWarehouse) -> Result:
    """A million rows of five columns, into Python."""
    query = "select i, i * 2, 'text ' || i, timestamp '2024-01-01', i * 1.5 from generate_series(1, %s) as s (i)"

    def once(url: str) -> Callable[[], None]:
        def execute() -> None:
            with closing(psycopg2.connect(url)) as connection, connection.cursor() as cursor:
                cursor.execute(query, [ROWS])
                if len(cursor.fetchall()) != ROWS:
                    raise AssertionError("rows are missing")

        return execute

    return ratio(f"fetch {ROWS:,} rows", in_turns([once(direct.url), once(face.url)], 2), 0.8)


def pgbench(direct: Warehouse, face: RedshiftWarehouse, mode: str) -> Result:
    """Single rows by key, four clients; the median of the ratios of neighbours."""
    done = 0

    def rate(warehouse: Warehouse) -> float:
        nonlocal done
        output = tool("pgbench", warehouse, "-S", "-n", "-c4", f"-T{PGBENCH_SECONDS}", f"-M{mode}")
        if warehouse is face:
            done += int(output.partition("actually processed: ")[2].split()[0])
        return float(output.partition("tps = ")[2].split()[0])

    before = computed(face.face.pid)
    rates = [(rate(direct), rate(face)) for _ in range(PGBENCH_PAIRS)]
    each = (computed(face.face.pid) - before) / done * 1_000_000
    plain, seen = (statistics.median(side) for side in zip(*rates, strict=True))
    figure = statistics.median(behind / front for front, behind in rates)
    return Result(f"pgbench -S, {mode}", f"{plain:,.0f}/s", f"{seen:,.0f}/s, {each:.0f} µs", figure, "x", 0.5)


def computed(pid: int) -> float:
    """The seconds that a process has computed until now; 0 where the kernel does not tell in /proc."""
    file = Path(f"/proc/{pid}/stat")
    if not file.exists():
        return 0.0
    # after the name in parentheses; the times of user and system are fields 14 and 15
    fields = file.read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def copy(direct: Warehouse, face: RedshiftWarehouse) -> list[Result]:
    r"""COPY from S3 against psql's \copy of the same rows from a file."""
    numbers = range(COPY_ROWS)
    table = pa.table(
        {
            "id": pa.array(numbers, pa.int64()),
            "name": pa.array([f"customer {number}" for number in numbers]),
            "amount": pa.array([number * 0.25 for number in numbers], pa.float64()),
            "day": pa.array([number % 20_000 for number in numbers], pa.int32()).cast(pa.date32()),
        }
    )
    columns = "(id bigint, name varchar(100), amount float8, day date)"
    for warehouse in (direct, face):
        with psycopg.connect(warehouse.url, autocommit=True) as connection:
            connection.execute(f"create table loaded {columns}".encode())
    with tempfile.TemporaryDirectory() as place, local_s3.running() as s3:
        face.face.set_environment(s3.environment)
        bucket = s3.make_bucket("benchmark")
        parquet, csv = Path(place) / "rows.parquet", Path(place) / "rows.csv"
        pq.write_table(table, parquet)
        csv.write_text(
            "".join(f"{n},customer {n},{n * 0.25},{day}\n" for n, day in enumerate(table["day"].to_pylist()))
        )
        for file in (parquet, csv):
            bucket.put(file.name, file.read_bytes())

        def by_psql() -> None:
            tool("psql", direct, "-qc", f"\\copy loaded from '{csv}' csv")

        def by_copy(name: str, format: str) -> Callable[[], None]:
            def execute() -> None:
                with psycopg.connect(face.url, autocommit=True) as connection:
                    connection.execute(f"copy loaded from '{bucket.url}/{name}' iam_role default {format}".encode())

            return execute

        ways = [by_psql, by_copy("rows.parquet", "format parquet"), by_copy("rows.csv", "csv")]
        plain, *others = in_turns(ways, 2)
    return [
        ratio(f"COPY of {COPY_ROWS:,} rows, {name}", [plain, seconds], 0.6)
        for name, seconds in zip(("Parquet", "CSV"), others, strict=True)
    ]


def fresh_database(factory: WarehouseFactory) -> Result:
    """A new test database, with and without the catalogue."""

    def once(**options: Any) -> Callable[[], None]:
        def make() -> None:
            with factory.warehouse(**options):
                stopped.append(time.perf_counter() - begun[0])

        begun, stopped = [0.0], durations.setdefault(str(options), [])

        def timed() -> None:
            begun[0] = time.perf_counter()
            make()

        return timed

    durations: dict[str, list[float]] = {}
    in_turns([once(), once(redshift=True)], 12)
    plain, seen = [statistics.median(each) * 1000 for each in durations.values()]
    return Result("fresh test database", f"{plain:.0f} ms", f"{seen:.0f} ms", seen, "ms", 60, at_most=True)


def starts() -> list[Result]:
    """`standin up`, from nothing and from a stopped server."""
    with tempfile.TemporaryDirectory(dir=temporary_place()) as home:
        from standin.processes import free_port

        Path(home).chmod(0o711)
        environment = os.environ | {
            "MAJAKKA_HOME": home,
            "MAJAKKA_WAREHOUSE_PORT": str(free_port()),
            "MAJAKKA_STANDIN_PORT": str(free_port()),
        }
        results = []
        try:
            for name, goal in (("start, cold", 4.0), ("start, warm", 1.0)):
                begun = time.perf_counter()
                standin("up", environment)
                took = time.perf_counter() - begun
                results.append(Result(name, "", f"{took:.2f} s", took, "s", goal, at_most=True))
                standin("down", environment)
        finally:
            standin("down", environment)
    return results


def in_turns(ways: list[Callable[[], None]], times: int) -> list[list[float]]:
    """The seconds that each way takes, each time; every way has one turn first that does not count."""
    seconds: list[list[float]] = [[] for _ in ways]
    for number in range(times + 1):
        for way, taken in zip(ways, seconds, strict=True):
            begun = time.perf_counter()
            way()
            if number:
                taken.append(time.perf_counter() - begun)
    return seconds


def ratio(what: str, seconds: list[list[float]], goal: float) -> Result:
    """The best of each, compared."""
    plain, seen = (min(each) for each in seconds)
    return Result(what, f"{plain:.2f} s", f"{seen:.2f} s", plain / seen, "x", goal)


def tool(name: str, warehouse: Warehouse, *arguments: str) -> str:
    """Run one of Postgres' programs on a warehouse; gives back what it printed."""
    environment = {
        "PATH": os.defpath,
        "PGHOST": warehouse.host,
        "PGPORT": str(warehouse.port),
        "PGUSER": warehouse.user,
        "PGPASSWORD": warehouse.password,
        "PGDATABASE": warehouse.database,
    }
    done = subprocess.run(
        [str(find_binaries() / name), *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RuntimeError(f"{name} failed: {done.stderr}")
    return done.stdout


def standin(command: str, environment: dict[str, str]) -> None:
    """Run a command of `standin`."""
    subprocess.run(
        [sys.executable, "-c", "from standin.cli import main; main()", command],
        env=environment,
        check=True,
        stdout=subprocess.DEVNULL,
    )


@contextmanager
def warehouses() -> Iterator[tuple[WarehouseFactory, Warehouse, RedshiftWarehouse]]:
    """A plain database and one behind the face, on one temporary server."""
    with temporary() as server:
        prepare_server(server, Settings())
        factory = WarehouseFactory(server, Settings(), "benchmark", "main")
        with factory.warehouse() as direct, factory.warehouse(redshift=True) as face:
            if not isinstance(face, RedshiftWarehouse):
                raise TypeError("a warehouse behind the face was asked for")
            yield factory, direct, face
        factory.close()


def main() -> int:
    """Measure, print, and tell whether every goal is reached."""
    results = starts()
    with warehouses() as (factory, direct, face):
        results.append(fresh_database(factory))
        results.append(latency("select 1, simple", direct, face, simple=True))
        results.append(latency("select 1, extended", direct, face, simple=False))
        results.append(fetch(direct, face))
        for warehouse in (direct, face.behind):
            tool("pgbench", warehouse, "-i", "-s5", "-q")
        results += [pgbench(direct, face, mode) for mode in ("simple", "extended", "prepared")]
        results += copy(direct, face)
    table = Table("measured", "direct", "face", "figure", "goal", "")
    for each in results:
        goal = f"{'≤' if each.at_most else '≥'} {each.goal:g} {each.unit}"
        figure = f"{each.figure:.2f} {each.unit}"
        table.add_row(each.what, each.direct, each.face, figure, goal, "reached" if each.is_reached else "missed")
    Console(width=110).print(table)
    return 0 if all(each.is_reached for each in results) else 1


if __name__ == "__main__":
    sys.exit(main())
