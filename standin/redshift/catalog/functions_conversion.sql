-- Conversion.

-- null where the cast fails
create or replace function pg_catalog.try_cast(value anyelement, target anycompatible) returns anycompatible
language plpgsql stable parallel safe as $$
declare
    result target%type;
begin
    result := value;
    return result;
exception when others then
    return null;
end $$;

-- numbers as Teradata writes them: signs at either end, currency and group marks, an exponent
create or replace function pg_catalog.rs_teradata_number(value text) returns numeric
language plpgsql immutable strict parallel safe as $$
declare
    plain text := rs_pg_regexp_replace(btrim(value), '[$,_ ]', '', 'g');
    last_digit text;
    place int;
begin
    if plain ~ '[-+]$' then
        plain := right(plain, 1) || left(plain, -1);
    end if;
    -- the last digit may carry the sign
    last_digit := right(plain, 1);
    place := strpos('{ABCDEFGHI}JKLMNOPQR', last_digit);
    if place > 0 then
        plain := case when place > 10 then '-' else '' end || left(plain, -1) || ((place - 1) % 10)::text;
    end if;
    return plain::numeric;
end $$;
create or replace function pg_catalog.text_to_int_alt(value text) returns int
language sql immutable strict parallel safe return trunc(rs_teradata_number(value))::int;
create or replace function pg_catalog.text_to_int_alt(value text, format text) returns int
language sql immutable strict parallel safe return trunc(rs_teradata_number(value))::int;
create or replace function pg_catalog.text_to_numeric_alt(value text, format text default '', digits int default 38,
    decimals int default 0) returns numeric
language sql immutable strict parallel safe return round(rs_teradata_number(value), decimals);

-- whole numbers may be put where a boolean is wanted; a boolean is never a string
do $$
declare
    kind text;
begin
    foreach kind in array array['int2', 'int8'] loop
        execute format('create or replace function pg_catalog.rs_bool(%s) returns bool language sql immutable strict
            parallel safe return $1 <> 0', kind);
        if not exists (select from pg_cast where castsource = kind::regtype and casttarget = 'bool'::regtype) then
            execute format('create cast (%s as bool) with function pg_catalog.rs_bool(%s) as assignment', kind, kind);
        end if;
    end loop;
end $$;
update pg_catalog.pg_cast set castcontext = 'a' where castsource = 'int4'::regtype and casttarget = 'bool'::regtype;
create or replace function pg_catalog.rs_no_string(bool) returns text
language plpgsql immutable strict parallel safe as $$
begin
    raise exception 'cannot cast type boolean to character varying' using errcode = 'cannot_coerce',
        hint = 'Use a CASE expression.';
end $$;
update pg_catalog.pg_cast set castfunc = 'pg_catalog.rs_no_string(bool)'::regprocedure
where castsource = 'bool'::regtype and casttarget in ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype);
