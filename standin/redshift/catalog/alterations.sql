-- What ALTER changes of attributes; the names are quoted as SQL quotes them.

create or replace function pg_catalog.rs_owned(name text) returns oid
language plpgsql stable as $$
declare
    relation oid := name::regclass;
begin
    if not pg_has_role((select relowner from pg_class where oid = relation), 'usage') then
        raise exception 'must be owner of relation %', (select relname from pg_class where oid = relation)
            using errcode = 'insufficient_privilege';
    end if;
    return relation;
end $$;

create or replace procedure pg_catalog.rs_store_physical(relation oid, changed jsonb)
language plpgsql security definer set search_path = pg_catalog as $$
begin
    insert into rs_relation (relid) values (relation) on conflict do nothing;
    update rs_relation set
        diststyle = coalesce(changed ->> 'diststyle', diststyle),
        distkey = case when changed ? 'diststyle' then rs_attnum(relation, changed ->> 'distkey') else distkey end,
        sortstyle = case when changed ? 'sortstyle' then nullif(changed ->> 'sortstyle', 'NONE') else sortstyle end,
        sortkeys = case when changed ? 'sortstyle' then rs_attnums(relation, changed -> 'sortkeys') else sortkeys end,
        altered_at = now() at time zone 'UTC'
    where relid = relation;
    insert into rs_column (relid, attnum, encoding)
    select relation, rs_attnum(relation, key), value ->> 'encoding' from jsonb_each(changed -> 'columns')
    on conflict (relid, attnum) do update set encoding = excluded.encoding;
end $$;

create or replace procedure pg_catalog.rs_alter_physical(name text, changed jsonb)
language plpgsql as $$
begin
    call rs_store_physical(rs_owned(name), changed);
end $$;

create or replace procedure pg_catalog.rs_store_refresh(relation oid, automatic boolean)
language sql security definer set search_path = pg_catalog as $$
    update rs_relation set autorefresh = automatic where relid = relation
$$;

create or replace procedure pg_catalog.rs_alter_refresh(name text, automatic boolean)
language plpgsql as $$
begin
    call rs_store_refresh(rs_owned(name), automatic);
end $$;

create or replace procedure pg_catalog.rs_store_key(relation oid, key jsonb)
language plpgsql security definer set search_path = pg_catalog as $$
begin
    call rs_add_key(relation, key);
end $$;

create or replace procedure pg_catalog.rs_alter_add_key(name text, key jsonb)
language plpgsql as $$
begin
    -- the table that a foreign key names is looked up with the caller's search path
    if key ? 'references' then
        key := jsonb_set(key, '{references}', to_jsonb((key ->> 'references')::regclass::oid::text));
    end if;
    call rs_store_key(rs_owned(name), key);
end $$;

create or replace procedure pg_catalog.rs_remove_key(relation oid, key name)
language plpgsql security definer set search_path = pg_catalog as $$
begin
    delete from rs_constraint where conrelid = relation and conname = key;
    if not found then
        raise exception 'constraint "%" of relation "%" does not exist', key, (select relname from pg_class where oid = relation)
            using errcode = 'undefined_object';
    end if;
end $$;

create or replace procedure pg_catalog.rs_alter_drop_key(name text, key name)
language plpgsql as $$
begin
    call rs_remove_key(rs_owned(name), key);
end $$;

-- ALTER COLUMN TYPE: a VARCHAR gets another length, as long as all values fit.
create or replace procedure pg_catalog.rs_alter_length(name text, column_name name, length int)
language plpgsql set standard_conforming_strings = on as $$
declare
    relation oid := rs_owned(name);
    known record;
    longest int;
