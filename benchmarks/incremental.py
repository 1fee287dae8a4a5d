"""Does the run of the web's models after one new hour cost the same after a hundred days as after one?

    python -m benchmarks.incremental [--days 1 10 100] [--events 20000] [--hours 3] [--rows]

For each length of history: a database of its own, synthetic events copied into `raw_events` in hourly loads, one build
from nothing; then new hours, one after the other, each followed by the run that a schedule would make. Measured is
`dbt run` of all models of the web, marts and tables that are always built anew included, in a process that has parsed
the project already: what dbt takes to start is the same for everybody and would only hide the growth.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import psycopg
from rich.console import Console
from rich.table import Table

if TYPE_CHECKING:
    from dbt.contracts.graph.manifest import Manifest

    from standin.server import Server

PROJECT = Path(__file__).resolve().parents[1]
MOST_GROWTH = 1.5
"""Of the longest history's time to the shortest one's."""

WEB = ("path:models/staging/events", "path:models/intermediate/web", "path:models/marts/web")
NOW = datetime(2026, 11, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
EVENTS_OF_A_VISIT = 8
REGULARS_OF_A_DAY = 8
"""There are so many times more regular visitors than visits in a day: each comes back after about so many days."""

KINDS = ("page_view", "page_ping", "product_view", "search", "cart_add", "cart_checkout", "order_placed")
SHARES = (0.38, 0.25, 0.25, 0.05, 0.04, 0.02, 0.01)
AGENTS = (
    *("Mozilla/5.0 (Windows NT 10.0) Firefox/140.0", "Mozilla/5.0 (iPhone) Mobile/15E148", "OperatorApp/7.4"),
    *("Mozilla/5.0 (Macintosh) Safari/605", "Mozilla/5.0 (compatible; Googlebot/2.1)"),
)
CAMPAIGNS = ("news", "search", "social")
COLUMNS = (
    *("event_id", "event_type", "schema_version", "occurred_at", "received_at", "device_id", "customer_id"),
    *("page_url", "utm_source", "product_offering_id", "engaged_seconds", "user_agent"),
    *("_source_uri", "_source_row", "_dlt_load_id"),
)


@dataclass(frozen=True)
class Measured:
    """The runs after new hours of one history: seconds of the whole run, and of its slowest model."""

    days: int
    events: int
    first_build: float
    runs: list[float]
    slowest: str

    @property
    def seconds(self) -> float:
        """The median run."""
        return statistics.median(self.runs)


def main() -> None:
    """Measures, prints, and exits 1 if the time grows with the history."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--days", type=int, nargs="+", default=[1, 10, 100], help="lengths of history")
    parser.add_argument("--events", type=int, default=20_000, help="events of a day")
    parser.add_argument("--hours", type=int, default=3, help="new hours, each with a run of its own")
    asked = parser.parse_args()
    measured = [_measure(days, asked.events, asked.hours) for days in asked.days]
    table = Table(title=f"dbt run of the web's models after one new hour, {asked.events:,} events a day")
    for heading in ("days before", "events before", "built from nothing", "one hour", "slowest model", "growth"):
        table.add_column(heading, justify="right")
    for each in measured:
        table.add_row(
            f"{each.days}",
            f"{each.events:,}",
            f"{each.first_build:.1f} s",
            f"{each.seconds:.2f} s",
            each.slowest,
            f"{each.seconds / measured[0].seconds:.2f}",
        )
    Console().print(table)
    growth = measured[-1].seconds / measured[0].seconds
    if growth > MOST_GROWTH:
        sys.exit(f"missed: {measured[-1].days} days take {growth:.2f} times as long, goal {MOST_GROWTH}")


def _measure(days: int, events: int, hours: int) -> Measured:
    with _dbt() as (dbt, connection):
        rng = np.random.default_rng(1)
        _make_raw(connection, rng, events)
        for hour in range(days * 24, 0, -1):
            _land(connection, rng, NOW - hour * HOUR, events)
        started = time.perf_counter()
        dbt("--select", "+path:models/intermediate/web", "+path:models/marts/web")
        first_build = time.perf_counter() - started
        # what autovacuum does in its own time
        connection.execute("vacuum analyze")
        runs, models = [], dict[str, list[float]]()
        for hour in range(hours):
            _land(connection, rng, NOW + hour * HOUR, events)
            started = time.perf_counter()
            result = dbt(
                "--select", "path:models/staging/events", "path:models/intermediate/web", "path:models/marts/web"
            )
            runs.append(time.perf_counter() - started)
            for each in result:
                models.setdefault(each.node.name, []).append(each.execution_time)
        slowest = max(models, key=lambda name: statistics.median(models[name]))
        return Measured(
            days=days,
            events=days * events,
            first_build=first_build,
            runs=runs,
            slowest=f"{slowest} {statistics.median(models[slowest]):.2f} s",
        )


