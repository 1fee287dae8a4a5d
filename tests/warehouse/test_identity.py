"""Who is who: the components of a graph against another way of finding them, and persons over several builds."""

from __future__ import annotations

from dataclasses import dataclass
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
        names = ("+person_identifiers", "+identity_quarantine", "+dim_persons", "+person_changes")
        # of the tests, that the rounds sufficed; the others are run over the small operator's data
        others = ("test_type:unit", "test_type:singular", "test_name:has_unique_key", "test_name:has_no_nulls")
        others += ("test_name:accepted_values", "test_name:has_landed_whole")
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


# ---- persons over several builds; this one writes to the crowd's warehouse, and comes last


def _versions(dbt: Dbt, customers: tuple[str, str]) -> dict[str, list[tuple[str, datetime, datetime | None]]]:
    """Of each customer: the founder of the person, since when and until when."""
    versions: dict[str, list[tuple[str, datetime, datetime | None]]] = {customer: [] for customer in customers}
    for row in dbt.rows("select * from snapshots.person_customers_snapshot order by dbt_valid_from"):
        if row["customer_id"] in versions:
            version = (row["founder_customer_id"], row["dbt_valid_from"], row["dbt_valid_to"])
            versions[row["customer_id"]].append(version)
    return versions


def test_a_merge_and_a_split_are_remembered_and_the_key_comes_back(resolved: Dbt, told: crowd.Crowd) -> None:
    """Two of one name turn out to have one address; then CRM learns that they were born on different days."""
    older, younger = told.strangers

    def learn(number: int, *rows: tuple[str, dict[str, Any]]) -> None:
        with resolved.warehouse.connect() as connection:
            for place, (table, row) in enumerate(rows):
                stamped = {**row, "last_update": f"2026-11-0{number} 00:00:00+00:00"}
                raw_tables.land(connection, "crm", table, [stamped], uri=f"file {number} {place}")
        names = ("int_customers__latest_kept", "int_contact_media__latest_kept", "path:models/intermediate/identity")
        names += ("person_customers_snapshot", "person_customers", "person_changes", "identity_quarantine")
        result = resolved("build", "--select", *names, "--exclude", "resource_type:test", "resource_type:unit_test")
        assert result.success, resolved.failures(result)

    def email(customer: str, address: str) -> tuple[str, dict[str, Any]]:
        medium = {"contact_medium_id": f"{customer}-new", "customer_id": customer, "contact_type": "email"}
        return "contact_media", {**medium, "email_address": address, "valid_from": "2026-11-01 00:00:00+00:00"}

    def born(customer: str, day: str) -> tuple[str, dict[str, Any]]:
        row = {"customer_id": customer, "engaged_party_id": f"P8{customer[2:]}", "given_name": "Åsa", "birth_date": day}
        return "customers", {**row, "family_name": "Öhman", "status": "active", "customer_since": "2026-10-18"}

    first = _versions(resolved, told.strangers)
    assert [[founder for founder, _, _ in first[customer]] for customer in told.strangers] == [[older], [younger]]
    persons = resolved.rows("select customer_id, person_key from marts.person_customers")
    keys = {row["customer_id"]: row["person_key"] for row in persons}
    (before,) = resolved.rows("select count(*) as n from snapshots.person_customers_snapshot")

    learn(1, email(older, "asa@x.example"), email(younger, " Asa@X.example"))
    merged = _versions(resolved, told.strangers)
    assert merged[older] == first[older]
    assert [founder for founder, _, _ in merged[younger]] == [younger, older]
    assert {
        (row["rule_id"], row["person_key"])
        for row in resolved.rows("select * from marts.person_customers")
        if row["customer_id"] in told.strangers
    } == {("email_and_full_name", keys[older])}

    # nothing new is no history, and nobody else's has changed
    assert resolved("snapshot", "--select", "person_customers_snapshot").success
    assert _versions(resolved, told.strangers) == merged
    assert resolved.rows("select count(*) as n from snapshots.person_customers_snapshot") == [{"n": before["n"] + 1}]

    learn(2, born(older, "1951-01-01"), born(younger, "1980-01-01"))
    changes = resolved.rows("select * from marts.person_changes order by changed_at")
    assert [(change["customer_id"], change["change_kind"], change["person_key"]) for change in changes] == [
        (younger, "merged", keys[older]),
        (younger, "split", keys[younger]),
    ]
    history = _versions(resolved, told.strangers)[younger]
    assert [founder for founder, _, _ in history] == [younger, older, younger]
    assert [until for _, _, until in history] == [*(since for _, since, _ in history[1:]), None], "without a gap"
    assert [
        (row["reason"], row["is_held_by_guard"])
        for row in resolved.rows("select * from marts.identity_quarantine")
        if row["customer_id"] == older
    ] == [("conflicting_birth_dates", True)]
