"""dbt on a real Postgres, without ingestion: raw tables made from the sources' YAML, a small town's worth of rows."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import raw_tables
import small_town
import yaml
from dbt.adapters.factory import reset_adapters
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest

if TYPE_CHECKING:
    from standin.warehouse import Template, Warehouse, WarehouseFactory

PROJECT = Path(__file__).resolve().parents[2]


RUN_BY = ("allow_lost_rows", "as_of_on", "grants")
"""Variables that nothing looks at before it is run; of the others, any may decide what is parsed."""


class Parses:
    """The project, parsed once for each target and its variables, whatever database it is then built in."""

    def __init__(self, folder: Path) -> None:
        """Takes a folder in which all workers find what one has parsed."""
        self._folder = folder
        self._found: dict[tuple[str, str], Manifest] = {}

    def find(self, target: str, variables: str, database: str) -> Manifest:
        """What parsing gives, with the database's name in it. Raises dbt's exception if it fails."""
        deciding = json.dumps({name: one for name, one in yaml.safe_load(variables).items() if name not in RUN_BY})
        if (target, deciding) not in self._found:
            self._found[target, deciding] = self._parse(target, deciding)
        manifest = self._found[target, deciding]
        for node in [*manifest.nodes.values(), *manifest.sources.values(), *manifest.functions.values()]:
            relation = getattr(node, "relation_name", None)
            if relation:
                node.relation_name = relation.replace(f'"{node.database}".', f'"{database}".', 1)
            node.database = database
        return manifest

    def _parse(self, target: str, variables: str) -> Manifest:
        folder = self._folder / hashlib.sha256(f"{target} {variables}".encode()).hexdigest()[:8]
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / "lock").open("w") as lock, pytest.MonkeyPatch.context() as patch:
            # whoever comes second reads in a second what the first has written
            fcntl.flock(lock, fcntl.LOCK_EX)
            for name in [*os.environ]:
                # dbt parses anew when one of them has changed
                if name.startswith(("MAJAKKA_WAREHOUSE_", "MAJAKKA_STANDIN_")):
                    patch.delenv(name)
            parsed = _invoke(None, folder, target, variables, "parse")
        if not parsed.success:
            raise parsed.exception or RuntimeError("the project cannot be parsed")
        assert isinstance(parsed.result, Manifest)
        return parsed.result


def _invoke(manifest: Manifest | None, folder: Path, target: str, variables: str, *words: str) -> dbtRunnerResult:
    options = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT / "profiles"), "--target", target]
    # nobody reads the log, and to write it is a fifth of a build
    options += ["--target-path", str(folder), "--log-level-file", "none", "--vars", variables, "--quiet"]
    reset_adapters()
    return dbtRunner(manifest=manifest).invoke([*words, *options])


@dataclass
class Dbt:
    """Runs dbt in this process against one warehouse, and keeps what it writes out of the project."""

    warehouse: Warehouse
    folder: Path
    parses: Parses
    target: str = "dev"

    def __call__(self, *arguments: str, variables: str = "{}") -> dbtRunnerResult:
        manifest = self.parsed(variables)
        with pytest.MonkeyPatch.context() as patch:
            for name, value in self.warehouse.environment().items():
                patch.setenv(name, value)
            return _invoke(manifest, self.folder / "target", self.target, variables, *arguments)

    def parsed(self, variables: str = "{}") -> Manifest:
        """The project as it is run here."""
        return self.parses.find(self.target, variables, self.warehouse.database)

    def statuses(self, result: dbtRunnerResult) -> dict[str, str]:
        """How each node ended, by its name."""
        assert result.result is not None, result.exception
        return {each.node.name: str(each.status) for each in result.result.results}

    def failures(self, result: dbtRunnerResult) -> list[str]:
        """What did not end well, in words."""
        if result.result is None:
            return [str(result.exception)]
        return [
            f"{each.node.name}: {each.message}"
            for each in result.result
            if str(each.status) in ("error", "fail", "warn")
        ]

    def rows(self, query: str) -> list[dict[str, Any]]:
        """What the query finds, as dicts."""
        from psycopg.rows import dict_row

        # what stands behind a Redshift face is the same database
        warehouse = getattr(self.warehouse, "behind", self.warehouse)
        with warehouse.connect(row_factory=dict_row) as connection:
            return connection.execute(query).fetchall()


@pytest.fixture(scope="session")
def make_dbt(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Callable[..., Dbt]:
    """Makes a `Dbt` for a warehouse, and a target if it is not `dev`; `own_parse` for who changes what was parsed."""
    own = tmp_path_factory.getbasetemp()
    folder = (own if worker_id == "master" else own.parent) / "parses"
    parses = Parses(folder)

    def make(warehouse: Warehouse, target: str = "dev", *, own_parse: bool = False) -> Dbt:
        return Dbt(warehouse, tmp_path_factory.mktemp("dbt"), Parses(folder) if own_parse else parses, target)

    return make


@pytest.fixture(scope="session")
def town(warehouse_factory: WarehouseFactory, make_dbt: Callable[..., Dbt]) -> Template:
    """The small town, landed and built: everything passed, or this fails."""

    def build(warehouse: Warehouse) -> None:
        with warehouse.connect() as connection:
            raw_tables.create_raw(connection, files_landed=True)
            small_town.land(connection)
        # the known answers are those of the whole published files, of which the town has a few lines
        result = make_dbt(warehouse)(
            "build", "--exclude", "path:tests/dbt/singular/files", variables="files_landed: true"
        )
        faults = [f"{each.node.name}: {each.message}" for each in result.result.results if each.failures]
        assert result.success, f"{result.exception} {faults}"

    return warehouse_factory.template("town", build)


@pytest.fixture(scope="module")
def built(town: Template, warehouse_factory: WarehouseFactory, make_dbt: Callable[..., Dbt]) -> Iterator[Dbt]:
    """The built town, to be read."""
    with warehouse_factory.warehouse(template=town) as warehouse:
        yield make_dbt(warehouse)


@pytest.fixture(scope="session")
def demo_template(landed: Template, warehouse_factory: WarehouseFactory, make_dbt: Callable[..., Dbt]) -> Template:
    """The small operator's data, landed over its real protocols and built."""

    def build(warehouse: Warehouse) -> None:
        dbt = make_dbt(warehouse)
        # unit tests know their own rows: the town has run them
        result = dbt("build", "--exclude-resource-type", "unit_test")
        assert result.success, dbt.failures(result)

    return warehouse_factory.template("demo", build, base=landed)


@pytest.fixture(scope="module")
def demo(demo_template: Template, warehouse_factory: WarehouseFactory, make_dbt: Callable[..., Dbt]) -> Iterator[Dbt]:
    """The built data of the small operator, to be read."""
    with warehouse_factory.warehouse(template=demo_template) as warehouse:
        yield make_dbt(warehouse)


@pytest.fixture
def dbt(warehouse: Warehouse, make_dbt: Callable[..., Dbt]) -> Dbt:
    """dbt on the test's own warehouse; mark the test with `warehouse(template="town")` for a built one."""
    return make_dbt(warehouse)