begin
    select atttypid, attnum, atthasdef into known from pg_attribute
    where attrelid = relation and attname = column_name and attnum > 0 and not attisdropped;
    if not found then
        raise exception 'column "%" of relation "%" does not exist', column_name, (select relname from pg_class where oid = relation)
            using errcode = 'undefined_column';
    end if;
    if known.atttypid <> 'varchar'::regtype then
        raise exception 'ALTER COLUMN TYPE is only supported for columns of type VARCHAR' using errcode = 'feature_not_supported';
    end if;
    if known.atthasdef then
        raise exception 'cannot alter type of column "%" with a default value', column_name using errcode = 'feature_not_supported';
    end if;
    if exists (select from rs_constraint where conrelid = relation and known.attnum = any (conkey)) then
        raise exception 'cannot alter type of column "%" with a UNIQUE, PRIMARY KEY or FOREIGN KEY constraint', column_name
            using errcode = 'feature_not_supported';
    end if;
    if exists (select from rs_column where relid = relation and attnum = known.attnum
            and encoding in ('bytedict', 'runlength', 'text255', 'text32k')) then
        raise exception 'cannot alter type of column "%" with its compression encoding', column_name
            using errcode = 'feature_not_supported';
    end if;
    execute format('select max(octet_length(%I)) from %s', column_name, name) into longest;
    if longest > length then
        raise exception 'cannot alter column "%" to type character varying(%): a value is % bytes long', column_name, length, longest
            using errcode = 'string_data_right_truncation';
    end if;
    execute format('alter table %s alter column %I type varchar(%s)', name, column_name, length);
end $$;

-- ALTER COLUMN TYPE of a VARBYTE.
create or replace procedure pg_catalog.rs_store_bytes(relation oid, changed jsonb)
language plpgsql security definer set search_path = pg_catalog as $$
declare
    described record;
begin
    for described in select key, (value ->> 'bytes')::int as bytes from jsonb_each(changed -> 'columns') loop
        if not exists (select from pg_attribute where attrelid = relation and attname = described.key and atttypid = 'varbyte'::regtype) then
            raise exception 'ALTER COLUMN TYPE cannot change the type of column "%"', described.key using errcode = 'feature_not_supported';
        end if;
        insert into rs_column (relid, attnum, bytes) values (relation, rs_attnum(relation, described.key), described.bytes)
        on conflict (relid, attnum) do update set bytes = excluded.bytes;
    end loop;
end $$;
create or replace procedure pg_catalog.rs_alter_bytes(name text, changed jsonb)
language plpgsql as $$
begin
    call rs_store_bytes(rs_owned(name), changed);
end $$;

-- ALTER TABLE APPEND: the rows of the source move; columns are matched by name.
create or replace procedure pg_catalog.rs_append_table(target text, source text, option text)
language plpgsql set standard_conforming_strings = on as $$
declare
    target_id oid := rs_owned(target);
    source_id oid := rs_owned(source);
    extra text;
    common text;
begin
    if target_id = source_id then
        raise exception 'source and target of ALTER TABLE APPEND must be different tables' using errcode = 'feature_not_supported';
    end if;
    if exists (select from pg_attribute where attrelid in (target_id, source_id) and attidentity = 'a') then
        raise exception 'ALTER TABLE APPEND does not support tables with IDENTITY columns' using errcode = 'feature_not_supported';
    end if;
    select s.attname into extra from pg_attribute as s
    where s.attrelid = source_id and s.attnum > 0 and not s.attisdropped and not exists (
        select from pg_attribute as t where t.attrelid = target_id and t.attname = s.attname and t.attnum > 0
            and not t.attisdropped);
    if extra is not null and option <> 'ignoreextra' then
        raise exception 'source table has column "%", which the target table does not have', extra
            using errcode = 'datatype_mismatch', hint = 'Use IGNOREEXTRA to leave its values behind.';
    end if;
    select t.attname into extra from pg_attribute as t
    where t.attrelid = target_id and t.attnum > 0 and not t.attisdropped and not exists (
        select from pg_attribute as s where s.attrelid = source_id and s.attname = t.attname and s.attnum > 0
            and not s.attisdropped);
    if extra is not null and option <> 'filltarget' then
        raise exception 'target table has column "%", which the source table does not have', extra
            using errcode = 'datatype_mismatch', hint = 'Use FILLTARGET to fill it with its default.';
    end if;
    select t.attname into extra from pg_attribute as t join pg_attribute as s using (attname)
    where t.attrelid = target_id and s.attrelid = source_id and t.attnum > 0
        and (t.atttypid, t.atttypmod) <> (s.atttypid, s.atttypmod);
    if extra is not null then
        raise exception 'column "%" has different types in source and target', extra using errcode = 'datatype_mismatch';
    end if;
    select string_agg(format('%I', t.attname), ', ' order by t.attnum) into common
    from pg_attribute as t join pg_attribute as s using (attname)
    where t.attrelid = target_id and s.attrelid = source_id and t.attnum > 0 and not t.attisdropped;
    execute format('insert into %s (%s) select %s from %s', target, common, common, source);
    execute format('delete from %s', source);
