"""Who is who: the components of a graph against another way of finding them, and persons over several builds."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from itertools import combinations, pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import crowd
import jinja2
import psycopg
import pytest
import raw_tables
from hypothesis import example, given, settings
from hypothesis import strategies as st

from demo.operator.settings import OperatorSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
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


# ---- how well it tells people apart


@dataclass(frozen=True)
class Score:
    """Pairs of customers: taken for one person, of these rightly, and those that are one person."""

    found: int
    right: int
    true: int

    @property
    def precision(self) -> float:
        """The share of the pairs found that are right."""
        return self.right / self.found

    @property
    def recall(self) -> float:
        """The share of the true pairs that were found."""
        return self.right / self.true

    def __str__(self) -> str:
        return (
            f"precision {self.precision:.4f} ({self.right} of {self.found} pairs),"
            f" recall {self.recall:.4f} ({self.right} of {self.true} pairs)"
        )


def _pairs(groups: dict[str, str]) -> set[tuple[str, str]]:
    """Every two who are in one group."""
    members: dict[str, list[str]] = {}
    for name, group in groups.items():
        members.setdefault(group, []).append(name)
    return {pair for group in members.values() for pair in combinations(sorted(group), 2)}


def _score(found: dict[str, str], true: dict[str, str]) -> Score:
    assert set(found) == set(true)
    pairs, true_pairs = _pairs(found), _pairs(true)
    return Score(len(pairs), len(pairs & true_pairs), len(true_pairs))


@pytest.fixture(scope="module")
def told() -> crowd.Crowd:
    """Two thousand people of the operator's, and a few hundred who are hard to tell apart."""
    return crowd.gather(OperatorSettings(customers=2_000, days=14))


@pytest.fixture(scope="module")
def resolved(told: crowd.Crowd, warehouse_factory: WarehouseFactory, make_dbt: Callable[..., Dbt]) -> Iterator[Dbt]:
    """The crowd, landed and resolved."""
    with warehouse_factory.warehouse() as warehouse:
        with warehouse.connect() as connection:
            raw_tables.create_raw(connection)
            told.land(connection)
        dbt = make_dbt(warehouse)
        names = ("+person_identifiers", "+identity_quarantine", "+dim_persons")
        # of the tests, that the rounds sufficed; the others are run over the small operator's data
        others = ("test_type:unit", "test_type:singular", "test_name:has_unique_key", "test_name:has_no_nulls")
        others += ("test_name:accepted_values", "test_name:belongs_to_finished_load")
        result = dbt("build", "--select", *names, "--exclude", *others)
        assert dbt.statuses(result)["is_converged_int_identity__components_ref_int_identity__links_judged_"] == "pass"
        assert result.success, dbt.failures(result)
        yield dbt


def test_precision_and_recall(resolved: Dbt, told: crowd.Crowd, capsys: pytest.CaptureFixture[str]) -> None:
    """Against the operator's truth, and with the look-alikes and the clerks' mistakes, which are much harder."""
    rows = resolved.rows("select customer_id, person_key from marts.person_customers")
    found = {row["customer_id"]: row["person_key"] for row in rows}
    hard = _score(found, told.person_of)
    own = _score(
        {customer: key for customer, key in found.items() if customer in told.operators_own},
        {customer: person for customer, person in told.person_of.items() if customer in told.operators_own},
    )
    with capsys.disabled():
        print(f"\nidentity, {len(told.operators_own):,} customers of the operator: {own}")
        print(f"identity, {len(found):,} customers with look-alikes and mistakes: {hard}")
    assert own.true >= 40
    assert (own.precision, own.recall) == (1, 1)
    assert hard.true >= 250
    assert hard.precision >= 0.99
    assert hard.recall >= 0.95
    # hard enough to have something to say
    assert hard.precision < 1
    assert hard.recall < 1


def test_every_pair_that_was_missed_and_had_a_link_is_in_quarantine(resolved: Dbt, told: crowd.Crowd) -> None:
    rows = resolved.rows("select customer_id, other_customer_id, reason from marts.identity_quarantine")
    held = {(row["customer_id"], row["other_customer_id"]) for row in rows}
    found = resolved.rows("select customer_id, person_key from marts.person_customers")
    missed = _pairs(told.person_of) - _pairs({row["customer_id"]: row["person_key"] for row in found})
    links = resolved.rows("select left_customer_id, right_customer_id from intermediate.int_identity__links_judged")
    linked = {(row["left_customer_id"], row["right_customer_id"]) for row in links}
    assert missed & linked
    assert missed & linked <= held
    assert {row["reason"] for row in rows} >= {
        *("below_confidence", "conflicting_birth_dates", "identifier_of_too_many_customers")
    }


def test_contacts_that_name_nobody_are_attributed(
    resolved: Dbt, told: crowd.Crowd, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = resolved.rows("select * from intermediate.int_identity__contacts_attributed")
    keys: dict[str, set[str]] = {}
    for row in resolved.rows("select customer_id, person_key from marts.person_customers"):
        keys.setdefault(told.person_of[row["customer_id"]], set()).add(row["person_key"])
    assert {row["contact_id"] for row in rows} == set(told.person_of_contact)
    true = {contact: keys.get(person or "", set()) for contact, person in told.person_of_contact.items()}
    attributed = {row["contact_id"]: row["person_key"] for row in rows if row["person_key"]}
    right = sum(key in true[contact] for contact, key in attributed.items())
    known = sum(bool(person) for person in true.values())
    with capsys.disabled():
        print(
            f"\nidentity, {len(rows)} contacts that name nobody:"
            f" precision {right / len(attributed):.4f} ({right} of {len(attributed)} attributed),"
            f" recall {right / known:.4f} ({right} of {known} of persons known)"
        )
    assert right / len(attributed) >= 0.99
    assert right / known >= 0.9
    for row in rows:
        assert row["customer_id"] is None or row["attribution_outcome"] == "one_customer"
    assert {row["attribution_outcome"] for row in rows} >= {"one_customer", "several_customers", "nobody_known"}
