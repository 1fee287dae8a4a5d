-- Aggregates. Postgres' own of the same name stepped aside (shadows.sql).

-- the average of whole numbers is a whole number, cut off; that of decimals has their scale
create or replace function pg_catalog.rs_whole_average(state int8[]) returns int8
language sql immutable strict parallel safe return case when state[1] > 0 then state[2] / state[1] end;
create or replace function pg_catalog.rs_add_decimal(state numeric[], value numeric) returns numeric[]
language plpgsql immutable parallel safe as $$
begin
    if value is null then
        return state;
    end if;
    return array[state[1] + 1, state[2] + value, greatest(state[3], scale(value))];
end $$;
create or replace function pg_catalog.rs_add_decimals(a numeric[], b numeric[]) returns numeric[]
language sql immutable strict parallel safe return array[a[1] + b[1], a[2] + b[2], greatest(a[3], b[3])];
create or replace function pg_catalog.rs_decimal_average(state numeric[]) returns numeric
language sql immutable strict parallel safe
return case when state[1] > 0 then trunc(state[2] / state[1], state[3]::int) end;
create or replace function pg_catalog.rs_long_average(state numeric[]) returns numeric
language sql immutable strict parallel safe return case when state[1] > 0 then div(state[2], state[1]) end;
create or replace function pg_catalog.rs_add_long(state numeric[], value int8) returns numeric[]
language plpgsql immutable parallel safe as $$
begin
    if value is null then
        return state;
    end if;
    return array[state[1] + 1, state[2] + value, 0];
end $$;

create or replace aggregate pg_catalog.avg(int2) (sfunc = int2_avg_accum, stype = int8[], finalfunc = rs_whole_average,
    combinefunc = int4_avg_combine, initcond = '{0,0}', msfunc = int2_avg_accum, minvfunc = int2_avg_accum_inv,
    mstype = int8[], mfinalfunc = rs_whole_average, minitcond = '{0,0}', parallel = safe);
create or replace aggregate pg_catalog.avg(int4) (sfunc = int4_avg_accum, stype = int8[], finalfunc = rs_whole_average,
    combinefunc = int4_avg_combine, initcond = '{0,0}', msfunc = int4_avg_accum, minvfunc = int4_avg_accum_inv,
    mstype = int8[], mfinalfunc = rs_whole_average, minitcond = '{0,0}', parallel = safe);
create or replace aggregate pg_catalog.avg(int8) (sfunc = rs_add_long, stype = numeric[], finalfunc = rs_long_average,
    combinefunc = rs_add_decimals, initcond = '{0,0,0}', parallel = safe);
create or replace aggregate pg_catalog.avg(numeric) (sfunc = rs_add_decimal, stype = numeric[],
    finalfunc = rs_decimal_average, combinefunc = rs_add_decimals, initcond = '{0,0,0}', parallel = safe);

-- whole numbers may stand for booleans
do $$
declare
    kind text;
