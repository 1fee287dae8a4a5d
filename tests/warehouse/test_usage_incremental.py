"""Usage by day: however archives arrive, the table is the one that a build from nothing makes.

Histories are of records that are repeated, rated later, moved to another day, and of archives that are sent again with
other rows or with none, by loads that commit in any order.

MAJAKKA_HISTORIES=60 tries more of them than the few that every test run tries.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import raw_tables
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from psycopg import sql
from psycopg.errors import UniqueViolation

if TYPE_CHECKING:
    from conftest import Dbt

    from standin.warehouse import Warehouse, WarehouseFactory

HISTORIES = int(os.environ.get("MAJAKKA_HISTORIES", "5"))
MODELS = (
    *("int_usage__loads_numbered", "int_usage__days_touched"),
    *("int_usage__summed_to_days", "int_usage__summed_to_months"),
)
START = datetime(2026, 9, 29, 12, 0, tzinfo=UTC)
"""Two days before a month ends: the days of a history are of two months."""


Row = tuple[str, str, datetime, str, int]


@dataclass(frozen=True)
class Load:
    """A load of one archive: the models find it in a run, and its rows take the place of the archive's earlier ones."""

    load_id: str
    run: int
    archive: str
    rows: list[Row]


@st.composite
def _rows(draw: st.DrawFn) -> list[Row]:
    """Versions of few records on few days, so that they meet; a record, as a rule, is of the day of its number."""
    rows = []
    for _ in range(draw(st.integers(0, 8))):
        number = draw(st.integers(0, 9))
        day = number % 4 if draw(st.integers(0, 4)) else draw(st.integers(0, 4))
        product = f"P{number % 3}" if draw(st.integers(0, 5)) else "P9"
        status = draw(st.sampled_from(("received", "rated")))
        rows.append((f"U{number}", product, START + timedelta(days=day), status, draw(st.integers(1, 9))))
    return rows


@st.composite
def _histories(draw: st.DrawFn) -> list[Load]:
    """Loads, in the order in which they commit."""
    count = draw(st.integers(2, 7))
    numbers = draw(st.permutations(range(count)))
    runs = sorted(draw(st.lists(st.integers(0, 3), min_size=count, max_size=count)))
    return [
        Load(f"{1_790_000_000 + number}.5", run, draw(st.sampled_from("abcd")), draw(_rows()))
        for number, run in zip(numbers, runs, strict=True)
    ]


@pytest.fixture(scope="module")
def usage(warehouse_factory: WarehouseFactory, make_dbt: Callable[..., Dbt]) -> Iterator[Dbt]:
    """dbt with what usage by day stands on."""
    with warehouse_factory.warehouse() as warehouse:
        with warehouse.connect() as connection:
            raw_tables.create_raw(connection)
        dbt = make_dbt(warehouse)
        built = dbt("run", "--select", "path:models/staging/usage")
        assert built.success, dbt.failures(built)
        yield dbt


def _begin_anew(warehouse: Warehouse) -> None:
    """Nothing has landed, and nothing is built."""
    with warehouse.connect() as connection:
        connection.execute("truncate raw_usage.usage, raw_usage._deliveries, raw_usage._dlt_loads")
        connection.execute("drop schema if exists intermediate cascade")


def _land(warehouse: Warehouse, load: Load) -> None:
    """As `ingest` does: the archive's earlier rows go, whichever files within it they were in."""
    with warehouse.connect() as connection:
        connection.execute(
            "delete from raw_usage.usage where split_part(_source_uri, '#', 1) = %s", (f"s3://usage/{load.archive}",)
        )
        if load.rows:
            columns = ("usage_id", "product_id", "usage_date", "status", "rated_amount", "usage_type", "is_roaming")
            copy = sql.SQL("copy raw_usage.usage ({}, _source_uri, _source_row, _dlt_load_id) from stdin").format(
                sql.SQL(", ").join(map(sql.Identifier, columns))
            )
            with connection.cursor().copy(copy) as lines:
                for number, row in enumerate(load.rows, start=1):
                    uri = f"s3://usage/{load.archive}#part-{number % 2}"
                    amount = row[4] if row[3] == "rated" else None
                    lines.write_row((*row[:4], amount, "voice", False, uri, number, load.load_id))
        connection.execute(
            "insert into raw_usage._deliveries (resource, uri, identity, fetched_count, landed_count, rejected_count,"
            " landed_at, _dlt_load_id) values ('usage', %s, %s, %s, %s, 0, now(), %s)",
            (f"s3://usage/{load.archive}", load.load_id, len(load.rows), len(load.rows), load.load_id),
        )
        raw_tables.finish_load(connection, "usage", load.load_id)


