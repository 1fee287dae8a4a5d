"""GRANT and REVOKE to users, groups and roles, and where the catalogue shows them."""

from __future__ import annotations

import psycopg
import pytest

from standin.redshift.dialect import Context, DialectError, rewrite


@pytest.fixture
def principals(redshift):
    """A user, a group and a role; they belong to the server, and so go away with the test."""
    name = redshift.database
    names = {kind: f"{kind}_{name}" for kind in ("bob", "readers", "editor")}
    with redshift.session() as execute:
        execute(
            f"create user {names['bob']} password 'Abcdefg1'; create group {names['readers']}; "
            f"create role {names['editor']}"
        )
        yield execute, names["bob"], names["readers"], names["editor"]
        for principal in names.values():
            execute(f"drop role {principal} force")


def test_privileges_on_tables(principals):
    execute, user, group, role = principals
    execute("create table t (a int, b int); create view v as select a from t")
    execute(f"grant select, insert on t to {user}, group {group}, role {role}")
    execute(f"grant select (b), update (b) on table t to {user}")
    assert execute(
        "select identity_type, privilege_type from svv_relation_privileges "
        f"where relation_name = 't' and identity_name in ('{user}', '{group}', '{role}') order by 1, 2"
    ) == [(kind, privilege) for kind in ("group", "role", "user") for privilege in ("INSERT", "SELECT")]
    assert execute(
        f"select column_name, privilege_type from svv_column_privileges where identity_name = '{user}' order by 2"
    ) == [
        ("b", "SELECT"),
        ("b", "UPDATE"),
    ]
    assert execute(
        f"select has_table_privilege('{user}', 't', 'select'), has_table_privilege('{user}', 'v', 'select')"
    ) == [(True, False)]
    execute(f"revoke insert on t from group {group}; revoke all on t from role {role} cascade")
    assert execute(
        f"select identity_type from svv_relation_privileges where identity_name in ('{group}', '{role}')"
    ) == [("group",)]
    execute(f"grant all privileges on all tables in schema public to {user} with grant option")
    assert execute(
        f"select admin_option from svv_relation_privileges where relation_name = 'v' and identity_name = "
        f"'{user}' and privilege_type = 'SELECT'"
    ) == [(True,)]


def test_the_word_of_a_kind_may_be_a_name(principals):
    execute, user, *_ = principals
    execute("create schema rls; create table rls.t (a int); create table model (a int)")
    execute(f"grant select on rls.t to {user}; grant insert on model to {user}")
    assert execute(f"select has_table_privilege('{user}', 'rls.t', 'select')") == [(True,)]
    execute(f"revoke insert on model from {user}")


def test_scoped_permissions_hold_for_what_is_made_later(principals):
    execute, user, _, role = principals
    execute("create schema s; create table s.t (a int)")
    execute(f"grant select, insert for tables in schema s to {user}, role {role}")
    execute("create table s.u (a int)")
    can = f"select has_table_privilege('{user}', 's.t', 'insert'), has_table_privilege('{role}', 's.u', 'select')"
    assert execute(can) == [(True, True)]
    execute(f"revoke all for tables in schema s from {user}; revoke select for tables in schema s from role {role}")
    execute("create table s.v (a int)")
    can = f"select has_table_privilege('{user}', 's.t', 'insert'), has_table_privilege('{role}', 's.v', 'select')"
    assert execute(can) == [(False, False)]


def test_the_metadata_of_dbt_tells_groups_from_roles(principals):
    execute, user, group, role = principals
    execute(
        f"create table t (a int); grant select on t to {user}; grant select on t to group {group}; "
        f"grant delete on t to role {role}"
    )
    shown = execute("show grants on table public.t")
    assert {(row[4], row[6], row[7]) for row in shown} >= {
        ("SELECT", user, "user"),
        ("SELECT", f"/{group}", "role"),
        ("DELETE", role, "role"),
    }
    assert [(row[2], row[4]) for row in execute(f"show grants for role {role}")] == [("t", "DELETE")]
    assert execute(
        "select u.usename from pg_user u where has_table_privilege(u.usename, 'public.t', 'select') "
        "and u.usename != current_user and not u.usesuper"
    ) == [(user,)]


