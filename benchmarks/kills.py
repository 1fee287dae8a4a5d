"""kill -9 at random moments of a run, then run again: is anything lost, or there twice?

    python -m benchmarks.kills [--kills 50] [--seed 1]

Three sources take turns: `append` gets new files, `merge` gets files whose rows replace rows of the same key, `resent`
gets the same files again with other content. Before each kill something new is delivered, so that every killed run has
work to do. Moments are drawn from the whole of a run, its imports included. After every kill the next run starts at
once; now and then one may finish, and what is then in the warehouse is compared with what was delivered.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.ingest import _environment, _warehouse

if TYPE_CHECKING:
    from ingestion.warehouse import Warehouse

KINDS = ("append", "merge", "resent")
ROWS = 20_000
FILES = 3
BETWEEN = 5
"""A run may finish after so many kills."""


@dataclass
class Delivered:
    """What a source has handed over: files, and what must be in its table once they have landed."""

    kind: str
    folder: Path
    rng: random.Random
    expected: Counter[tuple[int, int]] = field(default_factory=Counter)
    number: int = 0

    def deliver(self) -> None:
        """Writes more files, or other content into those that are there."""
        for n in range(FILES):
            self.number += 1
            name = f"part_{n if self.kind == 'resent' else self.number}.csv"
            first = self.rng.randrange(ROWS) if self.kind == "merge" else self.number * ROWS
            rows = [(key, self.number) for key in range(first, first + ROWS)]
            with (self.folder / f"{name}.tmp").open("w", newline="") as stream:
                csv.writer(stream).writerows([("row_id", "version"), *rows])
            (self.folder / f"{name}.tmp").rename(self.folder / name)
            self._expect(n, rows)

    def _expect(self, n: int, rows: list[tuple[int, int]]) -> None:
        if self.kind == "append":
            self.expected.update(rows)
        elif self.kind == "merge":
            latest = dict(list(self.expected)) | dict(rows)
            self.expected = Counter(latest.items())
        else:
            old = [pair for pair in self.expected if (pair[1] - 1) % FILES == n]
            for pair in old:
                del self.expected[pair]
            self.expected.update(rows)


def main() -> None:
    """Kills, compares, prints the counts, and exits 1 if a row is lost or repeated."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--one", nargs=2, metavar=("KIND", "FOLDER"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.one:
        _one(*asked.one)
        return
    rng = random.Random(asked.seed)  # noqa: S311
    with _warehouse() as warehouse, tempfile.TemporaryDirectory() as name:
        sources = {}
        for kind in KINDS:
            (folder := Path(name) / kind).mkdir()
            sources[kind] = Delivered(kind, folder, rng)
        outcomes = [_bout(warehouse, sources[KINDS[n % len(KINDS)]], n, rng) for n in range(asked.kills)]
        for source in sources.values():
            _run(warehouse, source)
        lost, twice = (sum(counts) for counts in zip(*(_compare(warehouse, s) for s in sources.values()), strict=True))
    died = outcomes.count("killed")
    print(f"{asked.kills} runs, {died} killed before they ended, {asked.kills - died} had ended when the kill came")
    print(f"rows lost: {lost}, rows there twice or wrong: {twice}")
    if lost or twice or died < asked.kills / 2:
        sys.exit(1)


def _bout(warehouse: Warehouse, source: Delivered, number: int, rng: random.Random) -> str:
    source.deliver()
    process = _start(warehouse, source)
    try:
        process.wait(timeout=rng.uniform(0.3, 2.0))
        outcome = "ended"
        if process.returncode:
            raise RuntimeError(f"a run of {source.kind} failed by itself: {process.communicate()[1].decode()[-2000:]}")
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        outcome = "killed"
    if number % BETWEEN == BETWEEN - 1:
        _run(warehouse, source)
        lost, twice = _compare(warehouse, source)
        print(
            f"after {number + 1}: {source.kind}, {len(source.expected):,} rows, {lost} lost, {twice} wrong", flush=True
        )
    return outcome


def _start(warehouse: Warehouse, source: Delivered) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "benchmarks.kills", "--one", source.kind, str(source.folder)]
    return subprocess.Popen(command, env=_environment(warehouse), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def _run(warehouse: Warehouse, source: Delivered) -> None:
    """A run to its end; a killed one's connection may hold the lock for a moment."""
    for _ in range(20):
        process = _start(warehouse, source)
        errors = process.communicate()[1].decode()
        if process.returncode == 0:
            return
        if "another run into" not in errors:
            raise RuntimeError(f"a run of {source.kind} failed by itself: {errors[-2000:]}")
        time.sleep(0.5)
    raise RuntimeError(f"the lock of {source.kind} is never free")


def _compare(warehouse: Warehouse, source: Delivered) -> tuple[int, int]:
    with warehouse.connect() as connection:
        found = connection.execute(f"select row_id, version from raw_{source.kind}.rows").fetchall()  # noqa: S608
    there = Counter((int(key), int(version)) for key, version in found)
    return sum((source.expected - there).values()), sum((there - source.expected).values())


def _one(kind: str, folder: str) -> None:
    """In the process that is killed: land what is new of the folder."""
    from ingestion.contract import Contract, Row
    from ingestion.delivery import EVERYTHING_NEW, Delivery, Request, Resource, Source, read_file
    from ingestion.formats.csv import Csv
    from ingestion.landing import land
    from ingestion.ledger import Ledger
    from ingestion.transports.local import LocalFiles
    from ingestion.warehouse import Warehouse

    class Version(Row, key="row_id"):
        """A row that says which delivery it came in."""

        row_id: int
        version: int

    class Folder(LocalFiles):
        """All files of a folder, for one table."""

        def deliveries(
            self, ledger: Ledger, folder: Path, say: Callable[[str], None], request: Request = EVERYTHING_NEW
        ) -> Iterator[Delivery]:
            for path, file_format in self.files.values():
                uri, identity = f"file:{path.name}", hashlib.sha256(path.read_bytes()).hexdigest()
                if not ledger.knows("rows", uri, identity):
                    read = partial(read_file, file_format, path, uri)
                    yield Delivery("rows", uri, identity, read, file_format.notation)

    paths = sorted(Path(folder).glob("*.csv"), key=lambda path: int(path.stem.removeprefix("part_")))
    resource = Resource("rows", Contract.of(Version), "rows", lands="merge" if kind == "merge" else "append")
    transport = Folder({path.name: (path, Csv()) for path in paths})
    land(Source(kind, kind, (resource,), transport), Warehouse.from_environment())


if __name__ == "__main__":
    main()
