"""The web's incremental models: however events arrive, the tables are those that a build from nothing makes.

Histories are made of what decides something: silences just up to half an hour and just over, midnights, campaigns,
logins of people who share a device, programs, wrong clocks, visits without an end. They are delivered in any order, in
loads that commit in any order, more than once, and with copies that contradict each other.

MAJAKKA_HISTORIES=60 tries more of them than the few that every test run tries.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pytest
import raw_tables
from dbt.adapters.factory import reset_adapters
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from psycopg import sql
from small_operator import target_of

from ingestion import sources
from ingestion.quarantine import replay
from tools.model_stream import SELECTION, Models, follow

if TYPE_CHECKING:
    from conftest import Dbt

    from standin.warehouse import Warehouse, WarehouseFactory

PROJECT = Path(__file__).resolve().parents[2]
HISTORIES = int(os.environ.get("MAJAKKA_HISTORIES", "3"))
# limits that a short history reaches
VARIABLES = "{web_bot_events_per_minute: 4, web_device_customers: 2, web_stitching_days: 10}"
INCREMENTAL = (
    "path:models/intermediate/web,config.materialized:incremental",
    "path:models/marts/web,config.materialized:incremental",
)
KEPT = "int_events__loads_numbered"
# built anew each time, and what the incremental one after them goes by
BEFORE_INTEREST = ("int_web_sessions__consented", "int_web_sessions__fingerprinted_per_customer")
# stands here as its models would make it
ANSWERS, REPORTING_DAY = "intermediate.int_consents__pivoted_to_customers", "intermediate.int_reporting__as_of"

BROWSER, BOT = "Mozilla/5.0 (iPhone) Mobile Safari", "Googlebot/2.1"
START = datetime(2026, 9, 30, 22, 0, tzinfo=UTC)
GAPS = (
    *(timedelta(0), timedelta(seconds=1), timedelta(seconds=40), timedelta(minutes=29)),
    *(timedelta(minutes=30), timedelta(minutes=30, milliseconds=1), timedelta(hours=2), timedelta(hours=23)),
    *(timedelta(days=1), timedelta(days=4), timedelta(days=9), timedelta(days=12)),
)
KINDS = ("page_view", "page_ping", "product_view", "cart_add", "cart_checkout", "order_placed", "login")


@dataclass(frozen=True)
class Event:
    """One event as a device sends it."""

    device_id: str
    event_id: str
    occurred_at: datetime
    event_type: str
    customer_id: str | None
    utm_source: str | None
    user_agent: str
    delay: timedelta

    def row(self) -> dict[str, Any]:
        shop = self.event_type in ("product_view", "cart_add", "order_placed")
        return {
            "event_id": self.event_id,
            "event_type": self.event_type,
            "schema_version": "1-1-0",
            "occurred_at": self.occurred_at,
            "received_at": self.occurred_at + self.delay,
            "device_id": self.device_id,
            "customer_id": self.customer_id,
            "page_url": f"https://shop.example/{self.event_id}",
            "utm_source": self.utm_source,
            "product_offering_id": f"O{len(self.event_id)}" if shop else None,
            "engaged_seconds": 7 if self.event_type == "page_ping" else None,
            "user_agent": self.user_agent,
        }


@dataclass(frozen=True)
class Load:
    """What one load brings, and in which run the models find it."""

    load_id: str
    run: int
    events: list[Event]


@dataclass(frozen=True)
class Said:
    """What holds when the models run: who has agreed to profiling, and what the reporting day is."""

    customers: frozenset[str]
    as_of_on: date


def _mostly(usual: object, *others: object) -> st.SearchStrategy[Any]:
    return st.sampled_from((usual,) * 5 + others)


@st.composite
def _devices(draw: st.DrawFn, name: str) -> list[Event]:
    """What one device did, in order."""
    now = START + draw(st.sampled_from(GAPS))
    events = []
    for number in range(draw(st.integers(1, 12))):
        now += draw(st.sampled_from(GAPS))
        events.append(
            Event(
                device_id=name,
                event_id=f"{name}-{number}",
                occurred_at=now,
                event_type=draw(st.sampled_from(KINDS)),
                customer_id=draw(_mostly(None, "C1", "C2", "C3")),
                utm_source=draw(_mostly(None, "news", "search")),
                user_agent=draw(_mostly(BROWSER, BOT)),
                delay=draw(_mostly(timedelta(seconds=1), timedelta(days=40), timedelta(hours=-3))),
            )
        )
    if draw(_mostly(False, True)):
        # something that never sleeps, for three days and a half
        events += [
            replace(events[-1], event_id=f"{name}-x{number}", occurred_at=now + number * timedelta(minutes=29))
            for number in range(1, 174)
        ]
    return events


@st.composite
def _contradicting(draw: st.DrawFn, event: Event) -> Event:
    """A copy of the event that says something else."""
    return draw(
        st.sampled_from(
            (
                replace(event, occurred_at=event.occurred_at + timedelta(days=2)),
                replace(event, occurred_at=event.occurred_at - timedelta(minutes=20)),
                replace(event, customer_id="C3"),
                replace(event, user_agent=BOT),
            )
        )
    )


@st.composite
def _histories(draw: st.DrawFn) -> list[Load]:
    """Loads, in the order in which they commit."""
    runs = draw(st.integers(2, 3))
    count = draw(st.integers(runs, 5))
    numbers = draw(st.permutations(range(count)))
    loads = [Load(f"{1_790_000_000 + number}.5", min(place, runs - 1), []) for place, number in enumerate(numbers)]
    for device in range(draw(st.integers(4, 8))):
        for event in draw(_devices(f"D{device}")):
            first = draw(st.integers(0, count - 1))
            loads[first].events.append(event)
            if draw(_mostly(False, True)):
                loads[draw(st.integers(0, count - 1))].events.append(event)
            if draw(_mostly(False, False, True)):
                loads[draw(st.integers(0, count - 1))].events.append(draw(_contradicting(event)))
    for load in loads:
        # delivered in any order
        load.events.sort(key=lambda event: hash((event.event_id, load.load_id)))
    return loads


SAID = st.builds(
    Said,
    customers=st.frozensets(st.sampled_from(("C1", "C2", "C3")), min_size=1),
    as_of_on=_mostly(START.date() + timedelta(days=30), START.date() + timedelta(days=31)),
)


@pytest.fixture(scope="module")
def web(warehouse_factory: WarehouseFactory, make_dbt: Callable[..., Dbt]) -> Iterator[Dbt]:
    """dbt with everything that the web's models stand on, and none of them."""
    with warehouse_factory.warehouse() as warehouse:
        with warehouse.connect() as connection:
            raw_tables.create_raw(connection)
        dbt = make_dbt(warehouse)
        ground = ("path:seeds", "path:models/staging/events", "--resource-type", "seed", "--resource-type", "model")
        built = dbt("build", "--select", *ground, variables=VARIABLES)
        assert built.success, dbt.failures(built)
        yield dbt


