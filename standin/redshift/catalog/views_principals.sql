-- Users, groups and roles, and what they may do.

create table if not exists pg_catalog.rs_system_privilege (
    role name not null,
    privilege text not null,
    primary key (role, privilege)
);

create or replace function pg_catalog.rs_identity_type(identity oid) returns text
language sql stable as $$
    select case when identity = 0 then 'public'
        else (select case when rolcanlogin then 'user' when rolconnlimit = 0 then 'group' else 'role' end
            from pg_roles where oid = identity) end
$$;
create or replace function pg_catalog.rs_identity_name(identity oid) returns text
language sql stable as $$ select case when identity = 0 then 'public' else pg_get_userbyid(identity)::text end $$;

create view pg_catalog.rs_pg_user as
select rolname as usename, oid::int as usesysid, rolcreatedb as usecreatedb, rolsuper or rolcreaterole as usesuper,
    rolsuper as usecatupd, '********'::text as passwd, rolvaliduntil as valuntil, rolconfig as useconfig
from (select rolname, oid, rolcreatedb, rolsuper, rolcreaterole, rolvaliduntil::text as rolvaliduntil, rolconfig, rolcanlogin from pg_roles) as roles
where rolcanlogin;
create view pg_catalog.pg_user_info as
select u.*, case when r.rolconnlimit < 0 then 'UNLIMITED' else r.rolconnlimit::text end as useconnlimit
from rs_pg_user as u join pg_roles as r on r.rolname = u.usename;
create view pg_catalog.svl_user_info as
select usename::text as usename, usesysid, usecreatedb, usesuper, usecatupd, useconnlimit,
    case when usesuper then 'UNRESTRICTED' else 'RESTRICTED' end as syslogaccess, null::timestamp as last_ddl_ts,
    0 as sessiontimeout, null::text as external_user_id
from pg_user_info;
create view pg_catalog.svv_user_info as
select usename as user_name, usesysid as user_id, usecreatedb as createdb, usesuper as superuser, usecatupd as catalog_update,
    useconnlimit as connection_limit, syslogaccess as syslog_access, last_ddl_ts as last_ddl_timestamp,
    sessiontimeout as session_timeout, external_user_id as external_id
from svl_user_info;
create view pg_catalog.rs_pg_group as
select rolname as groname, oid::int as grosysid,
    array(select distinct member::int from pg_auth_members
        where roleid = r.oid and rs_identity_type(member) = 'user' and (inherit_option or set_option) and grantor <> member) as grolist
from pg_roles as r
where not rolcanlogin and rolconnlimit = 0;

create view pg_catalog.svv_roles as
select r.oid::int as role_id, r.rolname::text as role_name, rs_identity_name(coalesce(
        (select member from pg_auth_members where roleid = r.oid and admin_option limit 1), 10)) as role_owner,
    null::text as external_id
from pg_roles as r
where not rolcanlogin and rolconnlimit <> 0 and rolname !~ '^pg_';
create view pg_catalog.svv_user_grants as
select m.member::int as user_id, u.rolname::text as user_name, m.roleid::int as role_id, r.rolname::text as role_name,
    bool_or(m.admin_option) as admin_option
from pg_auth_members as m
join pg_roles as r on r.oid = m.roleid and not r.rolcanlogin and r.rolconnlimit <> 0 and r.rolname !~ '^pg_'
join pg_roles as u on u.oid = m.member and u.rolcanlogin
-- whoever makes a role may grant it in Postgres, and gives it to itself (createrole_self_grant)
where (m.inherit_option or m.set_option) and m.grantor <> m.member
group by m.member, u.rolname, m.roleid, r.rolname;
create view pg_catalog.svv_role_grants as
select distinct m.member::int as role_id, u.rolname::text as role_name, m.roleid::int as granted_role_id,
    r.rolname::text as granted_role_name
from pg_auth_members as m
join pg_roles as r on r.oid = m.roleid and not r.rolcanlogin and r.rolconnlimit <> 0
join pg_roles as u on u.oid = m.member and not u.rolcanlogin and u.rolconnlimit <> 0
where m.inherit_option or m.set_option;

-- One row for a privilege that somebody has on something; what only Postgres can grant is left out.
create or replace function pg_catalog.rs_privileges(privileges aclitem[], out privilege_type text, out identity_id int,
    out identity_name text, out identity_type text, out admin_option boolean, out grantor_name text)
returns setof record
language sql stable as $$
    select p.privilege_type, p.grantee::int, rs_identity_name(p.grantee), rs_identity_type(p.grantee), p.is_grantable,
        rs_identity_name(p.grantor)
    from aclexplode(privileges) as p
    where p.privilege_type not in ('MAINTAIN', 'TRIGGER')
