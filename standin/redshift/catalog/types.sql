-- Redshift's types, as far as Postgres has no type of the same name and meaning.

-- VARBYTE is bytea under Redshift's name: catalogue views and casts need no translation, and clients see the base type,
-- which the gateway renames. SUPER has a file of its own, super_type.sql.
do $$
begin
    if to_regtype('pg_catalog.varbyte') is null then
        create domain pg_catalog.varbyte as bytea;
    end if;
end $$;

-- Functions that describe the catalogue: ours take their names (views_relations.sql, overlays.sql).
do $$
declare
    signature text;
begin
    foreach signature in array array['format_type(oid, int)', 'pg_get_constraintdef(oid)', 'pg_get_constraintdef(oid, boolean)',
        'pg_get_viewdef(oid)', 'pg_get_viewdef(oid, boolean)', 'pg_get_viewdef(text)', 'pg_get_viewdef(text, boolean)']
    loop
        if to_regprocedure('pg_catalog.' || signature)::oid < 16384 then
            update pg_catalog.pg_proc set proname = 'rs_' || proname where oid = to_regprocedure('pg_catalog.' || signature);
        end if;
    end loop;
end $$;

-- VARCHAR(n) and CHAR(n) count bytes. The length coercion of a type stands in pg_cast; ours takes the place of the
-- built-in one, which counts characters. An explicit cast cuts at the last whole character, an assignment fails unless
-- what is cut off is blank.
create or replace function pg_catalog.rs_cut(value text, bytes int) returns text
language plpgsql immutable strict parallel safe as $$
declare
    cut bytea := convert_to(value, 'UTF8');
begin
    -- 10xxxxxx continues a character
    while bytes > 0 and bytes < octet_length(cut) and get_byte(cut, bytes) & 192 = 128 loop
        bytes := bytes - 1;
    end loop;
    return convert_from(substring(cut for bytes), 'UTF8');
end $$;

create or replace function pg_catalog.rs_too_long(value text, typmod int, explicit boolean, type text) returns text
language plpgsql immutable strict parallel safe as $$
declare
    cut text := rs_cut(value, typmod - 4);
begin
    if not explicit and rtrim(substring(value from length(cut) + 1), ' ') <> '' then
        raise exception 'value too long for type %(%)', type, typmod - 4
            using errcode = 'string_data_right_truncation';
    end if;
    return cut;
end $$;

-- not strict, so that Postgres can put the expression in the call's place
create or replace function pg_catalog.rs_varchar(value varchar, typmod int, explicit boolean) returns varchar
language sql immutable parallel safe support varchar_support as $$
    select case when typmod < 4 or octet_length(value) <= typmod - 4 then value
        else rs_too_long(value, typmod, explicit, 'character varying')::varchar end
$$;

create or replace function pg_catalog.rs_pad(value text, bytes int) returns bpchar
language sql immutable parallel safe as $$
    select rpad(value, bytes - octet_length(value) + length(value))::bpchar
$$;

create or replace function pg_catalog.rs_char(value bpchar, typmod int, explicit boolean) returns bpchar
language sql immutable parallel safe as $$
    select case when typmod < 4 or octet_length(value) = typmod - 4 then value
        when octet_length(value) < typmod - 4 then rs_pad(value::text, typmod - 4)
        else rs_pad(rs_too_long(value::text, typmod, explicit, 'character'), typmod - 4) end
$$;

update pg_catalog.pg_cast set castfunc = 'pg_catalog.rs_varchar(varchar, int, boolean)'::regprocedure
where castsource = 'varchar'::regtype and casttarget = 'varchar'::regtype;
update pg_catalog.pg_cast set castfunc = 'pg_catalog.rs_char(bpchar, int, boolean)'::regprocedure
where castsource = 'bpchar'::regtype and casttarget = 'bpchar'::regtype;

-- A condition that holds, and that the planner does not see through (dialect/create_table.py).
create or replace function pg_catalog.rs_whole_query() returns boolean
language plpgsql stable parallel safe as $$ begin return true; end $$;
