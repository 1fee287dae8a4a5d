-- Catalogue relations that Postgres has too, as Redshift shows them: the dialect puts these views in the place of
-- pg_class, pg_attribute, information_schema.columns and others.

-- A materialized view is a view, and the table behind it, mv_tbl__<name>__0, which has a number of its own.
create or replace function pg_catalog.rs_table_behind(view oid) returns oid
language sql immutable parallel safe as $$ select ((view::bigint + 2147483648) % 4294967296)::oid $$;

do $$
declare
    names text;
    behind text;
begin
    select string_agg(case attname when 'relkind' then 'case c.relkind when ''m'' then ''v''::"char" else c.relkind end as relkind'
        when 'relname' then 'rs_full_name(c.relname::text) as relname' else format('c.%I', attname) end, ', ' order by attnum) into names
    from pg_attribute where attrelid = 'pg_class'::regclass and attnum > 0 and not attisdropped;
    execute format('create view pg_catalog.rs_pg_class as
        select %s, %s from pg_class as c left join rs_relation as known on known.relid = c.oid
        -- identity columns have no sequences, and nothing has indexes
        where case when c.relnamespace = ''pg_catalog''::regnamespace then c.relname not like ''rs\_%%''
            else c.relkind not in (''S'', ''i'', ''t'') end
        union all
        select %s, %2$s from pg_class as c left join rs_relation as known on known.relid = c.oid where c.relkind = ''m''',
        names,
        'case when c.relkind not in (''r'', ''p'', ''m'') then 0 else case coalesce(known.diststyle, ''AUTO'')
            when ''EVEN'' then 0 when ''KEY'' then 1 when ''ALL'' then 8 else 10 end end::smallint as reldiststyle,
        case when c.relkind not in (''r'', ''p'', ''m'') then 0 else case coalesce(known.diststyle, ''AUTO'')
            when ''EVEN'' then 0 when ''KEY'' then 1 when ''ALL'' then 8 else 10 end end::int as releffectivediststyle,
        known.created_at as relcreationtime, false as relhasoids,
        exists (select from rs_constraint where conrelid = c.oid and contype = ''p'') as relhaspkey',
        replace(replace(replace(names, 'rs_full_name(c.relname::text) as relname',
            '''mv_tbl__'' || rs_full_name(c.relname::text) || ''__0'' as relname'), '''v''::"char"', '''r''::"char"'),
            'c.oid', 'rs_table_behind(c.oid) as oid'));
    select string_agg(case attname when 'attname' then 'rs_full_name(a.attname::text) as attname' else format('a.%I', attname) end, ', '
        order by attnum) into names
    from pg_attribute where attrelid = 'pg_attribute'::regclass and attnum > 0 and not attisdropped
        and attname <> 'attmissingval';
    -- the last two columns are the table's alone: what it keeps for refreshing it
    behind := replace(replace(replace(replace(replace(names,
        'rs_full_name(a.attname::text)', 'coalesce(more.name, rs_full_name(a.attname::text))'),
        'a.attrelid', 'rs_table_behind(a.attrelid) as attrelid'),
        'a.attnum', 'coalesce(count.columns + more.place, a.attnum)::smallint as attnum'),
        'a.atttypid', 'case when more.name is null then a.atttypid else ''int8''::regtype end as atttypid'),
        'a.atttypmod', 'case when more.name is null then a.atttypmod else -1 end as atttypmod');
    execute format('create view pg_catalog.rs_pg_attribute as
        select %s, known.distkey is not distinct from a.attnum and a.attnum > 0 as attisdistkey,
            coalesce(array_position(known.sortkeys, a.attnum), 0) * case when known.sortstyle = ''INTERLEAVED''
                and array_position(known.sortkeys, a.attnum) %% 2 = 0 then -1 else 1 end as attsortkeyord,
            coalesce(rs_encoding_number(rs_encoding(coalesce(described.encoding, ''auto''), a.atttypid,
                a.attnum = any (coalesce(known.sortkeys, ''{}'')))), 0) as attencodingtype
        from pg_attribute as a
        left join rs_relation as known on known.relid = a.attrelid
        left join rs_column as described on described.relid = a.attrelid and described.attnum = a.attnum
        -- the columns of late-binding views are known to pg_get_late_binding_view_cols alone
        where known.kind is distinct from ''late binding view''
        union all
        select %s, more.name is null and known.distkey is not distinct from a.attnum,
            case when more.name is null then coalesce(array_position(known.sortkeys, a.attnum), 0) * case
                when known.sortstyle = ''INTERLEAVED'' and array_position(known.sortkeys, a.attnum) %% 2 = 0 then -1
                else 1 end else 0 end, 0
        from pg_attribute as a join pg_class as c on c.oid = a.attrelid and c.relkind = ''m'' and a.attnum > 0
            left join rs_relation as known on known.relid = a.attrelid,
            lateral (select max(attnum) as columns from pg_attribute where attrelid = c.oid) as count,
            lateral (
                select null as name, null::int as place
                union all
                select name, place from (values (''table_0_oid'', 1), (''num_rec'', 2)) as v (name, place) where a.attnum = 1
            ) as more', names, behind);
end $$;

create view pg_catalog.pg_class_info as
select oid as reloid, rs_pg_class.* from rs_pg_class;
create view pg_catalog.pg_attribute_info as
select a.*, case when a.attacl is null then null else array_to_string(a.attacl, '|') end as attaclstring from rs_pg_attribute as a;

-- the columns of Postgres 8 are what psql asks a server of Redshift's version for
create view pg_catalog.rs_pg_proc as
select p.*, p.prokind = 'a' as proisagg, p.prokind = 'w' as proiswindow
from pg_proc as p where p.pronamespace <> 'pg_catalog'::regnamespace or p.proname not like 'rs\_%';
create view pg_catalog.pg_proc_info as
select p.oid as prooid, p.* from rs_pg_proc as p;

create view pg_catalog.rs_pg_tables as
select rs_full_name(schemaname::text) as schemaname, rs_full_name(tablename::text) as tablename, tableowner, tablespace, hasindexes,
    hasrules, hastriggers
from pg_tables where schemaname <> 'pg_catalog' or tablename not like 'rs\_%'
union all
select rs_full_name(schemaname::text), 'mv_tbl__' || rs_full_name(matviewname::text) || '__0', matviewowner, tablespace, hasindexes,
    false, false
from pg_matviews;
create view pg_catalog.rs_pg_namespace as
select oid, rs_full_name(nspname::text) as nspname, nspowner, nspacl from pg_namespace;

-- a default is its own text, so that an IDENTITY column can have one
create or replace function pg_catalog.pg_get_expr(expression text, relation oid) returns text
language sql immutable parallel safe return expression;
create or replace function pg_catalog.pg_get_expr(expression text, relation oid, pretty boolean) returns text
language sql immutable parallel safe return expression;
create view pg_catalog.rs_pg_attrdef as
select d.oid, d.adrelid, d.adnum, expression as adbin, expression as adsrc
from pg_attrdef as d, pg_get_expr(d.adbin, d.adrelid) as expression
union all
select 0::oid, c.relid, c.attnum, expression, expression
from rs_column as c, format('"identity"(%s, %s, ''%s,%s''::text)', c.relid, c.attnum - 1, c.seed, c.step) as expression
where c.seed is not null;

create view pg_catalog.rs_pg_views as
select rs_full_name(v.schemaname::text) as schemaname, rs_full_name(v.viewname::text) as viewname, v.viewowner,
    case when known.kind = 'late binding view' then known.definition else v.definition end as definition
from pg_views as v
join pg_namespace as n on n.nspname = v.schemaname
join pg_class as c on c.relnamespace = n.oid and c.relname = v.viewname
left join rs_relation as known on known.relid = c.oid
where v.schemaname <> 'pg_catalog' or v.viewname not like 'rs\_%'
union all
select rs_full_name(n.nspname::text), rs_full_name(c.relname::text), pg_get_userbyid(c.relowner), coalesce(known.definition,
    format('create materialized view %I.%I as %s', n.nspname, c.relname, rs_pg_get_viewdef(c.oid)))
from pg_class as c join pg_namespace as n on n.oid = c.relnamespace left join rs_relation as known on known.relid = c.oid
where c.relkind = 'm';

create or replace function pg_catalog.pg_get_viewdef(relation oid) returns text
language sql stable as $$
    select coalesce((select definition from rs_relation where relid = relation and kind in ('late binding view', 'materialized view')),
        rs_pg_get_viewdef(relation))
$$;
create or replace function pg_catalog.pg_get_viewdef(relation oid, pretty boolean) returns text
language sql stable as $$ select pg_get_viewdef(relation) $$;
create or replace function pg_catalog.pg_get_viewdef(relation text) returns text
language sql stable as $$ select pg_get_viewdef(relation::regclass::oid) $$;
create or replace function pg_catalog.pg_get_viewdef(relation text, pretty boolean) returns text
language sql stable as $$ select pg_get_viewdef(relation::regclass::oid) $$;

-- Keys.

create or replace function pg_catalog.rs_column_names(relation oid, numbers smallint[]) returns text
language sql stable as $$
    select string_agg(quote_ident(attname), ', ' order by ordinality)
    from unnest(numbers) with ordinality as n (number) join pg_attribute on attrelid = relation and attnum = number
$$;
create or replace function pg_catalog.pg_get_constraintdef(key oid) returns text
language sql stable as $$
    select coalesce((
        select case contype when 'p' then 'PRIMARY KEY (' || rs_column_names(conrelid, conkey) || ')'
            when 'u' then 'UNIQUE (' || rs_column_names(conrelid, conkey) || ')'
            else format('FOREIGN KEY (%s) REFERENCES %s(%s)', rs_column_names(conrelid, conkey), confrelid::regclass,
                rs_column_names(confrelid, confkey)) end
        from rs_constraint where oid = key), rs_pg_get_constraintdef(key))
$$;
create or replace function pg_catalog.pg_get_constraintdef(key oid, pretty boolean) returns text
language sql stable as $$ select pg_get_constraintdef(key) $$;

create view pg_catalog.rs_pg_constraint as
select k.oid, k.conname, c.relnamespace as connamespace, k.contype, false as condeferrable, false as condeferred, k.conrelid,
    0::oid as contypid, k.confrelid, case when k.contype = 'f' then 'a' else ' ' end::"char" as confupdtype,
    case when k.contype = 'f' then 'a' else ' ' end::"char" as confdeltype,
    case when k.contype = 'f' then 's' else ' ' end::"char" as confmatchtype, k.conkey, k.confkey, null::text as conbin,
    null::text as consrc, 0::oid as conindid, true as convalidated, 0::oid as conparentid
from rs_constraint as k join pg_class as c on c.oid = k.conrelid
union all
select oid, conname, connamespace, contype, condeferrable, condeferred, conrelid, contypid, confrelid, confupdtype, confdeltype,
    confmatchtype, conkey, confkey, conbin::text, null, conindid, convalidated, conparentid
from pg_constraint where contype not in ('n', 'p', 'u', 'f');

create view pg_catalog.rs_keys as
select k.oid, k.conname::text as name, k.contype, rs_full_name(n.nspname::text) as schema_name,
    rs_full_name(c.relname::text) as table_name, rs_full_name(a.attname::text) as column_name, part.ordinality::int as position, k.confrelid, k.confkey, k.conrelid,
    rs_full_name(other_schema.nspname::text) as other_schema_name, rs_full_name(other.relname::text) as other_table_name,
    rs_full_name(other_column.attname::text) as other_column_name, other_key.conname::text as other_name
from rs_constraint as k
join pg_class as c on c.oid = k.conrelid
join pg_namespace as n on n.oid = c.relnamespace
cross join lateral unnest(k.conkey, k.confkey) with ordinality as part (number, other_number, ordinality)
join pg_attribute as a on a.attrelid = k.conrelid and a.attnum = part.number
left join pg_class as other on other.oid = k.confrelid
left join pg_namespace as other_schema on other_schema.oid = other.relnamespace
left join pg_attribute as other_column on other_column.attrelid = k.confrelid and other_column.attnum = part.other_number
left join rs_constraint as other_key on other_key.conrelid = k.confrelid and other_key.contype in ('p', 'u')
    and other_key.conkey @> k.confkey and k.confkey @> other_key.conkey;

-- Information schema.

create view pg_catalog.rs_is_tables as
select table_catalog, table_schema, table_name, table_type, null::text as self_referencing_column_name,
    null::text as reference_generation, null::text as user_defined_type_catalog, null::text as user_defined_type_schema,
    null::text as user_defined_type_name
from svv_tables;
create view pg_catalog.rs_is_views as
select current_database()::text as table_catalog, schemaname::text as table_schema, viewname::text as table_name,
    definition::text as view_definition, 'NONE'::text as check_option, 'NO'::text as is_updatable, 'NO'::text as is_insertable_into
from rs_pg_views;
-- the columns of a late-binding view are those of pg_get_late_binding_view_cols
create view pg_catalog.rs_is_columns as
select current_database()::text as table_catalog, schema_name as table_schema, table_name, column_name, ordinal_position,
    default_value as column_default, case when attnotnull then 'NO' else 'YES' end as is_nullable, type_name as data_type,
    length as character_maximum_length, length as character_octet_length, precision as numeric_precision,
    case when precision is not null then case when atttypid = 'numeric'::regtype then 10 else 2 end end as numeric_precision_radix,
    scale as numeric_scale, case when type_name like 'time%' or type_name like 'interval%' then 6 end as datetime_precision,
    null::text as interval_type, null::text as interval_precision, null::text as character_set_catalog,
    null::text as character_set_schema, null::text as character_set_name, null::text as collation_catalog,
    null::text as collation_schema, null::text as collation_name, null::text as domain_catalog, null::text as domain_schema,
    null::text as domain_name, current_database()::text as udt_catalog, 'pg_catalog'::text as udt_schema,
    (select typname::text from pg_type where pg_type.oid = case atttypid when 'text'::regtype then 'varchar'::regtype else atttypid end) as udt_name,
    null::text as scope_catalog, null::text as scope_schema, null::text as scope_name, null::int as maximum_cardinality,
    ordinal_position::text as dtd_identifier, 'NO'::text as is_self_referencing
from rs_columns
where kind <> 'late binding view';
create view pg_catalog.rs_is_table_constraints as
select distinct current_database()::text as constraint_catalog, schema_name as constraint_schema, name as constraint_name,
    current_database()::text as table_catalog, schema_name as table_schema, table_name,
    case contype when 'p' then 'PRIMARY KEY' when 'u' then 'UNIQUE' else 'FOREIGN KEY' end as constraint_type,
    'NO'::text as is_deferrable, 'NO'::text as initially_deferred
from rs_keys;
create view pg_catalog.rs_is_key_column_usage as
select current_database()::text as constraint_catalog, schema_name as constraint_schema, name as constraint_name,
    current_database()::text as table_catalog, schema_name as table_schema, table_name, column_name, position as ordinal_position,
    case when contype = 'f' then position end as position_in_unique_constraint
from rs_keys;
create view pg_catalog.rs_is_referential_constraints as
select distinct current_database()::text as constraint_catalog, schema_name as constraint_schema, name as constraint_name,
    current_database()::text as unique_constraint_catalog, other_schema_name as unique_constraint_schema,
    other_name as unique_constraint_name, 'NONE'::text as match_option, 'NO ACTION'::text as update_rule, 'NO ACTION'::text as delete_rule
from rs_keys where contype = 'f';
create view pg_catalog.rs_is_constraint_column_usage as
select current_database()::text as table_catalog, coalesce(other_schema_name, schema_name) as table_schema,
    coalesce(other_table_name, table_name) as table_name, coalesce(other_column_name, column_name) as column_name,
    current_database()::text as constraint_catalog, schema_name as constraint_schema, name as constraint_name
from rs_keys;
create view pg_catalog.rs_is_constraint_table_usage as
select distinct table_catalog, table_schema, table_name, constraint_catalog, constraint_schema, constraint_name
from rs_is_constraint_column_usage;
