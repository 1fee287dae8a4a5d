-- Who may see what, and with whom it is shared: row-level security for real, on Postgres' own; datashares and identity
-- providers as what they are on the cluster that declares them, entries in the catalogue.

create table if not exists pg_catalog.rs_rls_policies (
    name text primary key, columns text, alias text, predicate text not null, modified_by text not null,
    modified_at timestamp not null);
create table if not exists pg_catalog.rs_datashares (
    name text primary key, id int generated always as identity, owner text not null, created_at timestamp not null,
    is_public boolean not null);
create table if not exists pg_catalog.rs_datashare_objects (
    share text references pg_catalog.rs_datashares on delete cascade, kind text not null, name text not null,
    include_new boolean, primary key (share, kind, name));
create table if not exists pg_catalog.rs_identity_providers (
    name text primary key, kind text not null, namespace text not null, parameters text, enabled boolean not null);

create or replace procedure pg_catalog.rs_absent(kind text, name text, may_be_absent boolean)
language plpgsql as $$
begin
    if not may_be_absent then
        raise exception '% "%" does not exist', kind, name using errcode = 'undefined_object';
    end if;
    raise info '% "%" does not exist and will be skipped', kind, name;
end $$;

-- row-level security. A policy lives in the table above until it is attached. Several policies must all let a row pass,
-- and who has none sees nothing: so each is restrictive, beside one that lets its grantees in.
create or replace procedure pg_catalog.rs_create_rls_policy(policy text, columns text, alias text, predicate text)
language plpgsql security definer set search_path = pg_catalog as $$
begin
    insert into rs_rls_policies values (policy, columns, alias, predicate, session_user, now());
exception when unique_violation then
    raise exception 'RLS policy "%" already exists', policy using errcode = 'duplicate_object';
end $$;

create or replace function pg_catalog.rs_policies_on(relation regclass) returns setof pg_policy
language sql stable as $$ select * from pg_policy where polrelid = relation and polname like 'rs:%' $$;

create or replace procedure pg_catalog.rs_alter_rls_policy(policy text, new_predicate text)
language plpgsql as $$
declare
    attached record;
begin
    update pg_catalog.rs_rls_policies set predicate = new_predicate, modified_by = session_user, modified_at = now()
    where name = policy;
    if not found then
        call pg_catalog.rs_absent('RLS policy', policy, false);
    end if;
    for attached in select polname, polrelid::regclass as relation from pg_policy
        where split_part(polname, ':', 3) = policy and polname like 'rs:%'
    loop
        execute format('alter policy %I on %s using (%s)', attached.polname, attached.relation, new_predicate);
    end loop;
end $$;

create or replace procedure pg_catalog.rs_drop_rls_policy(policy text, may_be_absent boolean, cascades boolean)
language plpgsql as $$
declare
    attached record;
begin
    if not exists (select from pg_catalog.rs_rls_policies where name = policy) then
        call pg_catalog.rs_absent('RLS policy', policy, may_be_absent);
    end if;
    for attached in select polname, polrelid::regclass as relation from pg_policy
        where split_part(polname, ':', 3) = policy and polname like 'rs:%'
    loop
        if not cascades then
            raise exception 'RLS policy "%" is attached to %', policy, attached.relation
                using errcode = 'dependent_objects_still_exist', hint = 'Use DROP ... CASCADE, or detach it first.';
        end if;
        execute format('drop policy %I on %s', attached.polname, attached.relation);
    end loop;
    delete from pg_catalog.rs_rls_policies where name = policy;
end $$;

create or replace procedure pg_catalog.rs_attach_rls_policy(policy text, relation regclass, grantees text[])
language plpgsql as $$
declare
    predicate text := (select r.predicate from pg_catalog.rs_rls_policies r where r.name = policy);
    grantee text;
    command text;
begin
    if predicate is null then
        call pg_catalog.rs_absent('RLS policy', policy, false);
    end if;
    foreach grantee in array grantees loop
        foreach command in array array['select', 'update', 'delete'] loop
            execute format('create policy %I on %s as restrictive for %s to %s using (%s)',
                format('rs:%s:%s:%s', command, policy, grantee), relation, command,
                case when grantee = 'public' then 'public' else quote_ident(grantee) end, predicate);
            if not exists (select from pg_policy where polrelid = relation and polname = format('all:%s:%s', command, grantee))
            then
                execute format('create policy %I on %s for %s to %s using (true)', format('all:%s:%s', command, grantee),
                    relation, command, case when grantee = 'public' then 'public' else quote_ident(grantee) end);
            end if;
        end loop;
    end loop;
    if not exists (select from pg_policy where polrelid = relation and polname = 'all:insert') then
        execute format('create policy "all:insert" on %s for insert with check (true)', relation);
    end if;
end $$;

create or replace procedure pg_catalog.rs_detach_rls_policy(policy text, relation regclass, grantees text[])
language plpgsql as $$
declare
    grantee text;
    command text;
