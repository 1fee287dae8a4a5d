-- What SHOW answers.

create or replace function pg_catalog.rs_show_databases(out database_name text, out database_owner int, out database_type text,
    out database_acl text, out parameters text, out database_isolation_level text) returns setof record
language sql stable as $$
    select database_name, database_owner, database_type, database_acl, null::text, database_isolation_level
    from svv_redshift_databases order by database_name
$$;

create or replace function pg_catalog.rs_show_schemas(out database_name text, out schema_name text, out schema_owner int,
    out schema_type text, out schema_acl text, out source_database text, out schema_option text) returns setof record
language sql stable as $$
    select database_name, schema_name, schema_owner, schema_type, schema_acl, source_database, schema_option
    from svv_all_schemas order by schema_name
$$;

create or replace function pg_catalog.rs_require_database(name text) returns boolean
language plpgsql stable as $$
begin
    if lower(name) <> lower(current_database()::text) then
        raise exception 'database "%" is not the one connected to: the stand-in shows one database at a time', name
            using errcode = 'feature_not_supported';
    end if;
    return true;
end $$;

-- The name under which Postgres knows a long one.
create or replace function pg_catalog.rs_short_name(name text) returns text
language sql stable as $$
    select coalesce((select short from rs_long_name where long = name and octet_length(name) > 63), name)
$$;

-- A schema that is not there is an error; an empty one is not.
create or replace function pg_catalog.rs_require_schema(name text) returns boolean
language plpgsql stable as $$
begin
    if not exists (select from pg_namespace where nspname = rs_short_name(name)) then
        raise exception 'schema "%" does not exist', name using errcode = 'invalid_schema_name';
    end if;
    return true;
end $$;

-- Without a schema, the search path finds the relation.
create or replace function pg_catalog.rs_find(schema text, name text) returns oid
language plpgsql stable as $$
declare
    relation oid := to_regclass(case when schema is null then format('%I', rs_short_name(name))
        else format('%I.%I', rs_short_name(schema), rs_short_name(name)) end);
begin
    if relation is null then
        raise exception 'relation "%" does not exist', case when schema is null then name else schema || '.' || name end
            using errcode = 'undefined_table';
    end if;
    return relation;
end $$;

create or replace function pg_catalog.rs_show_tables(schema text, out database_name text, out schema_name text, out table_name text,
    out table_type text, out table_acl text, out remarks text, out owner text, out last_altered_time timestamp,
    out last_modified_time timestamp, out dist_style text, out table_subtype text) returns setof record
language sql stable as $$
    select current_database()::text, r.schema_name, r.name, case when r.relkind in ('v', 'm') then 'VIEW' else 'TABLE' end,
        rs_acl(r.relacl), r.remarks, r.owner, r.altered_at, r.altered_at,
        case when r.relkind in ('r', 'p', 'm') then rs_diststyle(r.diststyle,
            (select rs_full_name(attname::text) from pg_attribute where attrelid = r.oid and attnum = r.distkey)) end,
        case r.kind when 'materialized view' then 'MATERIALIZED VIEW' when 'late binding view' then 'LATE BINDING VIEW'
            when 'view' then 'REGULAR VIEW' else 'REGULAR TABLE' end
    from rs_relations as r
    where rs_require_schema(schema) and r.schema_name = schema
    order by r.name
$$;

create or replace function pg_catalog.rs_show_columns(schema text, name text, out database_name text, out schema_name text,
    out table_name text, out column_name text, out ordinal_position int, out column_default text, out is_nullable text,
    out data_type text, out character_maximum_length int, out numeric_precision int, out numeric_scale int, out remarks text,
    out sort_key_type text, out sort_key int, out dist_key int, out encoding text, out "collation" text) returns setof record
language sql stable as $$
    select current_database()::text, c.schema_name, c.table_name, c.column_name, c.ordinal_position, c.default_value,
        c.is_nullable, case c.atttypid when 'interval'::regtype then rs_interval_name(c.atttypmod) else c.type_name end, c.length, c.precision, c.scale, c.remarks,
        case when c.sortkey <> 0 then c.sortstyle end, abs(c.sortkey), c.is_distkey::int, c.encoding, null::text
    from rs_columns as c
    where c.relid = rs_find(schema, name)
    order by c.ordinal_position
$$;

create or replace function pg_catalog.rs_show_primary_keys(schema text, name text, out database_name text, out schema_name text,
    out table_name text, out column_name text, out key_seq int, out pk_name text) returns setof record
