-- Views of relations and columns: PG_TABLE_DEF, SVV_TABLES, SVV_COLUMNS and their kin.

-- A type as Redshift spells it. A text column comes from an expression without a declared length.
create or replace function pg_catalog.format_type(type oid, typmod int) returns text
language sql stable parallel safe as $$
    select case type
        when 'text'::regtype then 'character varying(65535)'
        when 'varchar'::regtype then format('character varying(%s)', case when typmod > 4 then typmod - 4 else 65535 end)
        when 'bpchar'::regtype then format('character(%s)', case when typmod > 4 then typmod - 4 else 1 end)
        when 'numeric'::regtype then case when typmod > 4 then replace(rs_format_type(type, typmod), ', ', ',') else 'numeric(38,10)' end
        when 'bytea'::regtype then 'binary varying(64000)'
        when 'varbyte'::regtype then 'binary varying(64000)'
        when 'jsonb'::regtype then 'super'
        when 'json'::regtype then 'super'
        when 'super'::regtype then 'super'
        else rs_format_type(type, typmod) end
$$;

-- The same without a length.
create or replace function pg_catalog.rs_type_name(type oid) returns text
language sql stable parallel safe as $$
    select case type
        when 'text'::regtype then 'character varying'
        when 'bytea'::regtype then 'binary varying'
        when 'varbyte'::regtype then 'binary varying'
        when 'jsonb'::regtype then 'super'
        when 'json'::regtype then 'super'
        else rs_format_type(type, null) end
$$;

-- With its fields, in the words of the data type's declaration.
create or replace function pg_catalog.rs_interval_name(typmod int) returns text
language sql immutable parallel safe as $$
    select 'interval' || case when typmod < 0 or (typmod >> 16 & 32767) = 32767 then ''
        -- bit 1 is months, 2 years
        when (typmod >> 16 & 32767 & ~6) = 0 then ' year to month'
        -- the lower half is the number of a second's digits
        else ' day to second' || case when typmod & 65535 < 65535 then format('(%s)', typmod & 65535) else '' end end
$$;

-- What kind of thing an encoding stands for when none is declared: the rules of ENCODE AUTO.
create or replace function pg_catalog.rs_encoding(declared text, type oid, is_sort_key boolean) returns text
language sql stable parallel safe as $$
    select case
        when declared = 'raw' then 'none'
        when declared <> 'auto' then declared
        when is_sort_key or type in ('bool'::regtype, 'float4'::regtype, 'float8'::regtype, 'geometry'::regtype,
            'geography'::regtype, 'hllsketch'::regtype) then 'none'
        when type in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype, 'numeric'::regtype, 'date'::regtype,
            'timestamp'::regtype, 'timestamptz'::regtype, 'time'::regtype, 'timetz'::regtype, 'interval'::regtype) then 'az64'
        when type = 'super'::regtype then 'zstd'
        else 'lzo' end
$$;

-- The relations of the user's schemas that the caller may see.
create view pg_catalog.rs_relations as
select c.oid, n.oid as schema_oid, rs_full_name(n.nspname::text) as schema_name, rs_full_name(c.relname::text) as name, c.relkind, c.relowner,
    pg_get_userbyid(c.relowner)::text as owner, c.relacl, c.relpersistence,
    case c.relkind when 'r' then 'table' when 'p' then 'table' when 'm' then 'materialized view'
        when 'v' then coalesce(known.kind, 'view') end as kind,
    coalesce(known.diststyle, 'AUTO') as diststyle, known.distkey, known.sortstyle,
    coalesce(known.sortkeys, '{}') as sortkeys, coalesce(known.backup, true) as backup,
    coalesce(known.autorefresh, false) as autorefresh, known.definition, known.created_at, known.altered_at,
    obj_description(c.oid, 'pg_class') as remarks
from pg_class as c
join pg_namespace as n on n.oid = c.relnamespace
left join rs_relation as known on known.relid = c.oid
where c.relkind in ('r', 'p', 'v', 'm') and (n.nspname <> 'pg_catalog' or c.relname not like 'rs\_%')
    and (pg_has_role(c.relowner, 'usage') or has_table_privilege(c.oid, 'select, insert, update, delete, references, trigger')
        or has_any_column_privilege(c.oid, 'select, insert, update, references'));

