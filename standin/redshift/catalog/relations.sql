-- What Redshift knows of a relation and Postgres does not: distribution, sort keys, encodings, keys that nobody
-- enforces, the text of late-binding and materialized views.
--
-- The dialect sends these attributes with the statement that makes the relation, in a comment at its end,
-- /*rs:<base64 of JSON>:rs*/. An event trigger reads them there and stores them in the statement's transaction. Columns
-- are kept by number, so that a renamed column keeps its part.

create table if not exists pg_catalog.rs_relation (
    relid oid primary key,
    -- 'table', 'view', 'late binding view', 'materialized view'
    kind text not null default 'table',
    -- 'AUTO', 'EVEN', 'ALL', 'KEY'
    diststyle text not null default 'AUTO',
    distkey smallint,
    -- 'AUTO', 'COMPOUND', 'INTERLEAVED'; null: no sort key
    sortstyle text,
    sortkeys smallint[] not null default '{}',
    backup boolean not null default true,
    autorefresh boolean not null default false,
    -- a view's statement as it was written
    definition text,
    -- a late-binding view's query as Postgres runs it, the relations that it names, and the columns that it had last
    query text,
    reads text[],
    columns text[],
    -- the function that runs the query; null while a relation that it names is missing
    reader name,
    created_at timestamp not null default (now() at time zone 'UTC'),
    altered_at timestamp not null default (now() at time zone 'UTC')
);

create table if not exists pg_catalog.rs_column (
    relid oid not null,
    attnum smallint not null,
    encoding text,
    -- of an IDENTITY column
    seed bigint,
    step bigint,
    -- of a VARBYTE column, in bytes
    bytes int,
    case_insensitive boolean not null default false,
    primary key (relid, attnum)
);
-- an IDENTITY column that was not declared NOT NULL, and is so in Postgres
alter table pg_catalog.rs_column add column if not exists nullable boolean not null default false;

-- accepted, shown, never enforced
create table if not exists pg_catalog.rs_constraint (
    oid oid primary key,
    conname name not null,
    conrelid oid not null,
    -- 'p' primary, 'u' unique, 'f' foreign
    contype "char" not null,
    conkey smallint[] not null,
    confrelid oid not null default 0,
    confkey smallint[]
);
create table if not exists pg_catalog.rs_routine (
    oid oid primary key,
    -- the statement as it was written
    definition text not null
);
-- a procedure's arguments as they were written: [{"name": …, "mode": …, "type": …}]
alter table pg_catalog.rs_routine add column if not exists arguments jsonb;
create index if not exists rs_constraint_conrelid on pg_catalog.rs_constraint (conrelid);

-- numbers that no object of Postgres gets
create sequence if not exists pg_catalog.rs_oid as bigint minvalue 4000000000 maxvalue 4294967295 cycle;

create or replace function pg_catalog.rs_attributes(schema name, relation name) returns jsonb
language plpgsql stable set standard_conforming_strings = on as $$
declare
    -- the statement itself; inside a procedure it stands in the call stack
    stack text;
    found text;
    attributes jsonb;
begin
    get diagnostics stack = pg_context;
    for found in
        select match[1] from regexp_matches(stack || coalesce(current_query(), ''), '/\*rs:([A-Za-z0-9+/=]+):rs\*/', 'g')
            as matches(match)
    loop
        attributes := convert_from(decode(found, 'base64'), 'UTF8')::jsonb;
        if attributes ->> 'name' = relation and coalesce(attributes ->> 'schema', schema) = schema then
            return attributes;
        end if;
    end loop;
    return null;
end $$;

create or replace function pg_catalog.rs_attnum(relation oid, column_name text) returns smallint
language plpgsql stable strict as $$
declare
    number smallint;
begin
    select attnum into number from pg_attribute
    where attrelid = relation and attname = column_name and attnum > 0 and not attisdropped;
    if number is null then
        raise exception 'column "%" named in key does not exist', column_name using errcode = 'undefined_column';
    end if;
    return number;
end $$;

create or replace function pg_catalog.rs_attnums(relation oid, column_names jsonb) returns smallint[]
language sql stable as $$
    select coalesce(array_agg(rs_attnum(relation, value) order by ordinality), '{}')
    from jsonb_array_elements_text(column_names) with ordinality
