"""What dbt's suite must be told about materialized views in Redshift."""

import pytest
from dbt.tests.adapter.materialized_view.changes import MaterializedViewChanges
from dbt.tests.adapter.materialized_view.files import MY_SEED
from dbt.tests.util import get_model_file, set_model_file

SORTED_VIEW = """
{{ config(materialized='materialized_view', sort_type='compound', sort=['id'], dist='id') }}
select * from {{ ref('my_seed') }}
"""


def relation_type(project, relation):
    """What the adapter finds in the database by this name."""
    with project.adapter.connection_named("__test"):
        found = project.adapter.list_relations_without_caching(relation.without_identifier())
    return next((str(each.type) for each in found if each.identifier == relation.identifier), None)


def described(project, view):
    """`(auto refresh, sort key, distribution)` of a materialized view."""
    refresh = project.run_sql(
        f"select autorefresh from svv_mv_info where schema_name = '{view.schema}' and name = '{view.identifier}'",
        fetch="one",
    )
    keys = project.run_sql(
        f"select sortkey1, diststyle from svv_table_info where schema = '{view.schema}' "
        f"and \"table\" = '{view.identifier}'",
        fetch="one",
    )
    return {"t": True, "f": False}[refresh[0].strip()], keys[0], keys[1]


def change(project, view, *replacements):
    """Write the model anew with parts of its text replaced."""
    model = get_model_file(project, view)
    for old, new in replacements:
        assert old in model
        model = model.replace(old, new)
    set_model_file(project, view, model)


class Basic:
    @staticmethod
    def insert_record(project, table, record):
        project.run_sql(f"insert into {table} (id, value) values ({record[0]}, {record[1]})")

    @staticmethod
    def refresh_materialized_view(project, materialized_view):
        project.run_sql(f"refresh materialized view {materialized_view}")

    @staticmethod
    def query_row_count(project, relation):
        return project.run_sql(f"select count(*) from {relation}", fetch="one")[0]

    query_relation_type = staticmethod(relation_type)


class Changes(MaterializedViewChanges):
    """Auto refresh is altered in place; a new sort key or distribution needs another view."""

    @pytest.fixture(scope="class", autouse=True)
    def seeds(self):
        return {"my_seed.csv": MY_SEED}

    @pytest.fixture(scope="class", autouse=True)
    def models(self):
        return {"my_materialized_view.sql": SORTED_VIEW}

    query_relation_type = staticmethod(relation_type)

    @staticmethod
    def check_start_state(project, materialized_view):
        assert described(project, materialized_view) == (False, "id", "KEY(id)")

    @staticmethod
    def change_config_via_alter(project, materialized_view):
        change(project, materialized_view, ("sort_type='compound'", "sort_type='compound', auto_refresh=True"))

    @staticmethod
    def check_state_alter_change_is_applied(project, materialized_view):
        assert described(project, materialized_view)[0] is True

    @staticmethod
    def change_config_via_replace(project, materialized_view):
        change(project, materialized_view, ("sort=['id']", "sort=['value']"), ("dist='id'", "dist='even'"))

    @staticmethod
    def check_state_replace_change_is_applied(project, materialized_view):
        assert described(project, materialized_view)[1:] == ("value", "EVEN")


ANSWERS = {
    "materialized_view.MaterializedViewBasic": Basic,
    "materialized_view.MaterializedViewChangesApplyMixin": Changes,
    "materialized_view.MaterializedViewChangesContinueMixin": Changes,
    "materialized_view.MaterializedViewChangesFailMixin": Changes,
}