@contextmanager
def _dbt() -> Iterator[tuple[Any, psycopg.Connection[Any]]]:
    """`dbt run` on an ephemeral server of its own, the project parsed and its seeds loaded; and a connection."""
    from dbt.adapters.factory import reset_adapters
    from dbt.cli.main import dbtRunner

    from standin.ephemeral import temporary

    with temporary() as server, tempfile.TemporaryDirectory() as folder:
        server.create_database("bench")
        os.environ.update(_environment(server))
        common = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT / "profiles"), "--quiet"]
        common += ["--target", "dev", "--target-path", f"{folder}/target", "--log-path", f"{folder}/logs"]
        common += ["--vars", f"as_of_on: '{NOW:%Y-%m-%d}'"]
        reset_adapters()  # type: ignore[no-untyped-call]
        manifest: Manifest = dbtRunner().invoke(["parse", *common]).result  # type: ignore[assignment]

        def run(*options: str, command: str = "run") -> Any:
            done = dbtRunner(manifest=manifest).invoke([command, *options, *common])
            if not done.success:
                raise RuntimeError(f"dbt {command} failed: {done.exception or done.result}")
            return done.result

        address = psycopg.conninfo.make_conninfo(
            host=server.host,
            port=server.port,
            user=server.superuser,
            password=server.superuser_password,
            dbname="bench",
        )
        with psycopg.connect(address, autocommit=True) as connection:
            _make_tables()
            run(command="seed")
            yield run, connection


def _environment(server: Server) -> dict[str, str]:
    return {
        "MAJAKKA_WAREHOUSE_HOST": server.host,
        "MAJAKKA_WAREHOUSE_PORT": str(server.port),
        "MAJAKKA_WAREHOUSE_USER": server.superuser,
        "MAJAKKA_WAREHOUSE_PASSWORD": server.superuser_password,
        "MAJAKKA_WAREHOUSE_DATABASE": "bench",
    }


def _make_tables() -> None:
    """The raw tables of every source, as ingestion makes them."""
    from ingestion import sources
    from ingestion.prepare import prepare
    from ingestion.warehouse import Warehouse

    for name in sources.NAMES:
        prepare(sources.find(name), Warehouse.from_environment())


def _make_raw(connection: psycopg.Connection[Any], rng: np.random.Generator, events: int) -> None:
    """Two of five customers consent to profiling."""
    customers = [number for number in range(_regulars(events)) if rng.random() < 0.4]
    columns = (
        "consent_id, customer_id, purpose, status, valid_from, last_update, _source_uri, _source_row, _dlt_load_id"
    )
    with connection.cursor().copy(f"copy raw_crm.consents ({columns}) from stdin") as lines:
        for number in customers:
            lines.write_row((f"S{number}", f"C{number}", "profiling", "granted", NOW, NOW, "consents", number, "1"))


def _regulars(events: int) -> int:
    return events // EVENTS_OF_A_VISIT * REGULARS_OF_A_DAY


def _land(connection: psycopg.Connection[Any], rng: np.random.Generator, hour: datetime, events: int) -> None:
    """One load: an hour's visits, four of five by regular visitors, half of whom log in."""
    load_id = f"{(hour + HOUR).timestamp():.6f}"
    number = 0
    with (
        connection.transaction(),
        connection.cursor().copy(f"copy raw_events.events ({', '.join(COLUMNS)}) from stdin") as lines,
    ):
        for visit in range(max(1, events // 24 // EVENTS_OF_A_VISIT)):
            regular = int(rng.integers(_regulars(events))) if rng.random() < 0.8 else None
            device = f"d-{regular}" if regular is not None else f"d-{load_id}-{visit}"
            agent = AGENTS[int(rng.integers(len(AGENTS)))]
            customer = f"C{regular}" if regular is not None and rng.random() < 0.5 else None
            campaign = CAMPAIGNS[int(rng.integers(3))] if rng.random() < 0.3 else None
            now = hour + timedelta(seconds=int(rng.integers(3_000)))
            for place, kind in enumerate(rng.choice(KINDS, EVENTS_OF_A_VISIT, p=SHARES)):
                number += 1
                now += timedelta(seconds=int(rng.integers(2, 90)))
                offering = f"O{int(rng.integers(40))}" if kind in ("product_view", "cart_add", "order_placed") else None
                lines.write_row(
                    (
                        *(f"{load_id}-{number}", kind, "1-1-0", now, now + timedelta(seconds=1), device, customer),
                        *(f"https://www.example.com/{kind}", campaign if place == 0 else None, offering),
                        *(10 if kind == "page_ping" else None, agent, f"shard-{load_id}", number, load_id),
                    )
                )
    connection.execute(
        "insert into raw_events._dlt_loads (load_id, schema_name, status, inserted_at) values (%s, 'events', 0, %s)",
        (load_id, hour + HOUR),
    )


if __name__ == "__main__":
    main()