$$;

-- Store what a statement said of the relation that it made.
create or replace procedure pg_catalog.rs_describe(relation oid, attributes jsonb)
language plpgsql as $$
declare
    described record;
    source oid;
    known_reader name := (select reader from rs_relation where relid = relation);
begin
    -- a temporary table's number may come again
    delete from rs_column where relid = relation;
    delete from rs_constraint where conrelid = relation;
    insert into rs_relation as known (relid, kind, diststyle, distkey, sortstyle, sortkeys, backup, autorefresh,
        definition, query, reads)
    select relation, coalesce(attributes ->> 'kind', 'table'), coalesce(attributes ->> 'diststyle', 'AUTO'),
        rs_attnum(relation, attributes ->> 'distkey'), attributes ->> 'sortstyle',
        rs_attnums(relation, attributes -> 'sortkeys'), coalesce((attributes ->> 'backup')::boolean, true),
        coalesce((attributes ->> 'autorefresh')::boolean, false), attributes ->> 'definition', attributes ->> 'query',
        array(select jsonb_array_elements_text(attributes -> 'reads'))
    on conflict (relid) do update set
        kind = excluded.kind, diststyle = excluded.diststyle, distkey = excluded.distkey, sortstyle = excluded.sortstyle,
        sortkeys = excluded.sortkeys, backup = excluded.backup, definition = excluded.definition, query = excluded.query,
        reads = excluded.reads, autorefresh = excluded.autorefresh, reader = null, columns = null,
        altered_at = now() at time zone 'UTC';
    if known_reader is not null then
        -- a late-binding view was replaced by one that is bound
        execute format('drop function pg_catalog.%I()', known_reader);
    end if;
    if attributes is null then
        return;
    end if;
    if attributes ? 'like' then
        source := to_regclass(attributes ->> 'like');
        update rs_relation as made set diststyle = model.diststyle, distkey = model.distkey,
            sortstyle = model.sortstyle, sortkeys = model.sortkeys, backup = model.backup
        from rs_relation as model where made.relid = relation and model.relid = source;
        insert into rs_column (relid, attnum, encoding, bytes, case_insensitive)
        select relation, attnum, encoding, bytes, case_insensitive from rs_column where relid = source;
    end if;
    call rs_describe_columns(relation, attributes -> 'columns');
    for described in select value from jsonb_array_elements(attributes -> 'keys') loop
        call rs_add_key(relation, described.value);
    end loop;
end $$;

create or replace procedure pg_catalog.rs_describe_columns(relation oid, columns jsonb)
language sql as $$
    insert into rs_column (relid, attnum, encoding, seed, step, bytes, case_insensitive, nullable)
    select relation, rs_attnum(relation, key), value ->> 'encoding', (value ->> 'seed')::bigint,
        (value ->> 'step')::bigint, (value ->> 'bytes')::int, coalesce((value ->> 'case_insensitive')::boolean, false),
        coalesce((value ->> 'nullable')::boolean, false)
    from jsonb_each(columns)
    on conflict (relid, attnum) do update set encoding = excluded.encoding, seed = excluded.seed,
        step = excluded.step, bytes = excluded.bytes, case_insensitive = excluded.case_insensitive,
        nullable = excluded.nullable
$$;

-- A key: {"type": "p" | "u" | "f", "name": …, "columns": […], "references": 's.t', "referenced": […]}.
create or replace procedure pg_catalog.rs_add_key(relation oid, key jsonb)
language plpgsql as $$
declare
    own name := (select relname from pg_class where oid = relation);
    other oid := 0;
    numbers smallint[];
    others smallint[];
    chosen name;