-- Their columns. Those of a late-binding view that cannot run are unknown, and those of one that can are a view's.
create view pg_catalog.rs_columns as
select r.oid as relid, r.schema_name, r.name as table_name, r.kind, r.relkind, rs_full_name(a.attname::text) as column_name,
    a.attnum::int as ordinal_position, a.attnum, a.atttypid,
    a.atttypmod,
    case when a.atttypid = 'varbyte'::regtype and described.bytes is not null
        then format('binary varying(%s)', described.bytes) else format_type(a.atttypid, a.atttypmod) end as type,
    rs_type_name(a.atttypid) as type_name,
    case when a.atttypid in ('varchar'::regtype, 'text'::regtype)
        then case when a.atttypmod > 4 then a.atttypmod - 4 else 65535 end
        when a.atttypid = 'bpchar'::regtype then case when a.atttypmod > 4 then a.atttypmod - 4 else 1 end
        when a.atttypid in ('varbyte'::regtype, 'bytea'::regtype) then coalesce(described.bytes, 64000) end as length,
    case a.atttypid when 'int2'::regtype then 16 when 'int4'::regtype then 32 when 'int8'::regtype then 64
        when 'float4'::regtype then 24 when 'float8'::regtype then 53
        when 'numeric'::regtype then case when a.atttypmod > 4 then ((a.atttypmod - 4) >> 16) & 65535 else 38 end
        end as precision,
    case when a.atttypid in ('int2'::regtype, 'int4'::regtype, 'int8'::regtype) then 0
        when a.atttypid = 'numeric'::regtype then case when a.atttypmod > 4 then (a.atttypmod - 4) & 2047 else 37 end
        end as scale,
    case when described.seed is not null then format('"identity"(%s, %s, ''%s,%s''::text)', r.oid, a.attnum - 1,
        described.seed, described.step) else pg_get_expr(d.adbin, d.adrelid) end as default_value,
    a.attnotnull, a.attacl, r.distkey is not distinct from a.attnum as is_distkey,
    coalesce(array_position(r.sortkeys, a.attnum), 0) * case when r.sortstyle = 'INTERLEAVED'
        and array_position(r.sortkeys, a.attnum) % 2 = 0 then -1 else 1 end as sortkey,
    case when r.relkind in ('r', 'p') then rs_encoding(coalesce(described.encoding, 'auto'), a.atttypid, a.attnum = any (r.sortkeys))
        else 'none' end as encoding,
    described.seed, described.step, col_description(r.oid, a.attnum) as remarks, r.sortstyle,
    case when a.attnotnull and (not coalesce(described.nullable, false) or exists (
        select from rs_constraint as k where k.conrelid = r.oid and k.contype = 'p' and a.attnum = any (k.conkey)))
        then 'NO' else 'YES' end as is_nullable
from rs_relations as r
join pg_attribute as a on a.attrelid = r.oid and a.attnum > 0 and not a.attisdropped
left join pg_attrdef as d on d.adrelid = a.attrelid and d.adnum = a.attnum
left join rs_column as described on described.relid = a.attrelid and described.attnum = a.attnum;

create or replace function pg_catalog.rs_acl(privileges aclitem[]) returns text
language sql stable as $$ select array_to_string(privileges, '|') $$;

create or replace function pg_catalog.rs_diststyle(diststyle text, distkey text) returns text
language sql immutable as $$
    select case diststyle when 'KEY' then 'KEY(' || distkey || ')'
        when 'AUTO' then case when distkey is not null then 'AUTO(KEY(' || distkey || '))' else 'AUTO(ALL)' end
        else diststyle end
$$;

-- PG_TABLE_DEF knows the schemas of the search path alone.
create view pg_catalog.pg_table_def as
select schema_name as schemaname, table_name as tablename, column_name as "column", type,
    encoding::char(32) as encoding, is_distkey as distkey, sortkey, attnotnull as "notnull"
from rs_columns
where relkind in ('r', 'p') and schema_name = any (current_schemas(true))
order by schemaname, tablename, attnum;

create view pg_catalog.svv_tables as
select current_database()::text as table_catalog, schema_name as table_schema, name as table_name,
    case when relkind in ('v', 'm') then 'VIEW' when relpersistence = 't' then 'LOCAL TEMPORARY' else 'BASE TABLE' end as table_type,
    remarks
from rs_relations;

create view pg_catalog.svv_redshift_tables as
select current_database()::text as database_name, schema_name, name as table_name,
    case when relkind in ('v', 'm') then 'VIEW' else 'TABLE' end as table_type, rs_acl(relacl) as table_acl, remarks,
    owner as table_owner
from rs_relations;

create view pg_catalog.svv_all_tables as
select database_name, schema_name, table_name, table_type, table_acl, remarks from svv_redshift_tables;

