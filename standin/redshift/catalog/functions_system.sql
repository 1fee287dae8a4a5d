-- System information and administration.

create or replace function pg_catalog.version() returns text
language sql immutable parallel safe
return 'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC gcc (GCC) 3.4.2 20041017 (Red Hat 3.4.2-6.fc3), Redshift 1.0.0 (stand-in)';

create or replace function pg_catalog.current_user_id() returns int
language sql stable parallel safe return (select oid::int from pg_catalog.pg_roles where rolname = current_user);
create or replace function pg_catalog.current_namespace() returns text
language sql stable parallel safe return current_schema();
create or replace function pg_catalog.current_aws_account() returns text
language sql stable parallel safe return '000000000000';
create or replace function pg_catalog.current_session_arn() returns text
language sql stable parallel safe return '';
create or replace function pg_catalog.default_iam_role() returns text
language sql stable parallel safe return '';
create or replace function pg_catalog.slice_num() returns int language sql immutable parallel safe return 0;

-- the session's last COPY, UNLOAD and query, from what the gateway writes down (history.sql)
create or replace function pg_catalog.pg_last_copy_count() returns bigint
language sql stable as $$
    select coalesce((select loaded_rows from sys_load_history where session_id = pg_backend_pid()
        order by start_time desc limit 1), 0)
$$;
create or replace function pg_catalog.pg_last_copy_id() returns int
language sql stable as $$
    select coalesce((select query_id::int from sys_load_history where session_id = pg_backend_pid()
        order by start_time desc limit 1), -1)
$$;
create or replace function pg_catalog.pg_last_unload_count() returns bigint
language sql stable as $$
    select coalesce((select sum(line_count)::bigint from stl_unload_log where pid = pg_backend_pid()
        and query = pg_last_unload_id()), 0)
$$;
create or replace function pg_catalog.pg_last_unload_id() returns int
language sql stable as $$
    select coalesce((select query from stl_unload_log where pid = pg_backend_pid() order by start_time desc limit 1), -1)
$$;
create or replace function pg_catalog.pg_last_query_id() returns int
language sql stable as $$
    select coalesce((select query_id::int from rs_sessions where pid = pg_backend_pid()), -1)
$$;
create or replace function pg_catalog.last_user_query_id() returns int
language sql stable as $$ select pg_last_query_id() $$;

-- members of roles and groups
create or replace function pg_catalog.user_is_member_of(user_name text, role_name text) returns boolean
language sql stable strict parallel safe
return case when exists (select from pg_catalog.pg_roles where rolname = lower(role_name))
    then pg_has_role(lower(user_name)::name, lower(role_name)::name, 'member') else false end;
create or replace function pg_catalog.role_is_member_of(role_name text, granted_role_name text) returns boolean
language sql stable strict parallel safe return user_is_member_of(role_name, granted_role_name);
create or replace function pg_catalog.has_assumerole_privilege(user_name text, role_arn text, command text)
returns boolean language sql stable strict parallel safe return true;

create or replace function pg_catalog.pg_get_session_roles(out roleid int, out rolename text) returns setof record
language sql stable as $$
    select oid::int, rolname::text from pg_catalog.pg_roles
    where pg_has_role(current_user, oid, 'member') and rolname <> current_user
$$;
-- no IAM here: nobody was granted a role
create or replace function pg_catalog.pg_get_grantee_by_iam_role(iam_role text) returns setof record
language sql stable strict as $$ select null::text, null::text, null::text where false $$;
create or replace function pg_catalog.pg_get_iam_role_by_user(user_name text) returns setof record
language sql stable strict as $$ select null::text, null::text, null::text where false $$;

-- columns of a relation, as records without names
create or replace function pg_catalog.pg_get_cols(relation text) returns setof record
language sql stable strict as $$
    select n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod)::varchar, a.attnum::int
    from pg_catalog.pg_class c
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
    where c.oid = to_regclass(relation) order by a.attnum
$$;