$$;
create view pg_catalog.svv_relation_privileges as
select n.nspname::text as namespace_name, c.relname::text as relation_name, p.privilege_type, p.identity_id, p.identity_name,
    p.identity_type, p.admin_option, 'TABLE'::text as privilege_scope
from pg_class as c join pg_namespace as n on n.oid = c.relnamespace, rs_privileges(c.relacl) as p
where c.relkind in ('r', 'p', 'v', 'm') and n.nspname !~ '^pg_' and n.nspname <> 'information_schema';
create view pg_catalog.svv_column_privileges as
select n.nspname::text as namespace_name, c.relname::text as relation_name, a.attname::text as column_name, p.privilege_type,
    p.identity_id, p.identity_name, p.identity_type
from pg_attribute as a join pg_class as c on c.oid = a.attrelid join pg_namespace as n on n.oid = c.relnamespace,
    rs_privileges(a.attacl) as p
where a.attnum > 0 and not a.attisdropped and n.nspname !~ '^pg_' and n.nspname <> 'information_schema';
create view pg_catalog.svv_schema_privileges as
select n.nspname::text as namespace_name, p.privilege_type, p.identity_id, p.identity_name, p.identity_type, p.admin_option,
    'SCHEMA'::text as privilege_scope
from pg_namespace as n, rs_privileges(n.nspacl) as p
where n.nspname !~ '^pg_' and n.nspname <> 'information_schema';
create view pg_catalog.svv_database_privileges as
select d.datname::text as database_name, p.privilege_type, p.identity_id, p.identity_name, p.identity_type, p.admin_option,
    'DATABASE'::text as privilege_scope
from pg_database as d, rs_privileges(d.datacl) as p
where p.privilege_type <> 'CONNECT';
create view pg_catalog.svv_function_privileges as
select n.nspname::text as namespace_name, f.proname::text as function_name, oidvectortypes(f.proargtypes) as argument_types,
    p.privilege_type, p.identity_id, p.identity_name, p.identity_type, p.admin_option
from pg_proc as f join pg_namespace as n on n.oid = f.pronamespace, rs_privileges(f.proacl) as p
where n.nspname !~ '^pg_' and n.nspname <> 'information_schema';
create view pg_catalog.svv_language_privileges as
select l.lanname::text as language_name, p.privilege_type, p.identity_id, p.identity_name, p.identity_type, p.admin_option
from pg_language as l, rs_privileges(l.lanacl) as p;
create view pg_catalog.svv_default_privileges as
select n.nspname::text as schema_name, case d.defaclobjtype when 'r' then 'RELATION' when 'f' then 'FUNCTION' else 'OTHER' end as object_type,
    d.defaclrole::int as owner_id, rs_identity_name(d.defaclrole) as owner_name, rs_identity_type(d.defaclrole) as owner_type,
    p.privilege_type, p.identity_id as grantee_id, p.identity_name as grantee_name, p.identity_type as grantee_type, p.admin_option
from pg_default_acl as d left join pg_namespace as n on n.oid = d.defaclnamespace, rs_privileges(d.defaclacl) as p;
create view pg_catalog.svv_system_privileges as
select s.privilege as system_privilege, r.oid::int as identity_id, s.role::text as identity_name, 'role'::text as identity_type
from rs_system_privilege as s join pg_roles as r on r.rolname = s.role;

create view pg_catalog.pg_database_info as
select d.oid::int as datid, d.datname, d.datdba::int as datdba, d.encoding, d.datistemplate, d.datallowconn,
    case when d.datconnlimit < 0 then 'UNLIMITED' else d.datconnlimit::text end as datconnlimit
from pg_database as d;

-- System permissions of roles: kept and shown; what they allow is what Postgres allows the role.
create or replace procedure pg_catalog.rs_grant_system(roles text[], privileges text[], granting boolean)
language plpgsql security definer set search_path = pg_catalog as $$
declare
    role text;
begin
    foreach role in array roles loop
        if not exists (select from pg_roles where rolname = role and not rolcanlogin) then
            raise exception 'role "%" does not exist', role using errcode = 'undefined_object';
        end if;
    end loop;
    if granting then
        insert into rs_system_privilege select r, p from unnest(roles) as r, unnest(privileges) as p on conflict do nothing;
    else
        delete from rs_system_privilege as s where s.role::text = any (roles) and s.privilege = any (privileges);
    end if;
end $$;