begin
    begin
        numbers := rs_attnums(relation, key -> 'columns');
    exception when undefined_column then
        raise exception '%', sqlerrm using errcode = 'undefined_column';
    end;
    if key ->> 'type' = 'p' then
        if exists (select from rs_constraint where conrelid = relation and contype = 'p') then
            raise exception 'multiple primary keys for table "%" are not allowed', own
                using errcode = 'invalid_table_definition';
        end if;
        if exists (select from pg_attribute where attrelid = relation and attnum = any (numbers) and not attnotnull) then
            raise exception 'ALTER TABLE / ADD PRIMARY KEY on a column that is nullable'
                using errcode = 'invalid_table_definition',
                hint = 'Every column of a primary key must be declared NOT NULL.';
        end if;
    end if;
    if key ->> 'type' = 'f' then
        -- raises the usual error for a table that is not there
        -- a number if the caller has looked it up
        other := case when key ->> 'references' ~ '^[0-9]+$' then (key ->> 'references')::oid
            else (key ->> 'references')::regclass end;
        if key ? 'referenced' then
            others := rs_attnums(other, key -> 'referenced');
            if not exists (select from rs_constraint where conrelid = other and contype in ('p', 'u')
                    and conkey @> others and others @> conkey) then
                raise exception 'there is no unique constraint matching given keys for referenced table "%"',
                    (select relname from pg_class where oid = other) using errcode = 'invalid_foreign_key';
            end if;
        else
            select conkey into others from rs_constraint where conrelid = other and contype = 'p';
            if others is null then
                raise exception 'there is no primary key for referenced table "%"',
                    (select relname from pg_class where oid = other) using errcode = 'undefined_object';
            end if;
        end if;
        if cardinality(others) <> cardinality(numbers) then
            raise exception 'number of referencing and referenced columns for foreign key disagree'
                using errcode = 'invalid_foreign_key';
        end if;
    end if;
    chosen := coalesce(key ->> 'name', case when key ->> 'type' = 'p' then own || '_pkey' else own || '_' || array_to_string(
        array(select jsonb_array_elements_text(key -> 'columns')), '_') || case key ->> 'type' when 'u' then '_key' else '_fkey' end end);
    if exists (select from rs_constraint where conrelid = relation and conname = chosen) then
        if key ? 'name' then
            raise exception 'constraint "%" for relation "%" already exists', chosen, own using errcode = 'duplicate_object';
        end if;
        chosen := chosen || '_' || (select count(*) from rs_constraint where conrelid = relation);
    end if;
    insert into rs_constraint
    values (nextval('rs_oid')::oid, chosen, relation, (key ->> 'type')::"char", numbers, other, others);
end $$;

-- CREATE TABLE AS makes text columns where an expression has no declared length: VARCHAR(65535) is what Redshift has.
-- text and varchar, and bytea and varbyte, are stored alike, so the catalogue entry is all there is to change.
create or replace procedure pg_catalog.rs_name_types(relation oid)
language sql set allow_system_table_mods = on as $$
    update pg_attribute set
        atttypid = case atttypid when 'bytea'::regtype then 'varbyte'::regtype else 'varchar'::regtype end,
        atttypmod = case atttypid when 'bytea'::regtype then -1 else 65535 + 4 end
    where attrelid = relation and attnum > 0 and not attisdropped and (
        atttypid in ('text'::regtype, 'bytea'::regtype) or atttypid = 'varchar'::regtype and atttypmod = -1)
$$;

-- A SUPER column has a modifier, for the sake of what is put into it (super_type.sql).
create or replace procedure pg_catalog.rs_mark_super(relation oid)
language sql set allow_system_table_mods = on as $$
    update pg_attribute set atttypmod = 0
    where attrelid = relation and attnum > 0 and atttypid = 'super'::regtype and atttypmod = -1
$$;

create or replace function pg_catalog.rs_on_definition() returns event_trigger
language plpgsql security definer set standard_conforming_strings = on as $$
declare
    command record;
    relation record;
    attributes jsonb;