language sql stable as $$
    select current_database()::text, k.schema_name, k.table_name, k.column_name, k.position, k.name
    from rs_keys as k where k.conrelid = rs_find(schema, rs_show_primary_keys.name) and k.contype = 'p' order by k.position
$$;

create or replace function pg_catalog.rs_show_foreign_keys(schema text, name text, exported boolean, out pk_database_name text,
    out pk_schema_name text, out pk_table_name text, out pk_column_name text, out fk_database_name text, out fk_schema_name text,
    out fk_table_name text, out fk_column_name text, out key_seq int, out update_rule int, out delete_rule int, out fk_name text,
    out pk_name text, out deferrability int) returns setof record
language sql stable as $$
    select current_database()::text, k.other_schema_name, k.other_table_name, k.other_column_name, current_database()::text,
        k.schema_name, k.table_name, k.column_name, k.position, 3, 3, k.name, k.other_name, 7
    from rs_keys as k
    where k.contype = 'f' and rs_find(schema, rs_show_foreign_keys.name) = case when exported then k.confrelid else k.conrelid end
    order by k.name, k.position
$$;

-- An argument's type as a signature tells it: without a length, an interval by the name of its kind.
create or replace function pg_catalog.rs_argument_type(type text) returns text
language sql stable as $$
    -- two words that Postgres' grammar does not take for a type
    select case when lower(type) ~ '^(binary varying|varbyte|varbinary)' then 'binary varying'
        when to_regtype(type) = 'interval'::regtype then case rs_interval_name(to_regtypemod(type))
            when 'interval' then 'interval' when 'interval year to month' then 'intervaly2m' else 'intervald2s' end
        else coalesce(rs_type_name(to_regtype(type)), lower(type)) end
$$;

-- A routine's arguments: those of a procedure as they were declared, others as Postgres knows them. `number` is none for
-- what a function returns.
create or replace function pg_catalog.rs_arguments(routine oid, out number int, out name text, out mode text, out type text)
returns setof record
language sql stable as $$
    select a.number::int, a.argument ->> 'name', a.argument ->> 'mode', a.argument ->> 'type'
    from rs_routine as r, jsonb_array_elements(r.arguments) with ordinality as a (argument, number)
    where r.oid = routine
    union all
    select a.number::int, coalesce(p.proargnames[a.number], ''),
        case coalesce(p.proargmodes[a.number], 'i') when 'o' then 'out' when 't' then 'out' when 'b' then 'inout' else 'in' end,
        rs_format_type(a.type, null)
    from pg_proc as p,
        unnest(coalesce(p.proallargtypes, p.proargtypes::oid[])) with ordinality as a (type, number)
    where p.oid = routine and not exists (select from rs_routine as r where r.oid = routine and r.arguments is not null)
$$;

create or replace function pg_catalog.rs_argument_types(routine oid) returns text
language sql stable as $$
    select coalesce(string_agg(rs_argument_type(a.type), ', ' order by a.number), '')
    from rs_arguments(routine) as a where a.mode <> 'out'
$$;

create or replace function pg_catalog.rs_show_routines(schema text, kind "char", out database_name text, out schema_name text,
    out routine_name text, out number_of_arguments int, out argument_list text, out return_type text, out remarks text)
returns setof record
language sql stable as $$
    select current_database()::text, schema, p.proname::text,
        (select count(*)::int from rs_arguments(p.oid) as a where a.mode <> 'out'), rs_argument_types(p.oid),
        case when kind = 'f' then rs_argument_type(rs_format_type(p.prorettype, null))
            else (select case when count(*) > 1 then 'record' else min(rs_argument_type(a.type)) end
                from rs_arguments(p.oid) as a where a.mode <> 'in') end,
        obj_description(p.oid, 'pg_proc')
    from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace
    where rs_require_schema(schema) and n.nspname = schema and p.prokind = kind
        -- of Postgres' own, those that a client of Redshift can read: neither ours nor those of types that it lacks
        and (schema not in ('pg_catalog', 'information_schema') or p.proname not like 'rs\_%' and not exists (
            select from unnest(p.proargtypes::oid[] || p.prorettype) as t (type)
            where rs_type_name(t.type) not in ('smallint', 'integer', 'bigint', 'numeric', 'real', 'double precision', 'boolean',
                'character', 'character varying', 'binary varying', 'date', 'time without time zone', 'time with time zone',
                'timestamp without time zone', 'timestamp with time zone', 'interval', 'super', 'geometry', 'geography',
                'oid', 'name', 'anyelement')))
    order by p.proname, 5