begin
    foreach grantee in array grantees loop
        if not exists (select from pg_policy where polrelid = relation
            and polname = format('rs:select:%s:%s', policy, grantee))
        then
            raise exception 'RLS policy "%" is not attached to % for %', policy, relation, grantee
                using errcode = 'undefined_object';
        end if;
        foreach command in array array['select', 'update', 'delete'] loop
            execute format('drop policy %I on %s', format('rs:%s:%s:%s', command, policy, grantee), relation);
            if not exists (select from pg_policy where polrelid = relation and polname like format('rs:%s:%%:%s', command, grantee))
            then
                execute format('drop policy if exists %I on %s', format('all:%s:%s', command, grantee), relation);
            end if;
        end loop;
    end loop;
end $$;

create or replace function pg_catalog.rs_show_policies() returns table (
    database_name text, policy_name text, schema_name text, relation_name text, relation_kind text, grantee text,
    grantee_type text)
language sql stable as $$
    select current_database()::text, split_part(p.polname, ':', 3), n.nspname::text, c.relname::text, 'table',
        split_part(p.polname, ':', 4),
        case when split_part(p.polname, ':', 4) = 'public' then 'public'
            when r.rolcanlogin then 'user' else 'role' end
    from pg_policy p join pg_class c on c.oid = p.polrelid join pg_namespace n on n.oid = c.relnamespace
    left join pg_roles r on r.rolname = split_part(p.polname, ':', 4)
    where p.polname like 'rs:select:%'
$$;

-- datashares, as the producer sees them
create or replace procedure pg_catalog.rs_create_datashare(share text, public_access boolean)
language plpgsql security definer set search_path = pg_catalog as $$
begin
    insert into rs_datashares (name, owner, created_at, is_public) values (share, session_user, now(), public_access);
exception when unique_violation then
    raise exception 'Datashare "%" already exists', share using errcode = 'duplicate_object';
end $$;

create or replace procedure pg_catalog.rs_owned_datashare(share text)
language plpgsql as $$
declare
    owned_by text := (select owner from pg_catalog.rs_datashares where name = share);
begin
    if owned_by is null then
        raise exception 'Datashare "%" does not exist', share using errcode = 'undefined_object';
    elsif owned_by <> session_user and not (select rolsuper from pg_catalog.pg_roles where rolname = session_user) then
        raise exception 'must be owner of datashare %', share using errcode = 'insufficient_privilege';
    end if;
end $$;

create or replace procedure pg_catalog.rs_drop_datashare(share text)
language plpgsql security definer set search_path = pg_catalog as $$
begin
    call rs_owned_datashare(share);
    delete from rs_datashares where name = share;
end $$;

create or replace procedure pg_catalog.rs_set_datashare(share text, public_access boolean)
language plpgsql security definer set search_path = pg_catalog as $$
begin
    call rs_owned_datashare(share);
    update rs_datashares set is_public = public_access where name = share;
end $$;

-- `objects` are names; of a kind 'all tables' the names are schemas
create or replace procedure pg_catalog.rs_fill_datashare(share text, added boolean, kind text, objects text[])
language plpgsql security definer set search_path = pg_catalog as $$
declare
    object text;
    listed text[] := objects;
    of_kind text := kind;
begin
    call rs_owned_datashare(share);
    if kind = 'all tables' then
        of_kind := 'table';
        listed := array(select format('%s.%s', n.nspname, c.relname) from pg_class c
            join pg_namespace n on n.oid = c.relnamespace
            where n.nspname = any (objects) and c.relkind in ('r', 'v', 'm') order by 1);
    end if;
    foreach object in array listed loop
        if of_kind = 'schema' and to_regnamespace(object) is null then
            raise exception 'Schema "%" does not exist', object using errcode = 'invalid_schema_name';
        elsif of_kind = 'table' and to_regclass(object) is null then
            raise exception 'relation "%" does not exist', object using errcode = 'undefined_table';
        elsif of_kind = 'table' and added and not exists (select from rs_datashare_objects o
            where o.share = rs_fill_datashare.share and o.kind = 'schema' and o.name = split_part(object, '.', 1))
        then
            raise exception 'Schema "%" must be added to the datashare first', split_part(object, '.', 1)
                using errcode = 'object_not_in_prerequisite_state';
        end if;
        if added then
            insert into rs_datashare_objects values (share, of_kind, object, case when of_kind = 'schema' then false end)
            on conflict do nothing;
        else
            delete from rs_datashare_objects o
            where o.share = rs_fill_datashare.share and o.kind = of_kind and o.name = object;
        end if;
    end loop;
end $$;

create or replace function pg_catalog.rs_desc_datashare(wanted text) returns table (
    producer_account text, producer_namespace text, share_type text, share_name text, object_type text, object_name text,
    include_new boolean)
