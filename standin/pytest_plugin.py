"""A warehouse for each test.

    def test_counts(warehouse):
        with warehouse.connect() as connection: ...

    @pytest.mark.warehouse(superuser_statements=["create extension vector"])
    def test_with_extension(warehouse): ...

    @pytest.fixture(scope="session")
    def landed(warehouse_factory):
        return warehouse_factory.template("landed", build=land_the_demo)   # built once in a run

    @pytest.mark.warehouse(template="landed")
    def test_marts(warehouse): ...                                         # each test has its own copy

One server serves the whole run, the workers of pytest-xdist included. It starts with the first test that needs it and
goes with the run, however that ends. To use another server (and to find its databases there afterwards), give a
superuser's address in `MAJAKKA_TEST_SERVER`.
"""

from __future__ import annotations

import os
import uuid
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

# Everything else of standin is imported where it is needed: this module is loaded by every run, also by those that
# have nothing to do with a warehouse.
if TYPE_CHECKING:
    from collections.abc import Iterator

    from standin.warehouse import Warehouse, WarehouseFactory

SERVER_VARIABLE = "MAJAKKA_TEST_SERVER"
_MARKER_HELP = (
    "warehouse(database=None, superuser_statements=(), template=None): what the `warehouse` fixture gives. database: a "
    "database by this name, made if absent and kept; superuser_statements: run in it first; template: the name of a "
    "session fixture that returns a template."
)
_run_id_key = pytest.StashKey[str]()
_run_folder_key = pytest.StashKey[Path]()


@dataclass(frozen=True)
class MarkerOptions:
    """What `@pytest.mark.warehouse(...)` may say."""

    database: str | None = None
    superuser_statements: tuple[str, ...] = ()
    template: str | None = None


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, and name the run."""
    config.addinivalue_line("markers", _MARKER_HELP)
    worker_input = getattr(config, "workerinput", None)
    if worker_input is not None:
        config.stash[_run_id_key] = worker_input["standin_run_id"]
        config.stash[_run_folder_key] = Path(worker_input["standin_run_folder"])
    else:
        from standin.settings import run_folder

        config.stash[_run_id_key] = uuid.uuid4().hex
        config.stash[_run_folder_key] = run_folder(config.stash[_run_id_key])


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: object) -> None:
    """Tell a worker of pytest-xdist which run it belongs to."""
    # pytest-xdist has no types
    config: pytest.Config = node.config  # type: ignore[attr-defined]
    told: dict[str, str] = node.workerinput  # type: ignore[attr-defined]
    told["standin_run_id"] = config.stash[_run_id_key]
    told["standin_run_folder"] = str(config.stash[_run_folder_key])


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Refuse a marker that says what we do not understand, also on a test that does not use the fixture."""
    _options(item)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Do not end before the server has."""
    run_id = config.stash.get(_run_id_key, None)
    if run_id is None or hasattr(config, "workerinput"):
        return
    if url := os.environ.get(SERVER_VARIABLE):
        from standin.server import Server
        from standin.warehouse import drop_run

        drop_run(Server.from_url(url), run_id)
        return
    folder = config.stash[_run_folder_key]
    if folder.exists():
        from standin.ephemeral import await_gone

        await_gone(folder)


@pytest.fixture(scope="session")
def warehouse_factory(pytestconfig: pytest.Config) -> Iterator[WarehouseFactory]:
    """Makes warehouses and templates (see `standin.warehouse.WarehouseFactory`), for fixtures of a wider scope."""
    from standin.ephemeral import join
    from standin.server import Server
    from standin.settings import Settings
    from standin.warehouse import WarehouseFactory, prepare_foreign_server, prepare_server

    run_id = pytestconfig.stash[_run_id_key]
    worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
    if url := os.environ.get(SERVER_VARIABLE):
        settings = Settings.from_environment()
        server = Server.from_url(url)
        prepare_foreign_server(server, settings)
        factory = WarehouseFactory(server, settings, run_id, worker)
        yield factory
        factory.close()
        return
    settings = Settings()
    membership = join(pytestconfig.stash[_run_folder_key], prepare=lambda server: prepare_server(server, settings))
    try:
        factory = WarehouseFactory(membership.server, settings, run_id, worker)
        yield factory
        factory.close()
    finally:
        membership.leave()


@pytest.fixture
def warehouse(request: pytest.FixtureRequest, warehouse_factory: WarehouseFactory) -> Iterator[Warehouse]:
    """A database of the test's own, dropped afterwards; the marker `warehouse` changes what it is."""
    from standin.warehouse import Template

    options = _options(request.node)
    template = None
    if options.template is not None:
        template = request.getfixturevalue(options.template)
        if not isinstance(template, Template):
            pytest.fail(
                f"the warehouse marker of {request.node.nodeid} names the template {options.template!r}, but that "
                f"fixture returns {template!r}: return what warehouse_factory.template(...) gives",
                pytrace=False,
            )
    with warehouse_factory.warehouse(
        database=options.database, template=template, superuser_statements=options.superuser_statements
    ) as made:
        yield made


def _options(item: pytest.Item) -> MarkerOptions:
    marker = item.get_closest_marker("warehouse")
    if marker is None:
        return MarkerOptions()
    known = [field.name for field in fields(MarkerOptions)]
    problem = None
    statements = marker.kwargs.get("superuser_statements", ())
    unknown = sorted(set(marker.kwargs) - set(known))
    if marker.args:
        problem = f"takes no positional arguments, and got {', '.join(map(repr, marker.args))}"
    elif unknown:
        problem = f"has no option {' and no option '.join(unknown)}; it has {', '.join(known)}"
    elif isinstance(statements, str) or not all(isinstance(statement, str) for statement in statements):
        problem = f"takes superuser_statements as a list of strings, and got {statements!r}"
    else:
        for name in ("database", "template"):
            value = marker.kwargs.get(name)
            if not (value is None or (isinstance(value, str) and value)):
                problem = f"takes {name} as a name, and got {value!r}"
    if problem:
        pytest.fail(f"the warehouse marker of {item.nodeid} {problem}", pytrace=False)
    return MarkerOptions(**{**marker.kwargs, "superuser_statements": tuple(statements)})
