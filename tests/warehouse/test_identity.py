"""Who is who: the components of a graph against another way of finding them, and persons over several builds."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jinja2
import psycopg
import pytest
import raw_tables
from hypothesis import example, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from conftest import Dbt

    from standin.warehouse import WarehouseFactory

PROJECT = Path(__file__).resolve().parents[2]
ROUNDS = 6

Links = list[tuple[str, str]]


# ---- the macro


@pytest.fixture(scope="module")
def graph(warehouse_factory: WarehouseFactory) -> Iterator[psycopg.Connection[Any]]:
    """A connection with an empty table of links."""
    with warehouse_factory.warehouse() as warehouse, warehouse.connect() as connection:
        connection.execute("create temporary table links (a text, b text)")
        yield connection


def _components(rounds: int) -> str:
    """The query that the macro makes, which needs nothing of dbt's."""
    source = (PROJECT / "macros" / "lib" / "graph" / "connected_components.sql").read_text("utf-8")
    module: Any = jinja2.Environment(autoescape=False).from_string(source).module  # noqa: S701 - SQL, not HTML
    return str(module.connected_components("links", "a", "b", rounds))


def _found(graph: psycopg.Connection[Any], links: Links, rounds: int = ROUNDS) -> dict[str, str]:
    graph.execute("truncate links")
    with graph.cursor().copy("copy links from stdin") as copy:
        for link in links:
            copy.write_row(link)
    rows = graph.execute(_components(rounds)).fetchall()
    assert len({node for node, _ in rows}) == len(rows)
    return dict(rows)


def _true(links: Links) -> dict[str, str]:
    """The same by union and find: every node with the least node of its component."""
    parents = {node: node for link in links for node in link}

    def find(node: str) -> str:
        while parents[node] != node:
            node = parents[node]
        return node

    for left, right in links:
        low, high = sorted((find(left), find(right)))
        parents[high] = low
    return {node: find(node) for node in parents}


@settings(max_examples=80, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 30)).map(lambda link: (f"c{link[0]}", f"c{link[1]}"))))
@example([])
@example([("a", "a")])
@example([("a", "b"), ("b", "a"), ("a", "b"), ("b", "b")])
def test_components_are_those_that_union_and_find_gives(graph: psycopg.Connection[Any], links: Links) -> None:
    assert _found(graph, links) == _true(links)


CHAIN = [f"c{number:02}" for number in range(2 ** (ROUNDS - 1) + 1)]


@settings(max_examples=20, deadline=None)
@given(st.permutations(CHAIN))
@example(CHAIN)
def test_the_rounds_suffice_for_a_chain_of_thirty_two_links(graph: psycopg.Connection[Any], chain: list[str]) -> None:
    links = list(pairwise(chain))
    assert len(links) == 32
    assert set(_found(graph, links).values()) == {"c00"}


def test_rounds_that_do_not_suffice_are_seen(graph: psycopg.Connection[Any]) -> None:
    """Some link then joins two components: what the test `is_converged` looks for."""
    links = list(pairwise(CHAIN))
    found = _found(graph, links, rounds=ROUNDS - 2)
    assert [link for link in links if found[link[0]] != found[link[1]]]


# ---- persons over several builds

CHANGED_BY_CRM = (
    *("stg_crm__customers", "stg_crm__contact_media", "int_customers__latest_kept", "int_contact_media__latest_kept"),
    *("path:models/intermediate/identity", "person_customers_snapshot"),
    *("person_customers", "person_changes", "identity_quarantine"),
)


def _build(dbt: Dbt) -> None:
    result = dbt("build", "--select", *CHANGED_BY_CRM, "--exclude", "resource_type:test", "resource_type:unit_test")
    assert result.success, dbt.failures(result)


def _land(dbt: Dbt, table: str, row: dict[str, Any], number: int) -> None:
    with dbt.warehouse.connect() as connection:
        raw_tables.land(connection, "crm", table, [row], uri=f"file-{number}")


def _versions(dbt: Dbt) -> list[tuple[str, str, datetime, datetime | None]]:
    rows = dbt.rows(
        "select customer_id, founder_customer_id, dbt_valid_from, dbt_valid_to from snapshots.person_customers_snapshot"
        " order by customer_id, dbt_valid_from"
    )
    return [tuple(row.values()) for row in rows]


@pytest.mark.warehouse(template="town")
def test_a_merge_and_a_split_are_remembered_and_the_key_comes_back(dbt: Dbt) -> None:
    """C4 turns out to be C3, under the same address; then CRM learns that they were born on different days."""
    first = _versions(dbt)
    assert [(customer, founder) for customer, founder, _, _ in first] == [
        *(("C1", "C1"), ("C2", "C1"), ("C3", "C3"), ("C4", "C4"))
    ]
    keys = {row["customer_id"]: row["person_key"] for row in dbt.rows("select * from marts.person_customers")}

    named = {"customer_id": "C4", "engaged_party_id": "P4", "given_name": "Äiti", "family_name": "Öberg"}
    named |= {"status": "active", "customer_since": "2020-01-01", "last_update": "2026-11-01 00:00:00+00:00"}
    address = {"contact_medium_id": "M9", "customer_id": "C4", "contact_type": "email", "preferred": True}
    address |= {"email_address": "Gone@X.example", "valid_from": "2026-11-01 00:00:00+00:00"}
    _land(dbt, "customers", named, 11)
    _land(dbt, "contact_media", {**address, "last_update": "2026-11-01 00:00:00+00:00"}, 12)
    _build(dbt)
    merged = _versions(dbt)
    assert [(customer, founder) for customer, founder, _, until in merged if until is None] == [
        *(("C1", "C1"), ("C2", "C1"), ("C3", "C3"), ("C4", "C3"))
    ]
    assert first[:3] == [version for version in merged if version[0] != "C4"]
    assert (
        dbt.rows("select rule_id, confidence from marts.person_customers where customer_id in ('C3', 'C4')")
        == [{"rule_id": "email_and_full_name", "confidence": Decimal("0.9500")}] * 2
    )

    # nothing new is no history
    assert dbt("snapshot", "--select", "person_customers_snapshot").success
    assert _versions(dbt) == merged

    _land(dbt, "customers", {**named, "birth_date": "1980-01-01", "last_update": "2026-11-02 00:00:00+00:00"}, 13)
    born = {**named, "customer_id": "C3", "engaged_party_id": "P3", "birth_date": "1951-01-01"}
    _land(dbt, "customers", {**born, "last_update": "2026-11-02 00:00:00+00:00"}, 14)
    _build(dbt)
    changes = dbt.rows("select * from marts.person_changes order by changed_at")
    assert [(change["customer_id"], change["change_kind"], change["person_key"]) for change in changes] == [
        ("C4", "merged", keys["C3"]),
        ("C4", "split", keys["C4"]),
    ]
    # without a gap: each version begins when the one before it ends
    history = [(since, until) for customer, _, since, until in _versions(dbt) if customer == "C4"]
    assert [until for _, until in history[:-1]] == [since for since, _ in history[1:]]
    assert len(history) == 3
    assert dbt.rows(
        "select reason, is_held_by_guard from marts.identity_quarantine"
        " where customer_id = 'C3' and rule_id = 'email_and_full_name'"
    ) == [{"reason": "conflicting_birth_dates", "is_held_by_guard": True}]