language plpgsql stable as $$
begin
    if not exists (select from pg_catalog.rs_datashares where name = wanted) then
        raise exception 'Datashare "%" does not exist', wanted using errcode = 'undefined_object';
    end if;
    return query select current_aws_account(), current_namespace(), 'OUTBOUND', o.share, upper(o.kind), o.name, o.include_new
        from pg_catalog.rs_datashare_objects o where o.share = wanted order by o.kind, o.name;
end $$;

create view pg_catalog.svv_datashares as
select id as share_id, name::varchar as share_name, (select oid::int from pg_roles where rolname = owner) as share_owner,
    current_database()::varchar as source_database, null::varchar as consumer_database, 'OUTBOUND'::varchar as share_type,
    created_at as createdate, is_public as is_publicaccessible, null::varchar as share_acl,
    current_aws_account()::varchar as producer_account, current_namespace()::varchar as producer_namespace,
    null::varchar as managed_by
from rs_datashares;
create view pg_catalog.svv_datashare_objects as
select 'OUTBOUND'::varchar as share_type, share::varchar as share_name, kind::varchar as object_type,
    name::varchar as object_name, current_aws_account()::varchar as producer_account,
    current_namespace()::varchar as producer_namespace, include_new
from rs_datashare_objects;
create view pg_catalog.svv_rls_policy as
select current_database()::text as poldb, name as polname, alias as polalias, columns as polatts, predicate as polqual,
    true as polenabled, modified_by as polmodifiedby, modified_at as polmodifiedtime
from rs_rls_policies;
create view pg_catalog.svv_rls_relation as
select current_database()::text as datname, n.nspname::text as relschema, c.relname::text as relname, 'table'::text as relkind,
    c.relrowsecurity as is_rls_on, false as is_rls_datashare_on
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relrowsecurity or exists (select from rs_policies_on(c.oid));
create view pg_catalog.svv_rls_attached_policy as
select schema_name as relschema, relation_name as relname, relation_kind as relkind, policy_name as polname,
    grantee, grantee_type as granteekind, true as is_pol_on, null::text as rls_conjunction_type
from rs_show_policies();
create view pg_catalog.svv_identity_providers as
select row_number() over (order by name)::int as uid, name::text as name, kind as type, null::text as instanceid,
    namespace as namespc, parameters as params, enabled
from rs_identity_providers;

-- identity providers are written down; nobody logs in through them here
create or replace procedure pg_catalog.rs_create_identity_provider(provider text, type text, namespc text, params text)
language plpgsql as $$
begin
    insert into pg_catalog.rs_identity_providers values (provider, type, namespc, params, true);
exception when unique_violation then
    raise exception 'Identity provider "%" already exists', provider using errcode = 'duplicate_object';
end $$;
create or replace procedure pg_catalog.rs_alter_identity_provider(provider text, namespc text, params text, is_enabled boolean)
language plpgsql as $$
begin
    update pg_catalog.rs_identity_providers set namespace = coalesce(namespc, namespace),
        parameters = coalesce(params, parameters), enabled = coalesce(is_enabled, enabled)
    where name = provider;
    if not found then
        call pg_catalog.rs_absent('Identity provider', provider, false);
    end if;
end $$;
create or replace procedure pg_catalog.rs_drop_identity_provider(provider text)
language plpgsql as $$
begin
    delete from pg_catalog.rs_identity_providers where name = provider;
    if not found then
        call pg_catalog.rs_absent('Identity provider', provider, false);
    end if;
end $$;
create or replace function pg_catalog.rs_desc_identity_provider(provider text) returns table (
    uid int, name text, type text, instanceid text, namespc text, params text, enabled boolean)
language plpgsql stable as $$
begin
    if not exists (select from pg_catalog.rs_identity_providers i where i.name = provider) then
        raise exception 'Identity provider "%" does not exist', provider using errcode = 'undefined_object';
    end if;
    return query select v.* from pg_catalog.svv_identity_providers v where v.name = provider;
end $$;

-- nothing is compressed here: the encodings that Redshift chooses for a type when nobody says otherwise
create or replace function pg_catalog.rs_analyze_compression(relation regclass) returns table (
    "Table" text, "Column" text, "Encoding" text, "Est_reduction_pct" numeric(5, 2))
language sql stable as $$
    select c.relname::text, a.attname::text,
        case when a.atttypid in ('bool'::regtype, 'float4'::regtype, 'float8'::regtype) then 'raw'
            when a.atttypid in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype, 'date'::regtype,
                'time'::regtype, 'timetz'::regtype, 'timestamp'::regtype, 'timestamptz'::regtype) then 'az64'
            else 'zstd' end,
        0.00
    from pg_catalog.pg_class c join pg_catalog.pg_attribute a on a.attrelid = c.oid
    where c.oid = relation and a.attnum > 0 and not a.attisdropped order by a.attnum
$$;