create view pg_catalog.svv_redshift_columns as
select current_database()::text as database_name, schema_name, table_name, column_name, ordinal_position, type as data_type,
    default_value as column_default, case when attnotnull then 'NO' else 'YES' end as is_nullable, encoding,
    is_distkey as distkey, sortkey, rs_acl(attacl) as column_acl, remarks
from rs_columns;

create view pg_catalog.svv_all_columns as
select current_database()::text as database_name, schema_name, table_name, column_name, ordinal_position,
    default_value as column_default, case when attnotnull then 'NO' else 'YES' end as is_nullable, type_name as data_type,
    length as character_maximum_length, precision as numeric_precision, scale as numeric_scale, remarks
from rs_columns;

create view pg_catalog.svv_columns as
select current_database()::text as table_catalog, schema_name as table_schema, table_name, column_name, ordinal_position,
    default_value as column_default, case when attnotnull then 'NO' else 'YES' end as is_nullable, type_name as data_type,
    length as character_maximum_length, precision as numeric_precision,
    case when precision is not null then case when atttypid = 'numeric'::regtype then 10 else 2 end end as numeric_precision_radix,
    scale as numeric_scale,
    case when type_name like 'time%' or type_name like 'interval%' then 6 end as datetime_precision,
    case when type_name like 'interval%' then type_name end as interval_type, null::text as interval_precision,
    null::text as character_set_catalog, null::text as character_set_schema, null::text as character_set_name,
    null::text as collation_catalog, null::text as collation_schema, null::text as collation_name,
    null::text as domain_name, remarks
from rs_columns;

create view pg_catalog.svv_redshift_schemas as
select current_database()::text as database_name, rs_full_name(nspname::text) as schema_name, nspowner::int as schema_owner,
    'local'::text as schema_type, rs_acl(nspacl) as schema_acl, null::text as schema_option
from pg_namespace
where nspname !~ '^pg_(toast|temp_|toast_temp_)';

create view pg_catalog.svv_all_schemas as
select database_name, schema_name, schema_owner, schema_type, schema_acl, null::text as source_database, schema_option
from svv_redshift_schemas;

create view pg_catalog.svv_redshift_databases as
select datname::text as database_name, datdba::int as database_owner, 'local'::text as database_type,
    rs_acl(datacl) as database_acl, null::text as database_options, 'Snapshot Isolation'::text as database_isolation_level
from pg_database
where datallowconn and not datistemplate;

create view pg_catalog.svv_redshift_functions as
select current_database()::text as database_name, nspname::text as schema_name, proname::text as function_name,
    case prokind when 'p' then 'STORED PROCEDURE' when 'a' then 'AGGREGATED FUNCTION' else 'REGULAR FUNCTION' end as function_type,
    oidvectortypes(proargtypes) as argument_type, format_type(prorettype, null) as result_type
from pg_proc join pg_namespace on pg_namespace.oid = pronamespace
where nspname !~ '^pg_' and nspname <> 'information_schema';

-- SVV_TABLE_INFO leaves empty tables out, and counts rows. Whether and how many there are is asked of the table itself,
-- or of its statistics while somebody else alters it: a question to the catalogue does not wait.
create or replace function pg_catalog.rs_bytes(relation oid) returns bigint
language sql stable security definer as $$
    select greatest((pg_stat_file(pg_relation_filepath(relation), true)).size, relpages * 8192::bigint)
    from pg_class where oid = relation
$$;

create or replace function pg_catalog.rs_has_rows(relation oid) returns boolean
language plpgsql stable security definer set lock_timeout = '50ms' as $$
declare
    found boolean;
begin
    execute format('select exists (select from only %s)', relation::regclass) into found;
    return found;
exception
    when lock_not_available then
        return rs_bytes(relation) > 0;
    when object_not_in_prerequisite_state then
        -- a materialized view without data
        return false;
end $$;

create or replace function pg_catalog.rs_row_count(relation oid) returns bigint
language plpgsql stable security definer set lock_timeout = '50ms' as $$
declare
    rows bigint;
begin
    execute format('select count(*) from %s', relation::regclass) into rows;
    return rows;
exception when lock_not_available then
    return (select greatest(reltuples, 1)::bigint from pg_class where oid = relation);
end $$;