end $$;

-- CREATE OR REPLACE VIEW … WITH NO SCHEMA BINDING: grants stay.
create or replace procedure pg_catalog.rs_replace_view(name text, statement text)
language plpgsql as $$
declare
    relation oid := to_regclass(name);
    privileges aclitem[];
    privilege record;
begin
    if relation is not null then
        if (select relkind from pg_class where oid = relation) <> 'v' then
            raise exception '"%" is not a view', (select relname from pg_class where oid = relation) using errcode = 'wrong_object_type';
        end if;
        select relacl into privileges from pg_class where oid = relation;
        execute format('drop view %s', name);
    end if;
    execute statement;
    for privilege in select * from aclexplode(privileges) where grantee <> grantor loop
        execute format('grant %s on %s to %s', privilege.privilege_type, name,
            case privilege.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(privilege.grantee)) end);
    end loop;
end $$;

-- A materialized view is a view to COMMENT ON.
create or replace procedure pg_catalog.rs_comment_on_view(name text, comment text)
language plpgsql as $$
begin
    execute format('comment on %s %s is %L',
        case (select relkind from pg_class where oid = name::regclass) when 'm' then 'materialized view' else 'view' end, name, comment);
end $$;

create or replace procedure pg_catalog.rs_drop_role(role name, force boolean)
language plpgsql as $$
begin
    if force and exists (select from pg_roles where rolname = role) then
        execute format('drop owned by %I', role);
    end if;
    execute format('drop role %I', role);
end $$;

-- A procedure by its name and the types of its arguments; those of OUT may be left out. Without types the name must be
-- enough. OUT arguments are the last ones here, with a default (dialect/routines.py).
create or replace function pg_catalog.rs_find_procedure(wanted text, types text[]) returns oid
language plpgsql stable as $$
declare
    found oid[];
    numbers oid[] := array(select t::regtype::oid from unnest(types) as t);
    parts text[] := parse_ident(wanted);
begin
    select array_agg(p.oid) into found
    from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace
    where p.prokind = 'p' and p.proname = parts[cardinality(parts)]
        and case when cardinality(parts) > 1 then n.nspname = parts[cardinality(parts) - 1] else pg_function_is_visible(p.oid) end
        and (types is null or array(select unnest(p.proargtypes) order by 1) = array(select unnest(numbers) order by 1)
            or (p.proargtypes::oid[])[0:p.pronargs - p.pronargdefaults - 1] = numbers);
    if found is null then
        raise exception 'procedure %(%) does not exist', wanted, coalesce(array_to_string(types, ', '), '')
            using errcode = 'undefined_function';
    elsif cardinality(found) > 1 then
        raise exception 'procedure name "%" is not unique', wanted using errcode = 'ambiguous_function',
            hint = 'Give the types of its arguments.';
    end if;
    return found[1];
end $$;

create or replace procedure pg_catalog.rs_drop_procedure(wanted text, types text[], if_exists boolean)
language plpgsql as $$
begin
    execute format('drop procedure %s', rs_find_procedure(wanted, types)::regprocedure);
exception when undefined_function then
    if not if_exists then
        raise;
    end if;
    raise notice 'procedure %(%) does not exist, skipping', wanted, array_to_string(types, ', ');
end $$;

-- TRUNCATE in a procedure ends the transaction (dialect/routines.py).
create or replace procedure pg_catalog.rs_truncated()
language plpgsql as $$ begin commit; end $$;

-- A statement of a NONATOMIC procedure is done (dialect/routines.py). Only Postgres knows whether a COMMIT is possible
-- here; in a block with a handler, it says first if the procedure was called in a transaction block.
create or replace procedure pg_catalog.rs_statement_done()
language plpgsql as $$
declare
    ends boolean := false;
begin
    begin
        commit;
    exception when invalid_transaction_termination then
        ends := sqlerrm <> 'invalid transaction termination';
    end;
    if ends then
        commit;
    end if;
end $$;
