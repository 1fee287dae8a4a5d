"""The same models through the unmodified Redshift adapter, on the Redshift face: every mart equals its twin."""

import json
import os
from collections import Counter

import pytest
from dbt_common.exceptions import CompilationError
from small_operator import land_all, serving, target_of

from ingestion.privacy.pseudonym import make_key
from ingestion.warehouse import Staging


@pytest.fixture(scope="session")
def standin_template(warehouse_factory, local_s3, tmp_path_factory, make_dbt):
    """The small operator's two mornings, landed through Parquet on S3 and COPY, and built by dbt-redshift."""

    def build(warehouse):
        bucket = local_s3.make_bucket("staging")
        os.environ.update(local_s3.environment)
        try:
            with serving(tmp_path_factory.mktemp("standin") / "data") as operator:
                land_all(warehouse, Staging(bucket.url))
                operator.advance()
                land_all(warehouse, Staging(bucket.url))
        finally:
            for name in local_s3.environment:
                os.environ.pop(name, None)
        # on Redshift no hook makes one
        with target_of(warehouse, Staging(bucket.url)).connect() as connection:
            make_key(connection)
        dbt = make_dbt(warehouse, "standin")
        result = dbt("build")
        assert result.success, dbt.failures(result)

    return warehouse_factory.template("standin", build, redshift=True)


@pytest.fixture(scope="module")
def standin(standin_template, warehouse_factory, make_dbt):
    with warehouse_factory.warehouse(template=standin_template) as warehouse:
        yield make_dbt(warehouse, "standin")


@pytest.fixture(scope="module")
def copy_of_standin(standin_template, warehouse_factory, make_dbt):
    """One that may be written to."""
    with warehouse_factory.warehouse(template=standin_template) as warehouse:
        # late-binding views keep their text, and in it the name of the database that this one is a copy of
        warehouse.execute("drop schema analysts cascade")
        yield make_dbt(warehouse, "standin")


def marts(dbt):
    """Every mart's rows, as sets of pairs of column and value."""
    tables = dbt.rows("select table_name from information_schema.tables where table_schema = 'marts'")
    return {
        table["table_name"]: Counter(
            frozenset(row.items()) for row in dbt.rows(f"select * from marts.{table['table_name']}")
        )
        for table in tables
    }


def test_every_mart_is_equal_to_its_twin_row_for_row(demo, standin):
    dev, redshift = marts(demo), marts(standin)
    assert set(dev) == set(redshift)
    assert sum(count.total() for count in dev.values()) > 1000
    differences = {name: (dev[name] - redshift[name], redshift[name] - dev[name]) for name in dev}
    assert {name: pair for name, pair in differences.items() if any(pair)} == {}


def test_contracts_hold_in_redshifts_catalogue(standin):
    """`varchar(n)` and `numeric(18, 4)` are what Redshift's own views show, not only what Postgres stores."""
    promised = {
        (node.schema, node.name, column.name): column.data_type.replace(" ", "")
        for node in standin.parsed().nodes.values()
        if node.resource_type == "model" and node.config.contract.enforced
        for column in node.columns.values()
    }
    shown = {
        (schema, table, column): data_type + size
        for schema, table, column, data_type, size in standin.warehouse.execute(
            "select table_schema, table_name, column_name, data_type, case"
            " when data_type = 'character varying' then '(' || character_maximum_length || ')'"
            " when data_type = 'numeric' then '(' || numeric_precision || ',' || numeric_scale || ')'"
            " else '' end from svv_columns where table_schema not like 'raw%'"
        )
    }
    assert len(promised) > 100
    wrong = {
        name: (data_type, shown.get(name))
        for name, data_type in promised.items()
        if name in shown
        and data_type.startswith(("varchar", "numeric"))
        and shown[name].replace("character varying", "varchar") != data_type
    }
    assert wrong == {}


def test_a_mart_is_unloaded_as_it_is_built_and_copied_back(copy_of_standin, s3):
    """The hook of every mart, and the macros of both directions: joins, UNLOAD and COPY by the real thing."""
    dbt, execute = copy_of_standin, copy_of_standin.warehouse.execute
    variables = json.dumps({"export_url": f"{s3.url}/marts/"})
    result = dbt("run", "--select", "customer_view", "fct_bills", variables=variables)
    assert result.success, dbt.failures(result)
    unloaded = s3.keys()
    assert {key.split("/")[1] for key in unloaded} == {"customer_view", "fct_bills"}
    execute("create table scratch_bills (like marts.fct_bills)")
    copied = dbt(
        "compile", "--inline", f"{{{{ copy_from_s3('scratch_bills', '{s3.url}/marts/fct_bills/') }}}}"
    ).result.results[0]
    execute(copied.node.compiled_code)
    assert execute("select count(*) from scratch_bills")[0][0] > 0
    assert execute("select * from scratch_bills except select * from marts.fct_bills") == []
    assert execute("select * from marts.fct_bills except select * from scratch_bills") == []


def test_grants_go_to_roles_and_leave_with_the_project(copy_of_standin):
    """Through dbt-redshift: roles are called by their kind, what is granted by hand is taken back by the next build."""
    dbt, execute, granted = copy_of_standin, copy_of_standin.warehouse.execute, "{grants: true}"

    def readers():
        return {
            (relation, role)
            for relation, role in execute(
                "select relation_name, identity_name from svv_relation_privileges"
                " where identity_type = 'role' and privilege_type = 'SELECT'"
                " and namespace_name in ('marts', 'analysts')"
            )
        }

    assert dbt("run-operation", "create_roles", variables=granted).success
    wanted = {
        ("customer_view", "agent"),
        ("analyst_customers", "analyst"),
        ("analyst_customers", "data_scientist"),
    }
    for _ in range(2):
        built = dbt("run", "--select", "customer_view", "analyst_customers", variables=granted)
        assert built.success, dbt.failures(built)
        assert readers() == wanted
        execute("grant select on analysts.analyst_customers to role agent")
    schemas = execute(
        "select namespace_name, identity_name from svv_schema_privileges"
        " where identity_type = 'role' and privilege_type = 'USAGE'"
    )
    assert {tuple(one) for one in schemas} >= {
        ("marts", "agent"),
        ("analysts", "analyst"),
        ("analysts", "data_scientist"),
    }


def test_the_macros_for_s3_refuse_postgres(demo, s3):
    with pytest.raises(CompilationError, match="unload_to_s3 needs Redshift"):
        demo("run", "--select", "fct_bills", variables=json.dumps({"export_url": f"{s3.url}/marts/"}))