def _forget(warehouse: Warehouse) -> None:
    with warehouse.connect() as connection:
        connection.execute("truncate raw_events.events, raw_events._dlt_loads")
        connection.execute("drop schema if exists intermediate, marts cascade")
        connection.execute("create schema intermediate")
        connection.execute(f"create table {ANSWERS} (customer_id varchar(64), has_consented_profiling boolean)")
        connection.execute(f"create table {REPORTING_DAY} (as_of_on date)")


def _say(warehouse: Warehouse, said: Said) -> None:
    with warehouse.connect() as connection:
        connection.execute(f"truncate {ANSWERS}, {REPORTING_DAY}")
        connection.execute(f"insert into {REPORTING_DAY} values (%s)", (said.as_of_on,))
        for customer in ("C1", "C2", "C3"):
            connection.execute(f"insert into {ANSWERS} values (%s, %s)", (customer, customer in said.customers))


def _land(warehouse: Warehouse, load: Load) -> None:
    with warehouse.connect() as connection:
        rows = [event.row() for event in load.events]
        if rows:
            columns = [*rows[0], "_source_uri", "_source_row", "_dlt_load_id"]
            copy = sql.SQL("copy raw_events.events ({}) from stdin").format(
                sql.SQL(", ").join(map(sql.Identifier, columns))
            )
            with connection.cursor().copy(copy) as lines:
                for number, row in enumerate(rows, start=1):
                    lines.write_row((*row.values(), f"shard-{load.load_id}", number, load.load_id))
        raw_tables.finish_load(connection, "events", load.load_id)


def _run(dbt: Dbt, *options: str) -> None:
    result = dbt("run", "--select", *INCREMENTAL, *BEFORE_INTEREST, *options, variables=VARIABLES)
    assert result.success, dbt.failures(result)


def _tables(dbt: Dbt) -> dict[str, list[tuple[Any, ...]]]:
    names = dbt.rows(
        "select table_schema || '.' || table_name as name from information_schema.tables"
        " where table_schema in ('intermediate', 'marts') and table_type = 'BASE TABLE'"
    )
    return {
        row["name"]: sorted((tuple(each.values()) for each in dbt.rows(f"select * from {row['name']}")), key=repr)
        for row in names
    }


@settings(
    max_examples=HISTORIES, deadline=None, database=None, suppress_health_check=list(HealthCheck), print_blob=True
)
@given(loads=_histories(), said=st.lists(SAID, min_size=3, max_size=3))
def test_however_events_arrive_the_tables_are_those_of_a_build_from_nothing(
    web: Dbt, loads: list[Load], said: list[Said]
) -> None:
    _forget(web.warehouse)
    for number in range(max(load.run for load in loads) + 1):
        for load in loads:
            if load.run == number:
                _land(web.warehouse, load)
        _say(web.warehouse, said[number])
        _run(web)
    grown = _tables(web)
    _run(web, "--full-refresh")
    built = _tables(web)

    assert set(grown) == set(built)
    assert len(built) == 15
    for name in built:
        missing = [row for row in built[name] if row not in grown[name]]
        too_many = [row for row in grown[name] if row not in built[name]]
        note(f"{name}: missing {missing}, too many {too_many}")
        assert grown[name] == built[name], name


