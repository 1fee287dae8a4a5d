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

    @pytest.mark.warehouse(redshift=True)
    def test_qualify(warehouse, s3): ...                                   # behind the Redshift face, with a local S3

    @pytest.mark.warehouse(schema_snapshot=True, env="prod", tables=["raw_crm.customer"])
    def test_on_production_schema(warehouse): ...                          # the same, with recorded tables in it

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

    from standin.local_s3 import Bucket, LocalS3
    from standin.redshift.process import Face
    from standin.warehouse import Template, Warehouse, WarehouseFactory

SERVER_VARIABLE = "MAJAKKA_TEST_SERVER"
_MARKER_HELP = (
    "warehouse(database=None, superuser_statements=(), template=None, redshift=False, schema_snapshot=False, "
    'version=None, tables=None, env="prod"): what the `warehouse` fixture gives. database: a database by this name, '
    "made if absent and kept; superuser_statements: run in it first; template: the name of a session fixture that "
    "returns a template; redshift: behind the Redshift face; schema_snapshot: with the tables of a recorded schema, "
    "the latest or of that version, all or those tables, of that environment."
)
_FOLDER_HELP = "where `standin snapshot` has written schema snapshots, relative to the root of the run"
_LISTS = ("superuser_statements", "tables")
_run_id_key = pytest.StashKey[str]()
_run_folder_key = pytest.StashKey[Path]()


@dataclass(frozen=True)
class MarkerOptions:
    """What `@pytest.mark.warehouse(...)` may say."""

    database: str | None = None
    superuser_statements: tuple[str, ...] = ()
    template: str | None = None
    redshift: bool = False
    schema_snapshot: bool = False
    version: str | None = None
    tables: tuple[str, ...] | None = None
    env: str = "prod"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the setting that says where schema snapshots are."""
    parser.addini("schema_snapshots", _FOLDER_HELP, default="tests/schema_snapshots")


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
    options = _options(request.node)
    with warehouse_factory.warehouse(
        database=options.database,
        template=_template(options, request, warehouse_factory),
        superuser_statements=options.superuser_statements,
        redshift=options.redshift,
    ) as made:
        yield made


@pytest.fixture(scope="session")
def redshift_face(warehouse_factory: WarehouseFactory) -> Face:
    """The Redshift face of this process (`.host`, `.port`)."""
    return warehouse_factory.face()


@pytest.fixture(scope="session")
def local_s3(redshift_face: Face) -> Iterator[LocalS3]:
    """A local S3 that the Redshift face reads and writes; it starts with the first test that needs it."""
    from standin.local_s3 import running

    with running() as local:
        redshift_face.set_environment(local.environment)
        yield local


@pytest.fixture
def s3(local_s3: LocalS3) -> Bucket:
    """An empty bucket of the test's own on the local S3."""
    return local_s3.make_bucket(f"bucket-{uuid.uuid4().hex}")


def _template(
    options: MarkerOptions, request: pytest.FixtureRequest, warehouse_factory: WarehouseFactory
) -> Template | None:
    """What the warehouse is to be a copy of, as the marker says."""
    from standin.warehouse import Template

    if options.schema_snapshot:
        from standin.redshift.snapshot import load

        folder = request.config.rootpath / str(request.config.getini("schema_snapshots"))
        snapshot = load(folder, options.env, options.version)
        return warehouse_factory.snapshot_template(
            snapshot if options.tables is None else snapshot.only(options.tables)
        )
    if options.template is None:
        return None
    template = request.getfixturevalue(options.template)
    if not isinstance(template, Template):
        pytest.fail(
            f"the warehouse marker of {request.node.nodeid} names the template {options.template!r}, but that "
            f"fixture returns {template!r}: return what warehouse_factory.template(...) gives",
            pytrace=False,
        )
    return template


def _options(item: pytest.Item) -> MarkerOptions:
    marker = item.get_closest_marker("warehouse")
    if marker is None:
        return MarkerOptions()
    if problem := _problem(marker):
        pytest.fail(f"the warehouse marker of {item.nodeid} {problem}", pytrace=False)
    lists = {name: tuple(marker.kwargs[name]) for name in _LISTS if marker.kwargs.get(name) is not None}
    return MarkerOptions(**{**marker.kwargs, **lists})


def _problem(marker: pytest.Mark) -> str | None:  # noqa: PLR0911 - one for each kind of mistake
    """What is wrong with a marker, to follow its name."""
    told = marker.kwargs
    known = [field.name for field in fields(MarkerOptions)]
    if marker.args:
        return f"takes no positional arguments, and got {', '.join(map(repr, marker.args))}"
    if unknown := sorted(set(told) - set(known)):
        return f"has no option {' and no option '.join(unknown)}; it has {', '.join(known)}"
    for name in _LISTS:
        value = told.get(name)
        if value is not None and (isinstance(value, str) or not all(isinstance(each, str) for each in value)):
            return f"takes {name} as a list of strings, and got {value!r}"
    for name in ("database", "template", "version", "env"):
        value = told.get(name)
        if not (value is None or (isinstance(value, str) and value)):
            return f"takes {name} as a name, and got {value!r}"
    for name in ("redshift", "schema_snapshot"):
        if not isinstance(told.get(name, False), bool):
            return f"takes {name} as True or False, and got {told[name]!r}"
    if told.get("schema_snapshot"):
        return "takes either a template or a schema snapshot" if told.get("template") else None
    if needless := [name for name in ("version", "tables", "env") if name in told]:
        return f"says {' and '.join(needless)} without schema_snapshot=True"
    return None