begin
    foreach kind in array array['int2', 'int4', 'int8'] loop
        execute format('create or replace function pg_catalog.rs_and(state bool, value %s) returns bool
            language sql immutable parallel safe
            return case when value is null then state else coalesce(state, true) and value <> 0 end', kind);
        execute format('create or replace function pg_catalog.rs_or(state bool, value %s) returns bool
            language sql immutable parallel safe
            return case when value is null then state else coalesce(state, false) or value <> 0 end', kind);
        execute format('create or replace aggregate pg_catalog.bool_and(%s) (sfunc = rs_and, stype = bool)', kind);
        execute format('create or replace aggregate pg_catalog.bool_or(%s) (sfunc = rs_or, stype = bool)', kind);
    end loop;
end $$;

-- numbers inside SUPER
create or replace function pg_catalog.rs_add_super(total numeric, value super) returns numeric
language sql immutable parallel safe return case when "numeric"(value) is null then total
    else coalesce(total, 0) + "numeric"(value) end;
create or replace aggregate pg_catalog.sum(super) (sfunc = rs_add_super, stype = numeric);
create or replace function pg_catalog.rs_smaller(a super, b super) returns super
language sql immutable strict parallel safe return case when super_cmp(a, b) <= 0 then a else b end;
create or replace function pg_catalog.rs_larger(a super, b super) returns super
language sql immutable strict parallel safe return case when super_cmp(a, b) >= 0 then a else b end;
create or replace aggregate pg_catalog.min(super) (sfunc = rs_smaller, stype = super);
create or replace aggregate pg_catalog.max(super) (sfunc = rs_larger, stype = super);
-- A boolean becomes SUPER where that is asked for; these do not ask.
create or replace function pg_catalog.rs_no_aggregate(state bool, value bool) returns bool
language sql immutable parallel safe return null::bool;
do $$
declare
    name text;
begin
    foreach name in array array['sum', 'min', 'max'] loop
        execute format('create or replace function pg_catalog.rs_no_%s(state bool) returns bool
            language plpgsql immutable parallel safe as $f$
            begin
                raise exception ''function %1$s(boolean) does not exist'' using errcode = ''undefined_function'';
            end $f$', name);
        execute format('create or replace aggregate pg_catalog.%s(bool)
            (sfunc = rs_no_aggregate, stype = bool, finalfunc = rs_no_%1$s)', name);
    end loop;
    foreach name in array array['abs', 'ceil', 'ceiling', 'floor', 'round', 'sign', 'trunc'] loop
        execute format('create or replace function pg_catalog.%s(value bool) returns bool
            language plpgsql immutable parallel safe as $f$
            begin
                raise exception ''function %1$s(boolean) does not exist'' using errcode = ''undefined_function'';
            end $f$', name);
    end loop;
end $$;

-- text, by far the commonest, adds up in place; limit and blanks are looked at there
create or replace function pg_catalog.rs_append(state text, value text, delimiter text) returns text
language plpgsql immutable parallel safe as $$
begin
    if value is null or value = '' then
        return state;
    end if;
    state := case when state is null then value else state || coalesce(delimiter, '') || value end;
    if octet_length(state) > 65535 then
        raise exception 'Result size exceeds LISTAGG limit' using errcode = 'program_limit_exceeded',
            detail = 'LISTAGG limit: 65535';
    end if;
    return state;
end $$;
create or replace function pg_catalog.rs_append(state text, value anynonarray, delimiter text) returns text
language sql immutable parallel safe as $$ select rs_append(state, value::text, delimiter) $$;
create or replace function pg_catalog.rs_append(state text, value text) returns text
language sql immutable parallel safe as $$ select rs_append(state, value, null::text) $$;
create or replace function pg_catalog.rs_append(state text, value anynonarray) returns text
language sql immutable parallel safe as $$ select rs_append(state, value::text, null::text) $$;
create or replace aggregate pg_catalog.listagg(text, text) (sfunc = rs_append, stype = text);
create or replace aggregate pg_catalog.listagg(anynonarray, text) (sfunc = rs_append, stype = text);
create or replace aggregate pg_catalog.listagg(text) (sfunc = rs_append, stype = text);
create or replace aggregate pg_catalog.listagg(anynonarray) (sfunc = rs_append, stype = text);

-- Over a window no aggregate of Postgres may be told its order: the dialect gathers the values with array_agg, and these
-- take the array. Items of LISTAGG are [[is null, sort key]…, value] of at most three keys.
create or replace function pg_catalog.rs_key(key anyelement) returns jsonb
language sql stable parallel safe as $$ select jsonb_build_array(key is null, key) $$;
create or replace function pg_catalog.listagg(items jsonb[], delimiter text, is_distinct boolean, downwards boolean[])
returns text
language plpgsql immutable parallel safe as $$
declare
    item record;
    seen text[] := '{}';
    result text;
begin
    for item in
        select e.item ->> -1 as value
        from unnest(items) with ordinality as e (item, place)
        order by case when not downwards[1] then e.item -> 0 end, case when downwards[1] then e.item -> 0 end desc,
            case when not downwards[2] then e.item -> 1 end, case when downwards[2] then e.item -> 1 end desc,
            case when not downwards[3] then e.item -> 2 end, case when downwards[3] then e.item -> 2 end desc, e.place
    loop
        if not (is_distinct and item.value = any (seen)) then
            result := rs_append(result, item.value, delimiter);
            if is_distinct and item.value is not null then
                seen := seen || item.value;
            end if;
        end if;
    end loop;
    return result;
end $$;

-- percentiles: between two decimals a decimal, between two moments a moment
create or replace function pg_catalog.rs_between(low anyelement, high anyelement, share float8) returns anyelement
language plpgsql immutable parallel safe as $$
begin
    if pg_typeof(low) = 'numeric'::regtype then
        return (select round(v, greatest(scale(trim_scale(v)), scale(low), 1))
            from (select low + (high - low) * share::numeric as v) between_them);
    elsif pg_typeof(low) = 'date'::regtype then
        return low + trunc((high - low) * share)::int;
    end if;
    return low + (high - low) * share;
end $$;
create or replace function pg_catalog.rs_share(share float8) returns float8
language plpgsql immutable strict parallel safe as $$
begin
    if share not between 0 and 1 then
        raise exception 'percentile value % is not between 0 and 1', share using errcode = 'numeric_value_out_of_range';
    end if;
    return share;
end $$;
create or replace function pg_catalog.rs_percentile(items anyarray, share float8, downwards boolean) returns anyelement
language plpgsql immutable parallel safe as $$
declare
    sorted items%type := array(select v from unnest(items) v where v is not null order by v);
    place float8 := case when downwards then 1 - rs_share(share) else rs_share(share) end * (cardinality(sorted) - 1);
    below int := floor(place)::int + 1;
begin
    if cardinality(sorted) = 0 then
        return null;
    elsif place = below - 1 then
        return sorted[below];
    end if;
    return rs_between(sorted[below], sorted[below + 1], place - below + 1);
end $$;
create or replace function pg_catalog.percentile_disc(items anyarray, share float8, downwards boolean) returns anyelement
language sql immutable parallel safe as $$
    select v from (
        select v, row_number() over (order by case when not downwards then v end, case when downwards then v end desc)
            as place, count(*) over () as size
        from unnest(items) v where v is not null) ranked
    where place >= ceil(rs_share(share) * size) order by place limit 1
$$;

do $$
declare
    kind record;
begin
    -- of whole numbers, decimals with one digit at least
    for kind in select * from (values
        ('float8', 'float8'), ('float4', 'float8'), ('numeric', 'numeric'), ('int2', 'numeric'), ('int4', 'numeric'),
        ('int8', 'numeric'), ('date', 'date'), ('timestamp', 'timestamp'), ('timestamptz', 'timestamptz'),
        ('time', 'time'), ('interval', 'interval')) as k (input, output)
    loop
        execute format('create or replace function pg_catalog.percentile_cont(items %s[], share float8,
            downwards boolean) returns %s language sql immutable parallel safe
            return pg_catalog.rs_percentile(items::%3$s[], share, downwards)', kind.input, kind.output,
            case when kind.input ~ 'int.$' then 'numeric(38, 1)' else kind.output end);
        execute format('create or replace function pg_catalog.rs_median(items %s[]) returns %s
            language sql immutable parallel safe return pg_catalog.percentile_cont(items, 0.5, false)', kind.input,
            kind.output);
        execute format('create or replace aggregate pg_catalog.median(%1$s)
            (sfunc = array_append, stype = %1$s[], finalfunc = pg_catalog.rs_median)', kind.input);
    end loop;
end $$;
