"""Views: bound, late-binding and materialized."""

from __future__ import annotations

from decimal import Decimal

import psycopg
import pytest

COLUMNS = """
    select column_name, column_type, column_index
    from pg_get_late_binding_view_cols()
        cols(table_schema name, table_name name, column_name name, column_type varchar, column_index int)
    where table_name = '{view}' order by column_index
"""


def test_a_late_binding_view_is_made_before_its_table(redshift):
    with redshift.session() as execute:
        execute("create view public.v as select * from public.t with no schema binding")
        with pytest.raises(psycopg.errors.UndefinedTable, match=r'relation "public.t" does not exist'):
            execute("select * from v")
        assert execute(COLUMNS.format(view="v")) == []
        execute("create table t (a int, b varchar(5))")
        assert execute(COLUMNS.format(view="v")) == [("a", "integer", 1), ("b", "character varying(5)", 2)]
        execute("insert into t values (1, 'x')")
        assert execute("select b, a from v where a = 1") == [("x", 1)]


def test_a_late_binding_view_survives_its_table(redshift):
    with redshift.session() as execute:
        execute("create table t (a int, b int); insert into t values (1, 2)")
        execute("create view v as (select a, b + 1 as c from public.t) with no schema binding;")
        execute("create view w as select c from v")
        execute("drop table t")
        with pytest.raises(psycopg.errors.UndefinedTable, match="does not exist"):
            execute("select * from v")
        execute("create table t (a int, b int); insert into t values (5, 6)")
        assert execute("select a, c from v") == [(5, 7)]
        assert execute("select * from w") == [(7,)]


def test_a_late_binding_view_follows_renames_and_new_columns(redshift):
    """dbt puts a table in another's place by renaming both, and drops the old one."""
    with redshift.session() as execute:
        execute("create table t as select 1 as a; create table t_new as select 'x'::varchar(3) as a, 2 as b")
        execute("create view v as select * from public.t with no schema binding; grant select on v to public")
        execute("begin; alter table t rename to t_old; alter table t_new rename to t; commit; drop table t_old cascade")
        assert execute("select a, b from v") == [("x", 2)]
        assert execute(COLUMNS.format(view="v")) == [("a", "character varying(3)", 1), ("b", "integer", 2)]
        execute("alter table t add column c int default 3; alter table t drop column b")
        assert execute("select * from v") == [("x", 3)]
        privileges = execute(
            "select identity_name, privilege_type from svv_relation_privileges where relation_name = 'v'"
        )
        assert ("public", "SELECT") in privileges


def test_views_on_a_late_binding_view_follow_it(redshift):
    """Its columns change with the table; what stands on it gets them, and stays what it was otherwise."""
    with redshift.session() as execute:
        execute("create table t (a varchar(3), d decimal(8,2)); insert into t values ('abc', 1.5)")
        execute("create view v as select a, d from public.t with no schema binding")
        execute(
            "create view bound as select a, d from v; create view more (x, y) as select a, d from bound where d > 1"
        )
        execute("create view late as select x from public.more with no schema binding")
        execute("comment on view bound is 'kept'; grant select on more to public")
        execute("alter table t alter column a type varchar(9)")
        execute("insert into t values ('123456789', 2)")
        for view, column in (("v", "a"), ("bound", "a"), ("more", "x"), ("late", "x")):
            assert execute(f"select max(len({column})) from {view}") == [(9,)]
            length = "select character_maximum_length from svv_columns where table_name = %s and column_name = %s"
            assert execute(length, [view, column]) == [(9,)]
        execute("drop table t; create table t (a int, d decimal(8,2)); insert into t values (7, 2)")
        assert execute("select x + 1, y from more") == [(8, Decimal("2.00"))]
        assert execute("select obj_description('bound'::regclass)") == [("kept",)]
        privileges = "select identity_name from svv_relation_privileges where relation_name = 'more'"
        assert ("public",) in execute(privileges)
        assert execute("show view more")[0][0].startswith("create view more (x, y) as select a, d from bound")
        # what cannot do with the new columns keeps the old ones, and says so when it is read
        execute("drop table t; create table t (d decimal(8,2))")
        with pytest.raises(psycopg.errors.UndefinedColumn):
            execute("select * from bound")