def test_a_visit_is_asked_for_silences_until_it_has_been_read(web: Dbt) -> None:
    _forget(web.warehouse)
    event = Event("D1", "D1-0", START, "page_view", None, None, BROWSER, timedelta(seconds=1))
    later = [replace(event, event_id=f"D1-{n}", occurred_at=START + n * timedelta(minutes=20)) for n in range(4)]
    _land(web.warehouse, Load("1790000000.5", 0, later[:2]))
    _run(web)
    _land(web.warehouse, Load("1790000001.5", 1, later[2:]))
    events = ("int_events__loads_numbered", "int_events__deduplicated", "int_events__grouped_into_sessions")
    assert web("run", "--select", *events, variables=VARIABLES).success
    question = "a_visit_has_no_silence_and_an_end"
    asked = ("build", "--select", question)
    assert web(*asked).success
    # half an hour and a millisecond after the one before
    late = "update intermediate.int_events__grouped_into_sessions set occurred_at = %s where event_id = 'D1-2'"
    with web.warehouse.connect() as connection:
        connection.execute(late, (later[1].occurred_at + timedelta(minutes=30, milliseconds=1),))
    for _ in range(2):
        assert not web(*asked).success
    assert web("run", "--select", "int_web_sessions__built", variables=VARIABLES).success
    assert web(*asked).success
    # what `dbt run` has read without asking
    assert not web("test", "--select", question).success


def test_an_event_replayed_from_quarantine_is_in_its_visit(web: Dbt) -> None:
    """Its load was read long ago, and others after it: the replay has to be new to whoever reads new loads."""
    _forget(web.warehouse)
    first, rejected, last = (
        Event(
            "D1", f"D1-{number}", START + number * timedelta(minutes=1), "page_view", None, None, BROWSER, timedelta(0)
        )
        for number in range(3)
    )
    _land(web.warehouse, Load("1790000000.5", 0, [first]))
    _reject(web.warehouse, rejected, "1790000000.5")
    _land(web.warehouse, Load("1790000001.25", 0, [last]))
    _run(web)
    visit = "select session_key, event_count from marts.fct_web_sessions"
    (before,) = web.rows(visit)
    assert before["event_count"] == 2

    (report,) = replay(sources.find("events"), target_of(web.warehouse))

    assert report.landed == 1
    _run(web)
    assert web.rows(visit) == [{"session_key": before["session_key"], "event_count": 3}]


def test_models_follow_the_stream(web: Dbt) -> None:
    """What it did is in the run log once a minute, and not every time."""
    _forget(web.warehouse)
    logged = "select count(*) as n from run_log.invocations"
    (before,) = web.rows(logged)
    folders = [f"--project-dir={PROJECT}", f"--profiles-dir={PROJECT / 'profiles'}"]
    folders += [f"--target-path={web.folder / 'streamed'}", f"--log-path={web.folder / 'logs'}"]
    events = [
        Event("D1", f"D1-{number}", START + timedelta(minutes=number), "page_view", None, None, BROWSER, timedelta(0))
        for number in range(2)
    ]
    with pytest.MonkeyPatch.context() as patch:
        for name, value in web.warehouse.environment().items():
            patch.setenv(name, value)
        reset_adapters()
        models = Models(SELECTION, [*folders, "--target=dev"])
        for number, event in enumerate(events):
            _land(web.warehouse, Load(f"179000000{number}.5", 0, [event]))
            assert follow(models, target_of(web.warehouse), threading.Event(), every=0, once=True)
            assert web.rows("select event_count from marts.fct_web_sessions") == [{"event_count": number + 1}]
    assert web.rows(logged)[0]["n"] == before["n"] + 1


def _reject(warehouse: Warehouse, event: Event, load_id: str) -> None:
    """The event is in quarantine, and counted, as if the contract of that day had refused it."""
    payload = orjson.dumps(event.row(), default=str).decode()
    place = ("events", f"shard-{load_id}")
    with warehouse.connect() as connection:
        connection.execute(
            "insert into raw_events._deliveries (resource, uri, identity, cursor_scope, fetched_count, landed_count,"
            " rejected_count, landed_at, _dlt_load_id) values (%s, %s, '', 'shard', 2, 1, 1, now(), %s)",
            (*place, load_id),
        )
        connection.execute(
            "insert into raw_events._quarantine (quarantine_id, resource, rule, reason, payload, rejected_at,"
            " _source_uri, _source_row, _dlt_load_id) values ('q', %s, 'one_of', '', %s, now(), %s, 2, %s)",
            (place[0], payload, place[1], load_id),
        )