$$;

create or replace function pg_catalog.rs_show_parameters(schema text, name text, types text, kind "char", out database_name text,
    out schema_name text, out routine_name text, out parameter_name text, out ordinal_position int, out parameter_type text,
    out data_type text, out character_maximum_length int, out numeric_precision int, out numeric_scale int) returns setof record
language plpgsql stable as $$
declare
    wanted text := (select coalesce(string_agg(rs_argument_type(trim(t.type)), ', ' order by t.number), '')
        from regexp_split_to_table(nullif(trim(types), ''), ',(?![^(]*[)])') with ordinality as t (type, number));
    routine oid := (select p.oid from pg_proc as p join pg_namespace as n on n.oid = p.pronamespace
        where n.nspname = schema and p.proname = name and p.prokind = kind and rs_argument_types(p.oid) = wanted limit 1);
begin
    if routine is null then
        raise exception '% %.%(%) does not exist', case kind when 'p' then 'procedure' else 'function' end, schema, name, types
            using errcode = 'undefined_function';
    end if;
    return query
        select current_database()::text, rs_show_parameters.schema, rs_show_parameters.name, a.name, a.number, upper(a.mode),
            case when found.type = 'interval'::regtype then rs_interval_name(found.typmod) else rs_type_name(found.type) end,
            case when found.type in ('varchar'::regtype, 'bpchar'::regtype) and found.typmod > 4 then found.typmod - 4 end,
            case when found.type = 'numeric'::regtype and found.typmod > 4 then (found.typmod - 4) >> 16 & 65535 end,
            case when found.type = 'numeric'::regtype and found.typmod > 4 then (found.typmod - 4) & 2047 end
        from (
            select * from rs_arguments(routine)
            union all
            select 0, '', 'return', rs_format_type(p.prorettype, null) from pg_proc as p where p.oid = routine and kind = 'f'
        ) as a, lateral (select to_regtype(a.type)::oid as type, to_regtypemod(a.type) as typmod) as found
        order by a.number;
end $$;

create or replace function pg_catalog.rs_show_grants_on(schema text, name text, kind text, out database_name text, out schema_name text,
    out object_name text, out object_type text, out privilege_type text, out identity_id int, out identity_name text,
    out identity_type text, out admin_option boolean, out privilege_scope text, out grantor_name text) returns setof record
language plpgsql stable as $$
declare
    privileges aclitem[];
    found_schema text := schema;
begin
    if kind = 'DATABASE' then
        select datacl into privileges from pg_database where datname = name;
        if not found then
            raise exception 'database "%" does not exist', name using errcode = 'invalid_catalog_name';
        end if;
    elsif kind = 'SCHEMA' then
        perform rs_require_schema(name);
        select nspacl into privileges from pg_namespace where nspname = name;
        found_schema := name;
    elsif kind = 'TABLE' then
        select relacl, nspname into privileges, found_schema
        from pg_class join pg_namespace on pg_namespace.oid = relnamespace where pg_class.oid = rs_find(schema, name);
    else
        select array_agg(acl) into privileges from pg_proc join pg_namespace on pg_namespace.oid = pronamespace,
            unnest(proacl) as acl where proname = name and nspname = coalesce(schema, nspname) and prokind = case kind when 'PROCEDURE' then 'p' else 'f' end;
    end if;
    return query
        -- a group is a role with a slash in front
        select current_database()::text, found_schema, name, kind, p.privilege_type, p.identity_id,
            case when p.identity_type = 'group' then '/' || p.identity_name else p.identity_name end,
            case when p.identity_type = 'group' then 'role' else p.identity_type end, p.admin_option, kind, p.grantor_name
        from rs_privileges(privileges) as p
        order by p.identity_name, p.privilege_type;
end $$;

create or replace function pg_catalog.rs_show_column_grants(schema text, name text, out database_name text, out schema_name text,
    out table_name text, out column_name text, out object_type text, out privilege_type text, out identity_id int,
    out identity_name text, out identity_type text, out admin_option boolean, out privilege_scope text, out grantor_name text)