begin
    for command in
        select objid, command_tag, object_type from pg_event_trigger_ddl_commands()
        where classid = 'pg_class'::regclass and object_type in ('table', 'view', 'materialized view')
    loop
        select relname, nspname into relation
        from pg_class join pg_namespace on pg_namespace.oid = relnamespace where pg_class.oid = command.objid;
        continue when not found or relation.nspname = 'pg_catalog';
        attributes := rs_attributes(relation.nspname, relation.relname);
        if command.object_type = 'table' then
            call rs_mark_super(command.objid);
        end if;
        if command.command_tag like 'ALTER %' then
            update rs_relation set altered_at = now() at time zone 'UTC' where relid = command.objid;
            call rs_describe_columns(command.objid, attributes -> 'columns');
        else
            if command.command_tag in ('CREATE TABLE AS', 'SELECT INTO') then
                call rs_name_types(command.objid);
            end if;
            call rs_describe(command.objid, attributes);
            if attributes ->> 'kind' = 'late binding view' then
                call rs_bind(command.objid);
            end if;
        end if;
        call rs_bind_readers(relation.nspname, relation.relname);
    end loop;
    if tg_tag in ('CREATE FUNCTION', 'CREATE PROCEDURE') then
        for command in
            select pg_proc.oid, nspname, proname from pg_event_trigger_ddl_commands() as made
            join pg_proc on pg_proc.oid = objid join pg_namespace on pg_namespace.oid = pronamespace
            where made.classid = 'pg_proc'::regclass
        loop
            attributes := rs_attributes(command.nspname, command.proname);
            if attributes ? 'definition' then
                insert into rs_routine (oid, definition, arguments)
                values (command.oid, attributes ->> 'definition', attributes -> 'arguments')
                on conflict (oid) do update set definition = excluded.definition, arguments = excluded.arguments;
            end if;
        end loop;
    end if;
    if tg_tag like '%SCHEMA' or tg_tag = 'CREATE FUNCTION' then
        call rs_bind_readers(null, null);
    end if;
end $$;

create or replace function pg_catalog.rs_on_drop() returns event_trigger
language plpgsql security definer set search_path = pg_catalog set standard_conforming_strings = on as $$
declare
    gone oid[] := array(select objid from pg_event_trigger_dropped_objects()
        where classid = 'pg_class'::regclass and objsubid = 0);
    dropped record;
    reader text;
    stack text;
begin
    for dropped in
        select objid, objsubid from pg_event_trigger_dropped_objects()
        where classid = 'pg_class'::regclass and objsubid > 0 and not objid = any (gone)
    loop
        if exists (select from rs_relation where relid = dropped.objid and distkey = dropped.objsubid) then
            raise exception 'cannot drop distkey column of relation "%"', (select relname from pg_class where oid = dropped.objid)
                using errcode = 'feature_not_supported', hint = 'Choose another distribution first: ALTER TABLE … ALTER DISTSTYLE EVEN.';
        end if;
        if exists (select from rs_relation where relid = dropped.objid and dropped.objsubid = any (sortkeys)) then
            raise exception 'cannot drop sortkey column of relation "%"', (select relname from pg_class where oid = dropped.objid)
                using errcode = 'feature_not_supported', hint = 'Drop the sort key first: ALTER TABLE … ALTER SORTKEY NONE.';
        end if;
        delete from rs_column where relid = dropped.objid and attnum = dropped.objsubid;
        delete from rs_constraint where conrelid = dropped.objid and dropped.objsubid = any (conkey)
            or confrelid = dropped.objid and dropped.objsubid = any (confkey);
    end loop;
    delete from rs_routine using pg_event_trigger_dropped_objects() as routine
    where routine.classid = 'pg_proc'::regclass and routine.objid = rs_routine.oid;
    if gone = '{}' then
        return;
    end if;
    if exists (select from rs_constraint where confrelid = any (gone) and not conrelid = any (gone)) then
        get diagnostics stack = pg_context;
        if stack || coalesce(current_query(), '') !~* '\mcascade\M' then
            raise exception 'cannot drop table because other objects depend on it'
                using errcode = 'dependent_objects_still_exist', hint = 'Use DROP ... CASCADE to drop the dependent objects too.';
        end if;
    end if;
    delete from rs_constraint where conrelid = any (gone) or confrelid = any (gone);
    delete from rs_column where relid = any (gone);
    for reader in delete from rs_relation where relid = any (gone) returning rs_relation.reader loop
        if reader is not null then
            execute format('drop function pg_catalog.%I()', reader);
        end if;
    end loop;
end $$;

drop event trigger if exists rs_on_definition;
create event trigger rs_on_definition on ddl_command_end
when tag in ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO', 'CREATE VIEW', 'CREATE MATERIALIZED VIEW', 'ALTER TABLE',
    'ALTER VIEW', 'ALTER MATERIALIZED VIEW', 'CREATE FUNCTION', 'CREATE PROCEDURE', 'CREATE SCHEMA', 'ALTER SCHEMA')
execute function pg_catalog.rs_on_definition();
drop event trigger if exists rs_on_drop;
create event trigger rs_on_drop on sql_drop execute function pg_catalog.rs_on_drop();
