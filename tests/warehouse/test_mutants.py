"""Do the tests notice? Models are broken in small ways, one at a time, and dbt's own tests are let loose on them.

A plain run takes a few mutants; `make mutants` takes all of what MAJAKKA_MUTANTS_OF names in the environment: folders,
or single models. MAJAKKA_ALL_MUTANTS=5 takes at most five of each model. Each of the three big folders has to catch
nine of ten for itself. Survivors that cannot be caught, or are not worth it, stand in `survivors.yml`, with the reason.
"""

from __future__ import annotations

import os
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml
from mutants import Mutant, mutants

if TYPE_CHECKING:
    from conftest import Dbt
    from dbt.contracts.graph.manifest import Manifest

    from standin.warehouse import Template, WarehouseFactory

PROJECT = Path(__file__).resolve().parents[2]
HOW_MANY = os.environ.get("MAJAKKA_ALL_MUTANTS", "")
FOLDERS = ("marts", "intermediate", "observability")
OF = os.environ.get("MAJAKKA_MUTANTS_OF", "").split() or ["marts"]

CAUGHT, SURVIVED, INVALID = "caught", "survived", "invalid"


@dataclass
class Laboratory:
    """dbt, and the project as it has parsed it; each mutant is a model whose text is exchanged for the while.

    One warehouse for all.
    """

    dbt: Dbt
    manifest: Manifest

    def outcome(self, mutant: Mutant, *, on_data: bool = True) -> str:
        """What becomes of a mutant: `caught`, `survived`, or `invalid` when the engine does not even take it.

        The model's unit tests are asked first. If they are content and `on_data`, the model and all that stand on it
        are built anew, with every test of theirs, and afterwards once more as they were.
        """
        node = self.manifest.nodes[f"model.majakka.{mutant.model}"]
        original = node.raw_code
        node.raw_code = mutant.sql
        is_built = False
        try:
            tested = self._dbt("test", "--select", f"{mutant.model},test_type:unit")
            if tested != SURVIVED or not on_data:
                return tested
            is_built = True
            return self._dbt(
                *("build", "--full-refresh", "--fail-fast", "--select", f"{mutant.model}+"),
                *("--exclude", "test_type:unit"),
            )
        finally:
            node.raw_code = original
            if is_built:
                assert self._dbt("run", "--full-refresh", "--select", f"{mutant.model}+") == SURVIVED

    def _dbt(self, *words: str) -> str:
        done = self.dbt(*words, "--no-write-json")
        if done.success:
            return SURVIVED
        results = list(done.result or ())
        if any(str(result.status) == "fail" for result in results):
            return CAUGHT
        messages = " ".join(str(result.message) for result in results if str(result.status) == "error")
        # a contract that no longer holds, a key that is there twice, a null where none may be: these are checks of ours
        if any(sign in messages for sign in ("contract", "violates", "constraint")):
            return CAUGHT
        return INVALID


@pytest.fixture(scope="session")
def laboratory(
    demo_template: Template,
    warehouse_factory: WarehouseFactory,
    make_dbt: Callable[..., Dbt],
) -> Iterator[Laboratory]:
    """The built demo operator, to be broken."""
    with warehouse_factory.warehouse(template=demo_template) as warehouse:
        dbt = make_dbt(warehouse, own_parse=True)
        yield Laboratory(dbt, dbt.parsed())


def every_mutant(laboratory: Laboratory, asked: str) -> list[Mutant]:
    """Of a folder's models, or of one model; at most so many of each model as were asked for."""
    models = [
        node
        for node in laboratory.manifest.nodes.values()
        if node.resource_type == "model" and asked in {*node.fqn, node.name}
    ]
    assert models, f"neither a folder of models nor a model: {asked}"
    found = []
    for node in sorted(models, key=lambda node: node.name):
        of_model = list(mutants(node.name, node.raw_code))
        most = int(HOW_MANY) if HOW_MANY.isdigit() and HOW_MANY != "1" else len(of_model)
        found += random.Random(node.name).sample(of_model, min(most, len(of_model)))  # noqa: S311 - always the same
    return found