def _run(dbt: Dbt, *options: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Days and months as a run leaves them."""
    result = dbt("run", "--select", *MODELS, *options)
    assert result.success, dbt.failures(result)
    days = dbt.rows("select * from intermediate.int_usage__summed_to_days order by used_on, product_id")
    months = dbt.rows("select * from intermediate.int_usage__summed_to_months order by month_started_on, product_id")
    return days, months


@settings(
    max_examples=HISTORIES, deadline=None, database=None, suppress_health_check=list(HealthCheck), print_blob=True
)
@given(loads=_histories())
def test_however_archives_arrive_the_days_are_those_of_a_build_from_nothing(usage: Dbt, loads: list[Load]) -> None:
    _begin_anew(usage.warehouse)
    grown: tuple[list[dict[str, Any]], ...] = ()
    for number in range(4):
        for load in loads:
            if load.run == number:
                _land(usage.warehouse, load)
        grown = _run(usage)
    built = _run(usage, "--full-refresh")
    note(f"grown {grown}, built {built}")
    assert grown == built
    days, months = built
    (landed,) = usage.rows("select count(*) as n, count(distinct usage_id) as records from raw_usage.usage")
    assert sum(row["version_count"] for row in days) == landed["n"]
    assert sum(row["usage_count"] for row in days) == landed["records"]
    assert sum(row["usage_count"] for row in months) == landed["records"]


def test_a_row_that_landed_twice_is_found_until_it_has_gone(usage: Dbt) -> None:
    """Only deliveries that have not been read are asked; one that has not passed is not read."""
    _begin_anew(usage.warehouse)
    chosen = ("stg_usage__usage", *MODELS, "--indirect-selection", "cautious", "--exclude-resource-type", "unit_test")
    _land(usage.warehouse, Load("1790000000.5", 0, "a", [("U1", "P1", START, "rated", 1)]))
    assert usage("build", "--select", *chosen).success
    _land(usage.warehouse, Load("1790000001.5", 0, "b", [("U2", "P1", START, "rated", 1)]))
    twice = "insert into raw_usage.usage select * from raw_usage.usage where usage_id = 'U2'"
    with usage.warehouse.connect() as connection:
        connection.execute(twice)
    for _ in range(2):
        result = usage("build", "--select", *chosen)
        statuses = usage.statuses(result)
        assert statuses["int_usage__days_touched"] == statuses["int_usage__summed_to_days"] == "skipped"
        assert any(name.startswith("has_unique_key_stg_usage__usage") and s == "fail" for name, s in statuses.items())
    # `dbt run` reads it without asking; whoever asks afterwards is to hear of it
    assert usage("run", "--select", *MODELS).success
    assert not usage("test", "--select", "stg_usage__usage,test_name:has_unique_key").success


def test_a_key_that_comes_twice_is_found_where_its_unique_index_has_gone(usage: Dbt) -> None:
    """On Postgres a test of a key relies on the index that a model declares: only when the database has it."""
    _begin_anew(usage.warehouse)
    _land(usage.warehouse, Load("1790000000.5", 0, "a", [("U1", "P1", START, "rated", 1)]))
    assert usage("run", "--select", *MODELS).success
    key = ("test", "--select", "int_usage__loads_numbered,test_name:has_unique_key")
    assert usage(*key).success
    again = "insert into intermediate.int_usage__loads_numbered select * from intermediate.int_usage__loads_numbered"
    with pytest.raises(UniqueViolation), usage.warehouse.connect() as connection:
        connection.execute(again)
    (index,) = usage.rows(
        "select indexname from pg_indexes where tablename = 'int_usage__loads_numbered' and indexdef ~ 'UNIQUE'"
    )
    with usage.warehouse.connect() as connection:
        connection.execute(sql.SQL("drop index intermediate.{}").format(sql.Identifier(index["indexname"])))
        connection.execute(again)
    assert not usage(*key).success
    with usage.warehouse.connect() as connection:
        connection.execute("truncate intermediate.int_usage__loads_numbered")
        connection.execute("create unique index on intermediate.int_usage__loads_numbered (load_id)")
        connection.execute("insert into intermediate.int_usage__loads_numbered (load_number) values (1)")
    assert not usage(*key).success