create view pg_catalog.svv_table_info as
select current_database()::text as database, r.schema_name as schema, r.oid as table_id, r.name as "table",
    case when exists (select from rs_column where relid = r.oid and encoding not in ('raw', 'auto')) then 'Y' else 'Y, AUTO(ENCODE)' end as encoded,
    rs_diststyle(r.diststyle, (select rs_full_name(attname::text) from pg_attribute where attrelid = r.oid and attnum = r.distkey)) as diststyle,
    case when r.sortstyle = 'INTERLEAVED' then 'INTERLEAVED'
        when cardinality(r.sortkeys) > 0 then (select rs_full_name(attname::text) from pg_attribute where attrelid = r.oid and attnum = r.sortkeys[1])
        when r.sortstyle is null or r.sortstyle = 'AUTO' then 'AUTO(SORTKEY)' end as sortkey1,
    coalesce((select max(case when atttypmod > 4 then atttypmod - 4 else 65535 end) from pg_attribute
        where attrelid = r.oid and attnum > 0 and not attisdropped and atttypid in ('varchar'::regtype, 'text'::regtype)), 0)
        as max_varchar,
    (select c.encoding from rs_columns as c where c.relid = r.oid and c.attnum = r.sortkeys[1])::char(32) as sortkey1_enc,
    cardinality(r.sortkeys) as sortkey_num,
    greatest(1, ceil(rs_bytes(r.oid) / 1048576.0))::bigint as size,
    0.0001::numeric(10, 4) as pct_used, 0::bigint as empty,
    case when cardinality(r.sortkeys) > 0 then 0::numeric(5, 2) end as unsorted,
    0::numeric(5, 2) as stats_off, rs_row_count(r.oid)::numeric(38, 0) as tbl_rows,
    case when cardinality(r.sortkeys) > 0 then 1::numeric(19, 2) end as skew_sortkey1,
    case when r.diststyle <> 'ALL' then 1::numeric(19, 2) end as skew_rows,
    rs_row_count(r.oid)::numeric(38, 0) as estimated_visible_rows, null::text as risk_event,
    null::numeric(12, 2) as vacuum_sort_benefit, r.created_at as create_time
from rs_relations as r
where r.relkind in ('r', 'p', 'm') and r.schema_name !~ '^pg_' and r.schema_name <> 'information_schema' and rs_has_rows(r.oid);

-- u: whether a base table was written since the last refresh is not known
create view pg_catalog.svv_mv_info as
select current_database()::char(128) as database_name, schema_name::char(128) as schema_name, owner::char(128) as user_name,
    name::char(128) as name, 'u'::char(1) as is_stale, 0 as state, 't'::char(1) as autorewrite,
    case when autorefresh then 't' else 'f' end::char(1) as autorefresh
from rs_relations
where relkind = 'm';

create view pg_catalog.stv_mv_info as
select database_name as db_name, schema_name as schema, name, 0::bigint as updated_upto_xid, is_stale,
    user_name as owner_user_name, state, autorefresh, autorewrite
from svv_mv_info;

create view pg_catalog.svv_mv_dependency as
select distinct current_database()::char(128) as database_name, n.nspname::char(128) as schema_name, base.relname::char(128) as name,
    mvn.nspname::char(128) as dependent_schema_name, mv.relname::char(128) as dependent_name
from pg_depend as d
join pg_rewrite as rule on rule.oid = d.objid and d.classid = 'pg_rewrite'::regclass
join pg_class as mv on mv.oid = rule.ev_class and mv.relkind = 'm'
join pg_namespace as mvn on mvn.oid = mv.relnamespace
join pg_class as base on base.oid = d.refobjid and d.refclassid = 'pg_class'::regclass and base.oid <> mv.oid
join pg_namespace as n on n.oid = base.relnamespace;

-- The columns of late-binding views as they are now; the caller names and types the result.
create or replace function pg_catalog.pg_get_late_binding_view_cols() returns setof record
language sql stable as $$
    select schema_name::name, table_name::name, column_name::name, type::varchar, ordinal_position
    from rs_columns where kind = 'late binding view' order by relid, ordinal_position
$$;

-- pg_attribute has the encoding as a number.
create or replace function pg_catalog.rs_encodings() returns text[]
language sql immutable as $$
    select array['none', 'bytedict', 'delta', 'lzo', 'runlength', 'delta32k', 'text255', 'text32k', 'mostly8', 'mostly16',
        'mostly32', 'zstd', 'az64']
$$;
create or replace function pg_catalog.rs_encoding_number(encoding text) returns int
language sql immutable as $$ select array_position(rs_encodings(), encoding) - 1 $$;
create or replace function pg_catalog.format_encoding(encoding int) returns text
language sql immutable as $$ select (rs_encodings())[encoding + 1] $$;
