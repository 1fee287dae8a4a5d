"""The plugin's options for Redshift, used as a test suite uses them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from standin.redshift.snapshot import Snapshot, SnapshotObject
from standin.redshift.warehouse import RedshiftWarehouse

SNAPSHOT = Snapshot(
    "prod",
    "1.0",
    (
        SnapshotObject("schema", "raw", "create schema if not exists raw;"),
        SnapshotObject("table", "raw.a", "create table raw.a (id int distkey, more super);"),
        SnapshotObject("table", "raw.b", "create table raw.b (id int);"),
    ),
)


@pytest.mark.warehouse(redshift=True)
def test_a_warehouse_is_redshift_to_every_client(warehouse, tmp_path: Path):
    assert isinstance(warehouse, RedshiftWarehouse)
    assert "Redshift" in warehouse.execute("select version()")[0][0]
    with warehouse.connect() as connection, connection.cursor() as cursor:
        cursor.execute("select current_database()")
        assert cursor.fetchone() == [warehouse.database]
    with warehouse.behind.connect() as connection:
        assert connection.execute("select current_database()").fetchone() == (warehouse.database,)
    assert warehouse.sqlalchemy_url.startswith("redshift+redshift_connector://")
    assert warehouse.dlt_destination().destination_name == "redshift"
    profile = json.loads((warehouse.write_dbt_profiles(tmp_path, "mine") / "profiles.yml").read_text())
    output = profile["mine"]["outputs"]["test"]
    assert (output["type"], output["port"], output["dbname"]) == ("redshift", warehouse.port, warehouse.database)
    assert warehouse.environment()["MAJAKKA_STANDIN_PORT"] == str(warehouse.port)
    assert "password" not in repr(warehouse)


def test_a_plain_warehouse_has_the_same_doors(warehouse, tmp_path: Path):
    assert not isinstance(warehouse, RedshiftWarehouse)
    assert warehouse.sqlalchemy_url.startswith("postgresql+psycopg://")
    assert warehouse.dlt_destination().destination_name == "postgres"
    assert warehouse.dbt_output()["type"] == "postgres"


@pytest.fixture(scope="session")
def filled(warehouse_factory):
    def build(made):
        made.execute("create table facts as select 1 as a")

    return warehouse_factory.template("filled_redshift", build, redshift=True)


@pytest.mark.warehouse(template="filled", superuser_statements=["create schema prepared"])
@pytest.mark.parametrize("number", [1, 2])
def test_a_template_behind_the_face(warehouse, number):
    assert warehouse.execute("select a from facts") == [(1,)]
    assert warehouse.execute("select count(*) from pg_namespace where nspname = 'prepared'") == [(1,)]
    warehouse.execute("delete from facts")


@pytest.mark.warehouse(redshift=True)
def test_unload_and_copy_on_the_local_s3(warehouse, s3):
    with warehouse.session() as run:
        run("create table visits (customer int, pages int)")
        run("create table customers (id int, name varchar(10))")
        run("insert into visits values (1, 3), (1, 4), (2, 5)")
        run("insert into customers values (1, 'x'), (2, 'y')")
        run(
            f"unload ('select name, sum(pages) as pages from visits join customers on customer = id group by 1') "
            f"to '{s3.url}/out/' iam_role default format parquet"
        )
        run("create table loaded (name varchar(10), pages bigint)")
        run(f"copy loaded from '{s3.url}/out/' iam_role default format parquet")
        assert run("select name, pages from loaded order by 1") == [("x", 7), ("y", 5)]


NESTED = """
import pytest

@pytest.mark.warehouse(schema_snapshot=True)
def test_latest(warehouse):
    warehouse.execute("insert into raw.a values (1, json_parse('{}'))")
    assert warehouse.execute("select count(*) from raw.a, raw.b") == [(0,)]

@pytest.mark.warehouse(schema_snapshot=True, env="prod", version="1.0", tables=["raw.b"])
@pytest.mark.parametrize("number", [1, 2])
def test_some(warehouse, number):
    assert warehouse.execute("select table_name from svv_tables where table_schema = 'raw'") == [("b",)]

@pytest.mark.warehouse(schema_snapshot=True, version="9")
def test_absent(warehouse):
    pass

@pytest.mark.warehouse(redshift=True, database="kept")
@pytest.mark.parametrize("number", [1, 2])
def test_kept(warehouse, number):
    warehouse.execute("create table if not exists t (a int)")
    warehouse.execute("insert into t values (1)")
    assert warehouse.execute("select count(*) from t") == [(number,)]

@pytest.fixture(scope="module")
def shared(warehouse_factory):
    with warehouse_factory.warehouse(redshift=True) as made:
        yield made

def test_a_scope_of_one_s_own(shared):
    shared.execute("create table t (a int)")

def test_the_same_scope(shared, warehouse):
    assert shared.execute("select a from t") == []
    with warehouse.connect() as connection:
        assert connection.execute("select to_regclass('t')").fetchone() == (None,)
"""


def test_snapshots_and_kept_databases_in_a_run_of_their_own(nested):
    SNAPSHOT.save(nested.folder / "tests" / "schema_snapshots")
    output = nested.run(NESTED)
    assert "7 passed, 1 error" in output, output
    assert "There is no schema snapshot prod/9" in output
    assert nested.is_clean_within(5), nested.leftovers()
