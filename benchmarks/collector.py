"""What the collector takes: requests and events a second, durable in a local Kafka, beside an empty ASGI application.

    python -m benchmarks.collector [--seconds 5] [--rounds 3] [--connections 32] [--uvicorn PYTHON]

A batch comes from a page, whose events all are of one device, or from somebody's server, where each is of another. The
goal is set for pages; the other shape is harder, because its records go to as many partitions, and stands beside it.

Both are served by the same server with the same settings, get the same requests, in turn, round after round, so that a
noisy machine is noisy for both. Everything runs on this machine: the load, the server, the broker. After every stretch
the topic is read, and what was acknowledged is counted there. Exit code 1 if a goal is missed, or an event is.
"""

from __future__ import annotations

import argparse
import itertools
import json
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

from benchmarks.collecting import KEY, STREAM, Topic, collecting, event, kafka_source
from benchmarks.http_load import Measured, load
from standin.local_kafka import running
from standin.processes import free_port, listener, wait_until

BATCHES = (1, 10, 100)
GOAL = 0.5
"""Requests a second with batches of 10 of a page, as a share of those of the empty application."""

PAGE, MIXED = "collector, page", "collector, mixed"

DEVICES = 10_000
PARTITIONS = 32
"""The broker keeps 5 MB of each; a stretch must not be longer."""

_START_SECONDS = 20
_EVENT_ID = re.compile(rb'"event_id":"e-([0-9]+)"')


def main() -> None:
    """Measures, prints, and exits 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=5.0, help="of a stretch of load")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=32, help="at once")
    parser.add_argument("--uvicorn", type=Path, help="a Python that has uvicorn, httptools and uvloop, to compare with")
    asked = parser.parse_args()
    missed = _measure(asked.seconds, asked.rounds, asked.connections, asked.uvicorn)
    if missed:
        sys.exit("missed: " + "; ".join(missed))


def _measure(seconds: float, rounds: int, connections: int, uvicorn: Path | None) -> list[str]:
    servers = {"empty": sys.executable} | ({"uvicorn, empty": str(uvicorn)} if uvicorn else {})
    taken: dict[tuple[str, int], list[Measured]] = {}
    missed = []
    numbers = itertools.count()
    with running() as kafka, tempfile.TemporaryDirectory() as folder:
        kafka.create_topic(STREAM, PARTITIONS)
        topic = Topic(kafka, STREAM)
        with collecting(Path(folder), kafka_source(kafka)) as collector, _empty_servers(servers) as empty:
            places = {**empty, **dict.fromkeys((PAGE, MIXED), (collector.port, collector.pid))}
            for number, batch, name in itertools.product(range(rounds), BATCHES, places):
                print(f"round {number + 1}: {name}, {batch}", file=sys.stderr, flush=True)
                port, pid = places[name]
                request = requests(batch, numbers, is_mixed=name == MIXED)
                load(port, pid, request, 0.3, connections)
                first = next(numbers)
                measured = load(port, pid, request, seconds, connections)
                taken.setdefault((name, batch), []).append(measured)
                if name in (PAGE, MIXED):
                    found = {int(number) for _, value in topic.read() for number in _EVENT_ID.findall(value)}
                    lost = sum(number not in found for number in range(first + 1, next(numbers)))
                    if lost or measured.statuses[HTTPStatus.OK] != measured.requests:
                        missed.append(f"{lost} of {measured.requests * batch} events are not on the stream")
        topic.close()
    _print(taken, list(places), f"{connections} connections, medians of {rounds} rounds of {seconds:g} s")
    ratio = _ratio(taken, PAGE, 10, _rate)
    if ratio < GOAL:
        missed.append(f"batches of 10 of a page at {ratio:.2f} of the empty application, goal {GOAL}")
    return missed


def requests(batch: int, numbers: Iterator[int], *, is_mixed: bool) -> Callable[[], bytes]:
    """Makes requests whose events each have a number of their own.

    Args:
        batch: events of a request.
        numbers: the numbers.
        is_mixed: each event of a request is of another device; otherwise each request is.
    """
    # the number and the device of each event, in places of a fixed width
    one = json.dumps(event("e-#", "d-#"), separators=(",", ":")).replace("%", "%%")
    one = one.replace("e-#", "e-%012d").replace("d-#", "d-%08d")
    body = one if batch == 1 else "[" + ",".join([one] * batch) + "]"
    length = len(body % ((0, 0) * batch))
    head = (
        "POST /v1/events HTTP/1.1\r\nHost: localhost\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0\r\n"
        f"Content-Type: application/json\r\nX-Write-Key: {KEY}\r\nContent-Length: {length}\r\n\r\n"
    )
    template = (head + body).encode()

    def request() -> bytes:
        values: list[int] = []
        drawn = [*itertools.islice(numbers, batch)]
        for number in drawn:
            values += (number, (number if is_mixed else drawn[0] // batch) % DEVICES)
        return template % tuple(values)

    return request


def _print(taken: dict[tuple[str, int], list[Measured]], names: list[str], how: str) -> None:
    print(f"\n{how}")
    print(f"{'':18}{'batch':>6}{'requests/s':>12}{'events/s':>11}{'p50 ms':>8}{'p99 ms':>8}{'CPU us/req':>12}")
    for batch, name in itertools.product(BATCHES, names):
        rate, p50, p99, cost = (
            statistics.median(figure(one) for one in taken[name, batch])
            for figure in (_rate, lambda one: one.p50, lambda one: one.p99, lambda one: one.cost)
        )
        print(f"{name:18}{batch:6}{rate:12,.0f}{rate * batch:11,.0f}{p50 * 1e3:8.1f}{p99 * 1e3:8.1f}{cost * 1e6:12.0f}")
    print("\nthe collector's share of the empty application's requests a second, and per CPU second of the server")
    for batch, name in itertools.product(BATCHES, (PAGE, MIXED)):
        wall, cpu = _ratio(taken, name, batch, _rate), _ratio(taken, name, batch, lambda one: 1 / one.cost)
        print(f"{name:18}{batch:6}: {wall:.2f}, {cpu:.2f}")


def _rate(measured: Measured) -> float:
    return measured.rate


def _ratio(
    taken: dict[tuple[str, int], list[Measured]], name: str, batch: int, figure: Callable[[Measured], float]
) -> float:
    """The median of the rounds' ratios: both of a round saw the same machine."""
    pairs = zip(taken[name, batch], taken["empty", batch], strict=True)
    return statistics.median(figure(ours) / figure(empty) for ours, empty in pairs)


@contextmanager
def _empty_servers(pythons: dict[str, str]) -> Iterator[dict[str, tuple[int, int]]]:
    """Port and process of each."""
    found = {}
    processes = []
    try:
        for name, python in pythons.items():
            port = free_port()
            server = "uvicorn" if "uvicorn" in name else "granian"
            process = subprocess.Popen([python, Path(__file__).with_name("empty_app.py"), server, str(port)])
            processes.append(process)
            if not wait_until(lambda port=port: listener(port) is not None, _START_SECONDS):  # type: ignore[misc]
                raise RuntimeError(f"{name} does not start")
            found[name] = (port, process.pid)
        yield found
    finally:
        for process in processes:
            process.kill()
            process.wait()


if __name__ == "__main__":
    main()