def test_a_late_binding_view_is_replaced_and_dropped(redshift):
    with redshift.session() as execute:
        execute(
            "create table t as select 1 as a, 2 as b; create view v as select a, b from public.t with no schema binding"
        )
        execute("grant select on v to public")
        execute(
            "create or replace view v (x) as with q as (select b from public.t) select b from q with no schema binding"
        )
        assert execute("select * from v") == [(2,)]
        assert execute(
            "select count(*) from svv_relation_privileges where relation_name = 'v' and identity_name = 'public'"
        ) == [(1,)]
        execute("alter table v rename to u")
        assert execute("select x from u") == [(2,)]
        execute("drop view u")
        assert execute("select count(*) from pg_proc where proname like 'rs_reader%'") == [(0,)]


def test_the_text_of_a_late_binding_view_is_kept(redshift):
    with redshift.session() as execute:
        execute("create view v as select nvl(a, 'it''s') as a from public.t with no schema binding")
        text = "create view v as select nvl(a, 'it''s') as a from public.t with no schema binding"
        assert execute("select definition from pg_views where viewname = 'v'") == [(text,)]
        assert execute("show view v") == [(text + ";",)]


def test_a_late_binding_view_names_schemas(redshift):
    with redshift.session() as execute:
        for query in ("select * from t", "select * from public.t join u using (a)"):
            with pytest.raises(psycopg.errors.FeatureNotSupported, match="should be qualified"):
                execute(f"create view v as {query} with no schema binding")
        execute(
            "create view v as with q as (select 1 as a), r as (select extract(year from day) as y from public.t) "
            "select * from q, r where a = y with no schema binding"
        )


def test_a_view_binds_its_table(redshift):
    with redshift.session() as execute:
        execute("create table t as select 1 as a; create view v as select a from t")
        with pytest.raises(psycopg.errors.DependentObjectsStillExist):
            execute("drop table t")
        execute("drop table t cascade")
        with pytest.raises(psycopg.errors.UndefinedTable):
            execute("select * from v")


def test_a_materialized_view_is_a_view_to_clients(redshift):
    with redshift.session() as execute:
        execute("create table t as select 1 as a, 'x'::varchar(3) as b")
        execute(
            "create materialized view m backup no diststyle key distkey (a) sortkey (a, b) auto refresh yes as "
            "select a, b, upper(b) as c from t"
        )
        execute("insert into t values (2, 'y')")
        assert execute("select count(*) from m") == [(1,)]
        execute("refresh materialized view m cascade")
        assert execute("select * from m order by a") == [(1, "x", "X"), (2, "y", "Y")]
        assert execute("select trim(name), autorefresh, is_stale from svv_mv_info") == [("m", "t", "u")]
        assert execute("select table_type from svv_tables where table_name = 'm'") == [("VIEW",)]
        assert execute(
            "select relname, relkind from pg_class where relname like '%m\\\\_\\\\_0' or relname = 'm' order by 1"
        ) == [
            ("m", "v"),
            ("mv_tbl__m__0", "r"),
        ]
        # the keys are the table's, where dbt-redshift looks for them
        assert execute(
            "select attname, attisdistkey, attsortkeyord from pg_attribute as a join pg_class as c on c.oid = attrelid "
            "where relname = 'mv_tbl__m__0' and attnum > 0 order by attnum"
        ) == [("a", True, 1), ("b", False, 2), ("c", False, 0), ("table_0_oid", False, 0), ("num_rec", False, 0)]
        assert execute(
            "select view_definition like 'create materialized view m%' from information_schema.views where "
            "table_name = 'm'"
        ) == [(True,)]
        assert execute("select data_type from svv_columns where table_name = 'm' order by ordinal_position") == [
            ("integer",),
            ("character varying",),
            ("character varying",),
        ]
        assert execute("select diststyle, sortkey1 from svv_table_info where \"table\" = 'm'") == [("KEY(a)", "a")]
        execute("alter materialized view m auto refresh no")
        assert execute("select autorefresh from stv_mv_info") == [("f",)]
        execute("comment on view m is 'kept'")
        execute("alter table t rename to t2; refresh materialized view m; drop materialized view m")


def test_comments(redshift):
    with redshift.session() as execute:
        execute(
            "create table t (a int); create view v as select a from t; "
            "create view l as select a from public.t with no schema binding"
        )
        execute(
            "comment on table t is $x$it's$x$; comment on column t.a is 'b'; comment on view v is 'c'; "
            "comment on view l is 'd'"
        )
        assert execute("select table_name, remarks from svv_tables where remarks is not null order by 1") == [
            ("l", "d"),
            ("t", "it's"),
            ("v", "c"),
        ]
        execute("comment on view v is null")
