"""The catalogue: it installs, renews itself, and its views have the columns that people and programs ask for."""

from __future__ import annotations

import pytest

from standin.errors import StandinError
from standin.redshift.catalog.install import install, installed, version

# as the SQL reference lists them
COLUMNS = {
    "pg_table_def": "schemaname tablename column type encoding distkey sortkey notnull",
    "pg_user_info": "usename usesysid usecreatedb usesuper usecatupd passwd valuntil useconfig useconnlimit",
    "svl_user_info": "usename usesysid usecreatedb usesuper usecatupd useconnlimit syslogaccess last_ddl_ts "
    "sessiontimeout"
    " external_user_id",
    "svv_tables": "table_catalog table_schema table_name table_type remarks",
    "svv_columns": "table_catalog table_schema table_name column_name ordinal_position column_default "
    "is_nullable data_type"
    " character_maximum_length numeric_precision numeric_precision_radix numeric_scale datetime_precision interval_type"
    " interval_precision character_set_catalog character_set_schema character_set_name collation_catalog "
    "collation_schema"
    " collation_name domain_name remarks",
    "svv_all_columns": "database_name schema_name table_name column_name ordinal_position column_default is_nullable"
    " data_type character_maximum_length numeric_precision numeric_scale remarks",
    "svv_redshift_columns": "database_name schema_name table_name column_name ordinal_position data_type column_default"
    " is_nullable encoding distkey sortkey column_acl remarks",
    "svv_all_schemas": "database_name schema_name schema_owner schema_type schema_acl source_database schema_option",
    "svv_redshift_schemas": "database_name schema_name schema_owner schema_type schema_acl schema_option",
    "svv_redshift_databases": "database_name database_owner database_type database_acl database_options"
    " database_isolation_level",
    "svv_table_info": "database schema table_id table encoded diststyle sortkey1 max_varchar sortkey1_enc "
    "sortkey_num size"
    " pct_used empty unsorted stats_off tbl_rows skew_sortkey1 skew_rows estimated_visible_rows risk_event"
    " vacuum_sort_benefit create_time",
    "svv_roles": "role_id role_name role_owner external_id",
    "svv_user_grants": "user_id user_name role_id role_name admin_option",
    "svv_role_grants": "role_id role_name granted_role_id granted_role_name",
    "svv_external_schemas": "esoid eskind schemaname esowner databasename esoptions",
    "svv_external_columns": "redshift_database_name schemaname tablename columnname external_type columnnum part_key"
    " is_nullable",
    "stl_load_errors": "userid slice tbl starttime session query filename line_number colname type col_length position"
    " raw_line raw_field_value err_code err_reason is_partial start_offset copy_job_id",
    "stl_query": "userid query label xid pid database querytxt starttime endtime aborted insert_pristine"
    " concurrency_scaling_status",
    "stv_inflight": "userid slice query label xid pid starttime text suspended insert_pristine "
    "concurrency_scaling_status",
    "stv_recents": "userid status starttime duration user_name db_name query pid",
    "stv_sessions": "starttime process user_name db_name timeout_sec",
    "stl_unload_log": "userid query slice pid path start_time end_time line_count transfer_size file_format",
    "svl_qlog": "userid query xid pid starttime endtime elapsed aborted label substring source_query"
    " concurrency_scaling_status",
    "svl_statementtext": "userid xid pid label starttime endtime sequence type text",
    "sys_query_text": "user_id query_id transaction_id session_id start_time sequence text",
}
# these have more of them than anybody asks for
SOME_COLUMNS = {
    "svv_mv_info": "database_name schema_name user_name name is_stale state autorewrite autorefresh",
    "stv_mv_info": "db_name schema name updated_upto_xid is_stale owner_user_name state autorefresh",
    "svv_relation_privileges": "namespace_name relation_name privilege_type identity_id identity_name identity_type"
    " admin_option",
    "sys_query_history": "user_id query_id query_label transaction_id session_id database_name query_type status"
    " result_cache_hit start_time end_time elapsed_time queue_time execution_time error_message returned_rows"
    " returned_bytes query_text",
    "sys_query_detail": "user_id query_id step_name table_id table_name start_time end_time",
    "sys_load_error_detail": "user_id query_id transaction_id session_id database_name table_id start_time file_name"
    " line_number column_name column_type column_length position error_code error_message",
    "sys_load_history": "user_id query_id transaction_id session_id database_name status table_name start_time end_time"
    " duration data_source file_format loaded_rows loaded_bytes",
    "sys_unload_history": "user_id query_id transaction_id session_id database_name status start_time end_time duration"
    " file_format",
    "pg_class": "relname relnamespace relkind relowner reldiststyle",
    "pg_attribute": "attrelid attname attnum attisdistkey attsortkeyord attencodingtype",
    "stv_tbl_perm": "slice id name rows sorted_rows temp db_id",
    "information_schema.columns": "table_catalog table_schema table_name column_name ordinal_position column_default"
    " is_nullable data_type character_maximum_length numeric_precision numeric_scale datetime_precision udt_name",
}