returns setof record
language sql stable as $$
    select current_database()::text, n.nspname::text, c.relname::text, a.attname::text, 'COLUMN'::text, p.privilege_type, p.identity_id,
        case when p.identity_type = 'group' then '/' || p.identity_name else p.identity_name end,
        case when p.identity_type = 'group' then 'role' else p.identity_type end, p.admin_option, 'COLUMN'::text, p.grantor_name
    from pg_attribute as a join pg_class as c on c.oid = a.attrelid join pg_namespace as n on n.oid = c.relnamespace,
        rs_privileges(a.attacl) as p
    where a.attrelid = rs_find(schema, rs_show_column_grants.name) and a.attnum > 0
    order by a.attnum, p.identity_name
$$;

create or replace function pg_catalog.rs_show_grants_for(identity text, out database_name text, out schema_name text,
    out object_name text, out object_type text, out privilege_type text, out identity_id int, out identity_name text,
    out identity_type text, out admin_option boolean, out privilege_scope text, out grantor_name text) returns setof record
language sql stable as $$
    select current_database()::text, g.schema_name, g.object_name, g.kind, p.privilege_type, p.identity_id, p.identity_name,
        p.identity_type, p.admin_option, g.kind, p.grantor_name
    from (
        select null::text as schema_name, datname::text as object_name, 'DATABASE'::text as kind, datacl as privileges from pg_database
        where datname = current_database()
        union all
        select nspname, nspname, 'SCHEMA', nspacl from pg_namespace
        union all
        select nspname, relname, 'TABLE', relacl from pg_class join pg_namespace on pg_namespace.oid = relnamespace where relkind in ('r', 'p', 'v', 'm')
        union all
        select nspname, proname, case prokind when 'p' then 'PROCEDURE' else 'FUNCTION' end, proacl
        from pg_proc join pg_namespace on pg_namespace.oid = pronamespace
    ) as g, rs_privileges(g.privileges) as p
    where p.identity_name = identity and coalesce(g.schema_name, '') not in ('pg_catalog', 'information_schema')
    order by g.kind, g.schema_name, g.object_name, p.privilege_type
$$;

-- Definitions.

create or replace function pg_catalog.rs_show_table(wanted text) returns text
language plpgsql stable as $$
declare
    relation record;
    columns text;
    keys text;
begin
    select * into relation from rs_relations where oid = wanted::regclass;
    if not found or relation.relkind not in ('r', 'p') then
        raise exception '"%" is not a table', wanted using errcode = 'wrong_object_type';
    end if;
    select string_agg(format('    %s %s%s%s ENCODE %s%s', quote_ident(c.column_name), c.type,
            case when c.attnotnull then ' NOT NULL' else '' end,
            case when c.seed is not null then format(' IDENTITY(%s,%s)', c.seed, c.step)
                when c.default_value is not null then ' DEFAULT ' || c.default_value else '' end,
            case c.encoding when 'none' then 'raw' else c.encoding end,
            case when c.is_distkey then ' distkey' else '' end), e',\n' order by c.attnum) into columns
    from rs_columns as c where c.relid = relation.oid;
    select string_agg(format(e',\n    CONSTRAINT %I %s', k.conname, pg_get_constraintdef(k.oid)), '' order by k.contype, k.conname) into keys
    from rs_constraint as k where k.conrelid = relation.oid;
    return format(e'CREATE TABLE %I.%I (\n%s%s\n)\nDISTSTYLE %s%s;', relation.schema_name, relation.name, columns, coalesce(keys, ''),
        relation.diststyle, case when cardinality(relation.sortkeys) > 0 then
            case relation.sortstyle when 'INTERLEAVED' then e'\nINTERLEAVED' else '' end || e'\nSORTKEY ( '
            || rs_column_names(relation.oid, relation.sortkeys) || ' )' else '' end);
end $$;

create or replace function pg_catalog.rs_show_view(wanted text) returns text
language plpgsql stable as $$
declare
    relation record;
begin
    select * into relation from rs_relations where oid = wanted::regclass;
    if not found or relation.relkind not in ('v', 'm') then
        raise exception '"%" is not a view', wanted using errcode = 'wrong_object_type';
    end if;
    return coalesce(rtrim(relation.definition, '; '), format('create view %I.%I as %s', relation.schema_name, relation.name,
        rtrim(rs_pg_get_viewdef(relation.oid), '; '))) || ';';
end $$;

create or replace function pg_catalog.rs_show_procedure(wanted text, types text[]) returns text
language plpgsql stable as $$
declare
    procedure oid := rs_find_procedure(wanted, types);
begin
    return coalesce((select definition from rs_routine where oid = procedure), pg_get_functiondef(procedure));
end $$;