def test_privileges_on_schemas_databases_and_routines(principals):
    execute, user, group, role = principals
    (database,) = execute("select current_database()")[0]
    execute("create schema s; create function s.f(int, varchar(9)) returns int stable as $$ select $1 $$ language sql")
    execute("create procedure s.p(a int) as $$ begin end $$ language plpgsql")
    execute(
        f'grant usage, create on schema "{database}".s to role {role};'
        f" grant create on database {database} to group {group}"
    )
    execute(f"grant execute on function s.f(int, varchar(9)) to {user}; grant execute on procedure s.p(int) to {user}")
    execute(f"grant execute on all functions in schema s to {group}; grant usage on language plpgsql to {user}")
    assert execute(f"select privilege_type from svv_schema_privileges where identity_name = '{role}' order by 1") == [
        ("CREATE",),
        ("USAGE",),
    ]
    assert execute(f"select privilege_type from svv_database_privileges where identity_name = '{group}'") == [
        ("CREATE",)
    ]
    assert execute(
        f"select function_name, argument_types from svv_function_privileges where identity_name = '{user}' order by 1"
    ) == [
        ("f", "integer, character varying"),
        ("p", "integer"),
    ]
    execute(f"revoke usage on schema s from role {role}; revoke create on schema s from role {role}")
    assert execute(f"select count(*) from svv_schema_privileges where identity_name = '{role}'") == [(0,)]


def test_default_privileges_reach_later_tables(principals):
    execute, user, group, role = principals
    execute(
        f"create schema s; alter default privileges in schema s grant select on tables to {user}, group "
        f"{group}, role {role}"
    )
    execute("create table s.later (a int)")
    assert execute(
        f"select count(*) from svv_relation_privileges where relation_name = 'later' and identity_name in "
        f"('{user}', '{group}', '{role}')"
    ) == [(3,)]
    assert execute(
        f"select schema_name, object_type, privilege_type from svv_default_privileges where grantee_name = '{user}'"
    ) == [("s", "RELATION", "SELECT")]
    execute(f"alter default privileges in schema s revoke all on tables from {user}, group {group}, role {role}")


def test_roles_are_granted_to_users_and_roles(principals):
    execute, user, group, role = principals
    execute(f"create role {role}_2; grant role {role} to {user} with admin option; grant role {role} to role {role}_2")
    assert execute(f"select role_name, admin_option from svv_user_grants where user_name = '{user}'") == [(role, True)]
    assert execute(f"select granted_role_name from svv_role_grants where role_name = '{role}_2'") == [(role,)]
    assert (role,) in execute("select role_name from svv_roles")
    execute(f"alter group {group} add user {user}")
    assert execute(f"select usename from pg_group, pg_user where usesysid = any(grolist) and groname = '{group}'") == [
        (user,)
    ]
    execute(f"revoke role {role} from {user}; drop role {role}_2 force")
    assert execute(f"select count(*) from svv_user_grants where user_name = '{user}'") == [(0,)]


def test_system_permissions_of_roles(principals):
    execute, user, _, role = principals
    execute(
        f"grant create table, create or replace view, access system table to role {role}; "
        f"revoke create table from role {role}"
    )
    assert execute(f"select system_privilege from svv_system_privileges where identity_name = '{role}' order by 1") == [
        ("ACCESS SYSTEM TABLE",),
        ("CREATE OR REPLACE VIEW",),
    ]
    with pytest.raises(psycopg.errors.UndefinedObject):
        execute(f"grant vacuum to role {user}")


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("grant drop on t to bob", "The privilege DROP is not supported by the stand-in for Redshift"),
        ("grant maintain on t to bob", 'syntax error at or near "maintain"'),
        ("grant fake_privilege, select on t to bob", 'syntax error at or near "fake_privilege"'),
        ("revoke execute on t from bob", "invalid privilege type EXECUTE for table"),
        ("grant select on schema s to bob", "invalid privilege type SELECT for schema"),
        (
            "grant role sys:monitor to bob",
            "The system-defined role sys:monitor is not supported by the stand-in for Redshift",
        ),
        ("grant assumerole on 'arn:x' to bob for copy", "ASSUMEROLE is not supported by the stand-in for Redshift"),
        (
            "grant usage on datashare d to account '1'",
            "GRANT … ON DATASHARE is not supported by the stand-in for Redshift",
        ),
        (
            "grant usage for schemas in database dev to bob",
            "GRANT … FOR SCHEMAS IN DATABASE DEV is not supported by the stand-in for Redshift",
        ),
        ("grant execute for tables in schema s to bob", "invalid privilege type EXECUTE for table"),
        ("grant role r to group g", "a role cannot be granted to a group"),
        ("grant create table to bob", "system permissions can only be granted to roles"),
        ("grant select on t to group g with grant option", "grant options can only be granted to users and roles"),
        ("grant select on t", "syntax error at end of input"),
    ],
)
def test_what_is_refused(sql, message):
    with pytest.raises(DialectError) as refused:
        rewrite(sql, Context(database="dev"))
    assert refused.value.message == message