def test_system_views_have_their_columns(redshift):
    with redshift.psycopg() as connection:
        for view, columns in COLUMNS.items():
            cursor = connection.execute(f"select * from {view} limit 1")
            assert (view, [column.name for column in cursor.description]) == (view, columns.split())
        for view, columns in SOME_COLUMNS.items():
            shown = {column.name for column in connection.execute(f"select * from {view} limit 1").description}
            assert (view, set(columns.split()) - shown) == (view, set())


def test_every_view_of_the_catalogue_can_be_read(redshift):
    with redshift.session() as execute:
        execute("create table t (a int); insert into t values (1)")
        views = execute(
            "select viewname from pg_views where schemaname = 'pg_catalog' and (viewname like 'sv%' or "
            "viewname like 'st%'"
            " or viewname like 'sys%')"
        )
        assert len(views) > 60
        for (view,) in views:
            execute(f"select * from {view}")


def test_sessions_and_their_queries(redshift):
    with redshift.session() as execute:
        (own,) = execute("select pg_backend_pid()")[0]
        assert execute(f"select trim(user_name), trim(db_name) from stv_sessions where process = {own}") == [
            (redshift.user, redshift.database)
        ]
        assert execute(f"select trim(text) from stv_inflight where pid = {own}")[0][0].startswith("select trim(text)")
        assert execute(f"select trim(status) from sys_query_history where session_id = {own}") == [("running",)]
        assert execute("select usename from svl_user_info where usename = current_user") == [(redshift.user,)]


def test_passwords_are_not_shown(redshift):
    with redshift.session() as making, redshift.session() as looking:
        (own,) = making("select pg_backend_pid()")[0]
        user = f"shown_{redshift.database}"
        making(f"create user {user} password 'Abc''defg1' connection limit 3")
        assert looking(f"select trim(query) from stv_recents where pid = {own}") == [
            (f"create user \"{user}\" password '***' connection limit 3",)
        ]
        making(f"drop user {user}")


def test_a_question_about_a_table_does_not_wait_for_who_alters_it(redshift):
    redshift.execute("create table t (a int); insert into t values (1)")
    with redshift.session() as altering, redshift.session() as asking:
        altering("begin; alter table t add column b int")
        asking("set statement_timeout to 10000")
        assert asking("select tbl_rows from svv_table_info where \"table\" = 't'") == [(1,)]
        altering("rollback")


def test_pg_table_def_follows_the_search_path(redshift):
    with redshift.session() as execute:
        execute("create schema s; create table s.hidden (a int)")
        shown = "select count(*) from pg_table_def where tablename = 'hidden'"
        assert execute(shown) == [(0,)]
        execute("set search_path to s, public")
        assert execute(shown) == [(1,)]


def test_nothing_of_our_own_shows_in_listings(redshift):
    with redshift.session() as execute:
        execute("create table t (id int identity(1, 1) primary key)")
        for query in (
            "select relname from pg_class where relnamespace = 'public'::regnamespace",
            "select table_name from svv_tables where table_schema = 'public'",
            "select table_name from information_schema.tables where table_schema = 'public'",
        ):
            assert execute(query) == [("t",)]
        assert execute(
            "select count(*) from pg_proc p, pg_namespace n where n.oid = pronamespace and nspname = 'public'"
        ) == [(0,)]
        assert execute("select count(*) from svv_tables where table_name like 'rs\\\\_%'") == [(0,)]


def test_a_catalogue_of_another_version_is_renewed(redshift, warehouse_factory):
    redshift.execute("create table t (a int) diststyle all; insert into t values (1)")
    with warehouse_factory.server.connect(redshift.database) as connection:
        assert installed(connection) == version()
        connection.execute("update pg_catalog.rs_catalog set version = 'another'")
        install(connection)
        assert installed(connection) == version()
    assert redshift.execute("select diststyle from svv_table_info where \"table\" = 't'") == [("ALL",)]


def test_a_catalogue_that_a_view_stands_on_is_not_renewed(redshift, warehouse_factory):
    redshift.execute("create view v as select table_name from svv_tables")
    with warehouse_factory.server.connect(redshift.database) as connection:
        connection.execute("update pg_catalog.rs_catalog set version = 'another'")
        with pytest.raises(StandinError, match="standin reset"):
            install(connection)
    assert redshift.execute("select count(*) > 0 from v") == [(True,)]


def test_the_table_behind_a_materialized_view_has_columns_of_its_own(redshift):
    with redshift.session() as execute:
        execute("create table t (a int, b varchar(5)); create materialized view m as select a, b from t")
        found = execute(
            "select relname, relkind, attname from pg_class join pg_attribute on attrelid = pg_class.oid "
            "join pg_namespace on pg_namespace.oid = relnamespace "
            "where nspname = 'public' and relname like '%m%' and attnum > 0 order by 1, attnum"
        )
        view = [("m", "v", "a"), ("m", "v", "b")]
        behind = [("mv_tbl__m__0", "r", name) for name in ("a", "b", "table_0_oid", "num_rec")]
        assert found == view + behind
        listed = execute("select tablename from pg_tables where schemaname = 'public' order by 1")
        assert listed == [("mv_tbl__m__0",), ("t",)]