def listed_survivors() -> dict[str, str]:
    """Name of a mutant -> why nothing catches it."""
    found = yaml.safe_load((PROJECT / "tests" / "warehouse" / "survivors.yml").read_text("utf-8"))
    return {name: reason for reason, names in found.items() for name in names}


SQL = """-- inner join, distinct, 30
{{ config(
    pre_hook='{{ forget() }}',
    sort='inner join',
) }}
with

a as (

    select distinct b
    from {{ ref('left join') }}
    where b >= 30 and coalesce(c, 0) <> 1

)
"""


def test_a_model_is_broken_in_one_place_at_a_time() -> None:
    found = {(mutant.operator, mutant.line) for mutant in mutants("m", SQL)}
    where = "where b >= 30 and coalesce(c, 0) <> 1"
    assert found == {
        ("without distinct", "select distinct b"),
        ("> for >=", where),
        ("or for and", where),
        ("one more", where),
        ("= for <>", where),
        ("without coalesce", where),
    }
    changed = [mutant.sql for mutant in mutants("m", SQL) if mutant.operator == "> for >="]
    assert changed == [SQL.replace(">=", ">")]
    names = [mutant.name for mutant in mutants("m", SQL)]
    assert len(names) == len(set(names)) == 8


# Of each some kind: a comparison, a join, an order, a word.
SAMPLE = (
    ("int_bills__with_balance", "< for <="),
    ("int_bills__summed_to_customers", "inner join for left join"),
    ("int_consents__latest_kept", "ascending for descending"),
    ("int_trouble_tickets__summed_to_customers", "another word"),
)


@pytest.mark.parametrize(("model", "operator"), SAMPLE)
def test_a_broken_model_is_noticed(laboratory: Laboratory, model: str, operator: str) -> None:
    node = laboratory.manifest.nodes[f"model.majakka.{model}"]
    mutant = next(mutant for mutant in mutants(model, node.raw_code) if mutant.operator == operator)
    assert laboratory.outcome(mutant, on_data=False) == CAUGHT


def test_survivors_are_listed_with_a_reason(laboratory: Laboratory) -> None:
    """Every listed one is still a mutant of some model, and says why."""
    nodes = [node for node in laboratory.manifest.nodes.values() if node.resource_type == "model"]
    names = {mutant.name for node in nodes for mutant in mutants(node.name, node.raw_code)}
    assert set(listed_survivors()) - names == set()
    assert all(len(reason) > 20 for reason in listed_survivors().values())


if HOW_MANY:

    @pytest.mark.parametrize("asked", OF)
    def test_nine_of_ten_mutants_are_caught(
        laboratory: Laboratory,
        capsys: pytest.CaptureFixture[str],
        asked: str,
    ) -> None:
        outcomes: dict[str, list[Mutant]] = {CAUGHT: [], SURVIVED: [], INVALID: []}
        everything = every_mutant(laboratory, asked)
        for number, mutant in enumerate(everything, start=1):
            outcome = laboratory.outcome(mutant)
            outcomes[outcome].append(mutant)
            with capsys.disabled():
                print(f"{number}/{len(everything)} {outcome}: {mutant.name}", flush=True)
        listed = listed_survivors()
        unlisted = [mutant.name for mutant in outcomes[SURVIVED] if mutant.name not in listed]
        valid = len(outcomes[CAUGHT]) + len(outcomes[SURVIVED])
        share = len(outcomes[CAUGHT]) / valid
        with capsys.disabled():
            print(
                f"\n{asked}: {len(everything)} mutants, {len(outcomes[INVALID])} of them no SQL; "
                f"{len(outcomes[CAUGHT])} of {valid} caught ({share:.1%}), "
                f"{len(outcomes[SURVIVED])} survived, {len(unlisted)} of them not listed:"
            )
            print("\n".join(unlisted))
        # a single model may have little but survivors, each with its reason
        assert asked not in FOLDERS or share >= 0.9
        assert unlisted == []
