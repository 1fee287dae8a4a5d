"""How soon an event that was posted is a row in raw, and a visit in `fct_web_sessions`, with everything running.

    python -m benchmarks.freshness [--seconds 60] [--events 20]

The collector, a Kafka broker, a consumer (`ingest stream events`), the models (`python -m tools.model_stream`) and
Postgres are processes of their own and share this machine. Every second a batch is posted, each event from a device of
its own, so that each becomes a visit. An event counts from the moment before its request until a query sees it; queries
look four times a second. Exit code 1 if a goal is missed, or an event is.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.collecting import KEY, STREAM, Collector, collecting, event, kafka_source
from benchmarks.ingest import _environment, _warehouse
from standin.local_kafka import running

if TYPE_CHECKING:
    from ingestion.warehouse import Connection, Warehouse

PROJECT = Path(__file__).resolve().parents[1]
RAW_GOAL, VISIT_GOAL = 5.0, 30.0
"""Seconds until half of the events are there."""

_LOOK_SECONDS = 0.25
_PATIENCE_SECONDS = 120
_PLACES = {
    "raw_events.events": "select device_id from raw_events.events",
    "fct_web_sessions": "select device_id from marts.fct_web_sessions",
}


def main() -> None:
    """Measures, prints, and exits 1 if a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--events", type=int, default=20, help="of a batch; one is posted every second")
    asked = parser.parse_args()
    with ExitStack() as stack:
        kafka = stack.enter_context(running())
        kafka.create_topic(STREAM)
        source = kafka_source(kafka)
        os.environ.update({f"SOURCES__EVENTS__{key}".upper(): value for key, value in source.items()})
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        warehouse = stack.enter_context(_warehouse())
        environment = _environment(warehouse) | {
            "DBT_TARGET_PATH": f"{folder}/target",
            "DBT_LOG_PATH": f"{folder}/logs",
        }
        _prepare(environment)
        collector = stack.enter_context(collecting(folder / "collector", source))
        stack.enter_context(_program(["ingestion", "stream", "events", "--quiet"], environment))
        stack.enter_context(_program(["tools.model_stream", "--target", "dev"], environment))
        seen = _measure(warehouse, collector, asked.seconds, asked.events)
    missed = []
    print(f"\n{asked.seconds * asked.events:,} events in {asked.seconds} s, seconds until they are there")
    print(f"{'':20}{'median':>10}{'95 of 100':>12}{'slowest':>10}{'missing':>10}")
    for (place, taken), goal in zip(seen.items(), (RAW_GOAL, VISIT_GOAL), strict=True):
        lost = asked.seconds * asked.events - len(taken)
        median, late = statistics.median(taken), statistics.quantiles(taken, n=20)[18]
        print(f"{place:20}{median:10.1f}{late:12.1f}{max(taken):10.1f}{lost:10}")
        if lost:
            missed.append(f"{lost} events are not in {place}")
        if median > goal:
            missed.append(f"the median event is in {place} after {median:.1f} s, goal {goal:g}")
    if missed:
        sys.exit("missed: " + "; ".join(missed))


def _prepare(environment: dict[str, str]) -> None:
    """Raw tables of every source, and one build of what the web's models stand on."""
    from ingestion import sources

    prepare = [sys.executable, "-m", "ingestion", "prepare", *sources.NAMES]
    subprocess.run(prepare, env=environment, check=True, cwd=PROJECT, stdout=subprocess.DEVNULL)
    dbt = [str(Path(sys.executable).with_name("dbt")), "--quiet"]
    options = ["--profiles-dir", "profiles", "--target", "dev"]
    for words in (["seed"], ["run", "--select", "+tag:streamed"]):
        subprocess.run([*dbt, *words, *options], env=environment, check=True, cwd=PROJECT)


@contextmanager
def _program(words: list[str], environment: dict[str, str]) -> Iterator[None]:
    """A program of ours for the block; what it says goes to our standard error."""
    process = subprocess.Popen([sys.executable, "-m", *words], env=environment, cwd=PROJECT, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE_SECONDS)
        process.kill()
        process.wait()


def _measure(warehouse: Warehouse, collector: Collector, seconds: int, events: int) -> dict[str, list[float]]:
    """For each place, how long each event took to get there."""
    with warehouse.connect() as connection:
        # everything has started when a first event is through
        _post(collector, ["warm"])
        _await(connection, {"warm"})
        posted: dict[str, float] = {}
        found: dict[str, dict[str, float]] = {place: {} for place in _PLACES}
        began = time.monotonic()
        for second in range(seconds):
            while time.monotonic() < began + second:
                _look(connection, posted, found)
            devices = [f"f-{second}-{number}" for number in range(events)]
            posted |= dict.fromkeys(devices, time.monotonic())
            _post(collector, devices)
        until = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < until and len(found["fct_web_sessions"]) < len(posted):
            _look(connection, posted, found)
    return {place: [at - posted[device] for device, at in there.items()] for place, there in found.items()}


def _post(collector: Collector, devices: list[str]) -> None:
    body = json.dumps([event(f"e-{device}", device) for device in devices]).encode()
    status, _, answer = collector.ask("POST", "/v1/events", body, {"X-Write-Key": KEY, "Content-Type": "text/plain"})
    if status != 200:
        raise RuntimeError(f"the collector answers {status}: {answer.decode()}")


def _look(connection: Connection, posted: dict[str, float], found: dict[str, dict[str, float]]) -> None:
    """Notes which devices are there that were not before; then rests for a moment."""
    for place, query in _PLACES.items():
        now = time.monotonic()
        for (device,) in connection.execute(query).fetchall():
            if device in posted:
                found[place].setdefault(device, now)
    time.sleep(_LOOK_SECONDS)


def _await(connection: Connection, devices: set[str]) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    while devices - {device for (device,) in connection.execute(_PLACES["fct_web_sessions"]).fetchall()}:
        if time.monotonic() > until:
            raise RuntimeError("the first event does not get through")
        time.sleep(_LOOK_SECONDS)


if __name__ == "__main__":
    main()
