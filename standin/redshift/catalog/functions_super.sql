-- Functions that make, take apart and ask about SUPER values. `array(…)` and `object(…)` are syntax: the dialect wraps
-- every element in rs_element, every member in rs_member.

create or replace function pg_catalog.rs_element(value super) returns json
language sql immutable parallel safe return rs_json(value);
create or replace function pg_catalog.rs_element(value text) returns json
language sql immutable parallel safe return to_json(value);
create or replace function pg_catalog.rs_element(value anynonarray) returns json
language sql stable parallel safe as $$ select to_json(value) $$;

-- exactly these, because they turn into SUPER by themselves too
do $$
declare
    kind text;
begin
    foreach kind in array array['bool', 'int2', 'int4', 'int8', 'numeric', 'float4', 'float8'] loop
        execute format('create or replace function pg_catalog.rs_element(value %s) returns json
            language sql immutable parallel safe return to_json(value)', kind);
    end loop;
end $$;

-- moments do not turn into SUPER
create or replace function pg_catalog.rs_member(value anynonarray) returns json
language plpgsql immutable parallel safe as $$
begin
    raise exception 'OBJECT could not convert type % to super', pg_typeof(value) using errcode = 'cannot_coerce';
end $$;
create or replace function pg_catalog.rs_member(value super) returns json
language sql immutable parallel safe return rs_json(value);
create or replace function pg_catalog.rs_member(value text) returns json
language sql immutable parallel safe return to_json(value);
do $$
declare
    kind text;
begin
    foreach kind in array array['bool', 'int2', 'int4', 'int8', 'numeric', 'float4', 'float8'] loop
        execute format('create or replace function pg_catalog.rs_member(value %s) returns json
            language sql immutable parallel safe return to_json(value)', kind);
    end loop;
end $$;

create or replace function pg_catalog."array"(elements json) returns super
language sql immutable strict parallel safe return rs_compact(elements::text)::json::super;
create or replace function pg_catalog.object(members json) returns super
language sql immutable strict parallel safe return rs_compact(members::text)::json::super;

create or replace function pg_catalog.rs_is_array(value super) returns boolean
language sql immutable parallel safe return value is not null and rs_pg_json_typeof(rs_json(value)) = 'array';

-- the elements of an array in their order, and an array of elements
create or replace function pg_catalog.rs_elements(value super) returns json[]
language sql immutable strict parallel safe as $$
    select case when rs_is_array(value)
        then array(select element from json_array_elements(rs_json(value)) as e (element)) end
$$;
create or replace function pg_catalog.rs_from_elements(elements json[]) returns super
language sql immutable strict parallel safe
return ('[' || array_to_string(elements, ',', 'null') || ']')::json::super;

create or replace function pg_catalog.array_concat(a super, b super) returns super
language sql immutable strict parallel safe return rs_from_elements(rs_elements(a) || rs_elements(b));
create or replace function pg_catalog.array_flatten(value super) returns super
language sql immutable strict parallel safe as $$
    select rs_from_elements(array(
        select case when rs_pg_json_typeof(e.element) = 'array' then inner_element else e.element end
        from unnest(rs_elements(value)) with ordinality as e (element, place)
        left join lateral json_array_elements(case when rs_pg_json_typeof(e.element) = 'array' then e.element end)
            with ordinality as i (inner_element, inner_place) on true
        where rs_pg_json_typeof(e.element) <> 'array' or i.inner_place is not null
        order by e.place, i.inner_place))
$$;
create or replace function pg_catalog.get_array_length(value super) returns int
language sql immutable strict parallel safe
return case when rs_is_array(value) then rs_pg_json_array_length(rs_json(value)) end;
create or replace function pg_catalog.subarray(value super, start int, size int) returns super
language sql immutable strict parallel safe as $$
    select rs_from_elements((rs_elements(value))[first + 1 : first + greatest(size, 0)])
    from (select case when start < 0 then greatest(rs_pg_json_array_length(rs_json(value)) + start, 0) else start end)
        as s (first)
    where rs_is_array(value)
$$;
create or replace function pg_catalog.split_to_array(value text, delimiter text default ',') returns super
language sql immutable strict parallel safe return array_to_json(string_to_array(value, delimiter))::super;

create or replace function pg_catalog.array_contains(value super, element super) returns boolean
language sql immutable strict parallel safe as $$
    select rs_jsonb(element) = any (array(select e::jsonb from unnest(rs_elements(value)) e)) where rs_is_array(value)
$$;
create or replace function pg_catalog.array_position(value super, element super) returns int
language sql immutable strict parallel safe as $$
    select coalesce((select min(place)::int - 1 from unnest(rs_elements(value)) with ordinality as e (item, place)
        where item::jsonb = rs_jsonb(element)), -1) where rs_is_array(value)
$$;
create or replace function pg_catalog.array_positions(value super, element super) returns super
language sql immutable strict parallel safe as $$
    select rs_from_elements(array(select to_json(place - 1) from unnest(rs_elements(value)) with ordinality
        as e (item, place) where item::jsonb = rs_jsonb(element) order by place)) where rs_is_array(value)
$$;
create or replace function pg_catalog.array_distinct(value super) returns super
language sql immutable strict parallel safe as $$
    select rs_from_elements(array(select item from (
        select distinct on (item::jsonb) item, place from unnest(rs_elements(value)) with ordinality as e (item, place)
        order by item::jsonb, place) d order by place)) where rs_is_array(value)
$$;
create or replace function pg_catalog.array_union(a super, b super) returns super
language sql immutable strict parallel safe return array_distinct(array_concat(a, b));
create or replace function pg_catalog.array_intersection(a super, b super) returns super
language sql immutable strict parallel safe as $$
    select array_distinct(rs_from_elements(array(
        select item from unnest(rs_elements(a)) with ordinality as e (item, place)
        where item::jsonb in (select other::jsonb from unnest(rs_elements(b)) other) order by place)))
    where rs_is_array(a) and rs_is_array(b)
$$;
create or replace function pg_catalog.array_except(a super, b super) returns super
language sql immutable strict parallel safe as $$
    select array_distinct(rs_from_elements(array(
        select item from unnest(rs_elements(a)) with ordinality as e (item, place)
        where item::jsonb not in (select other::jsonb from unnest(rs_elements(b)) other) order by place)))
    where rs_is_array(a) and rs_is_array(b)
$$;
create or replace function pg_catalog.arrays_overlap(a super, b super) returns boolean
language sql immutable strict parallel safe as $$
    select exists (select from unnest(rs_elements(a)) item
        where item::jsonb in (select other::jsonb from unnest(rs_elements(b)) other))
    where rs_is_array(a) and rs_is_array(b)
$$;
create or replace function pg_catalog.array_sort(value super, ascending boolean default true,
    nulls_first boolean default true) returns super
language sql immutable strict parallel safe as $$
    select rs_from_elements(array(select item from unnest(rs_elements(value)) item
        order by (rs_pg_json_typeof(item) = 'null') <> nulls_first,
            case when ascending then item::super end, case when not ascending then item::super end desc))
    where rs_is_array(value)
$$;

-- objects
create or replace function pg_catalog.get_number_attributes(value super) returns int
language sql immutable strict parallel safe as $$
    select (select count(*)::int from json_object_keys(rs_json(value)))
    where rs_pg_json_typeof(rs_json(value)) = 'object'
$$;

create or replace function pg_catalog.rs_fold_attributes(value json, upper boolean) returns json
language sql immutable strict parallel safe as $$
    select case rs_pg_json_typeof(value)
        when 'object' then ('{' || coalesce((select string_agg(
            to_json(case when upper then upper(m.key) else lower(m.key) end)::text || ':' ||
            rs_fold_attributes(m.value, upper)::text, ',') from json_each(value) as m), '') || '}')::json
        when 'array' then ('[' || coalesce((select string_agg(rs_fold_attributes(e, upper)::text, ',')
            from json_array_elements(value) e), '') || ']')::json
        else value end
$$;
create or replace function pg_catalog.lower_attribute_names(value super) returns super
language sql immutable strict parallel safe return rs_fold_attributes(rs_json(value), false)::super;
create or replace function pg_catalog.upper_attribute_names(value super) returns super
language sql immutable strict parallel safe return rs_fold_attributes(rs_json(value), true)::super;

-- a path as OBJECT_TRANSFORM takes it: "a"."b"
create or replace function pg_catalog.rs_path(path text) returns text[]
language sql immutable strict parallel safe as $$
    select array(select coalesce(m[1], m[2]) from regexp_matches(path, '"((?:[^"])*)"|([^."]+)', 'g') m)
$$;

create or replace function pg_catalog.rs_put(value json, path text[], new json) returns json
language sql immutable parallel safe as $$
    select case when cardinality(path) = 0 then new else ('{' || array_to_string(
        array(select to_json(m.key)::text || ':' ||
            case when m.key = path[1] then rs_put(m.value, path[2:], new)::text else m.value::text end
            from json_each(case when rs_pg_json_typeof(value) = 'object' then value end) as m)
        || case when rs_pg_json_typeof(value) = 'object' and exists (
                select from json_object_keys(value) k where k = path[1]) then '{}'::text[]
            else array[to_json(path[1])::text || ':' || rs_put(null, path[2:], new)::text] end, ',') || '}')::json end
$$;

create or replace function pg_catalog.object_transform(value super, kept text[], places text[], new json[]) returns super
language plpgsql immutable parallel safe as $$
declare
    result json := rs_json(value);
    path text;
begin
    if rs_pg_json_typeof(result) <> 'object' or (cardinality(kept) = 0 and cardinality(places) = 0) then
        return value;
    end if;
    if cardinality(kept) > 0 then
        result := '{}';
        foreach path in array kept loop
            if rs_json(value) #> rs_path(path) is not null then
                result := rs_put(result, rs_path(path), rs_json(value) #> rs_path(path));
            end if;
        end loop;
    end if;
    for place in 1 .. cardinality(places) loop
        result := rs_put(result, rs_path(places[place]), coalesce(new[place], 'null'));
    end loop;
    return rs_compact(result::text)::json::super;
end $$;

-- what a value is; false for null
create or replace function pg_catalog.json_typeof(value super) returns text
language sql immutable parallel safe
return case when value is null then 'null' else rs_pg_json_typeof(rs_json(value)) end;
create or replace function pg_catalog.rs_is(value super, kind text) returns boolean
language sql immutable parallel safe return value is not null and rs_pg_json_typeof(rs_json(value)) = kind;
create or replace function pg_catalog.is_array(value super) returns boolean
language sql immutable parallel safe return rs_is(value, 'array');
create or replace function pg_catalog.is_object(value super) returns boolean
language sql immutable parallel safe return rs_is(value, 'object');
create or replace function pg_catalog.is_boolean(value super) returns boolean
language sql immutable parallel safe return rs_is(value, 'boolean');
create or replace function pg_catalog.is_varchar(value super) returns boolean
language sql immutable parallel safe return rs_is(value, 'string');
create or replace function pg_catalog.is_char(value super) returns boolean
language sql immutable parallel safe return rs_is(value, 'string') and octet_length(rs_scalar(value)) = length(rs_scalar(value));
create or replace function pg_catalog.is_scalar(value super) returns boolean
language sql immutable parallel safe
return value is not null and rs_pg_json_typeof(rs_json(value)) not in ('array', 'object', 'null');
create or replace function pg_catalog.is_float(value super) returns boolean
language sql immutable parallel safe return rs_is(value, 'number') and rs_scalar(value) ~ '[eE]';
create or replace function pg_catalog.is_decimal(value super) returns boolean
language sql immutable parallel safe return rs_is(value, 'number') and rs_scalar(value) !~ '[eE]';
create or replace function pg_catalog.rs_is_whole(value super, largest numeric) returns boolean
language sql immutable parallel safe
return is_decimal(value) and scale("numeric"(value)) = 0 and "numeric"(value) between -largest - 1 and largest;
create or replace function pg_catalog.is_smallint(value super) returns boolean
language sql immutable parallel safe return rs_is_whole(value, 32767);
create or replace function pg_catalog.is_integer(value super) returns boolean
language sql immutable parallel safe return rs_is_whole(value, 2147483647);
create or replace function pg_catalog.is_bigint(value super) returns boolean
language sql immutable parallel safe return rs_is_whole(value, 9223372036854775807);
create or replace function pg_catalog.decimal_precision(value super) returns int
language sql immutable strict parallel safe
return case when is_decimal(value) then length(ltrim(rs_pg_regexp_replace(rs_scalar(value), '[^0-9]', '', 'g'), '0')) end;
create or replace function pg_catalog.decimal_scale(value super) returns int
language sql immutable strict parallel safe return case when is_decimal(value) then scale("numeric"(value)) end;
create or replace function pg_catalog.json_size(value super) returns int
language sql immutable strict parallel safe return octet_length(rs_compact(rs_json(value)::text));
create or replace function pg_catalog.size(value super) returns int
language sql immutable strict parallel safe return pg_column_size(value);

-- a SUPER string joins text as text
create or replace function pg_catalog.rs_join(value super, other text) returns text
language sql immutable strict parallel safe return rs_scalar(value) || other;
create or replace function pg_catalog.rs_join(value text, other super) returns text
language sql immutable strict parallel safe return value || rs_scalar(other);
create or replace function pg_catalog.rs_join(value super, other super) returns text
language sql immutable strict parallel safe return rs_scalar(value) || rs_scalar(other);
do $$
begin
    if to_regoperator('pg_catalog.||(super,text)') is null then
        create operator pg_catalog.|| (leftarg = super, rightarg = text, function = pg_catalog.rs_join);
        create operator pg_catalog.|| (leftarg = text, rightarg = super, function = pg_catalog.rs_join);
        create operator pg_catalog.|| (leftarg = super, rightarg = super, function = pg_catalog.rs_join);
    end if;
end $$;

-- numbers inside SUPER, where numbers are asked for
do $$
declare
    name text;
begin
    foreach name in array array['abs', 'ceil', 'ceiling', 'floor', 'round', 'trunc', 'sign'] loop
        execute format('create or replace function pg_catalog.%s(value super) returns numeric
            language sql immutable strict parallel safe return pg_catalog.%1$s(pg_catalog."numeric"(value))', name);
    end loop;
    foreach name in array array['round', 'trunc'] loop
        execute format('create or replace function pg_catalog.%s(value super, digits int) returns numeric
            language sql immutable strict parallel safe return pg_catalog.%1$s(pg_catalog."numeric"(value), digits)', name);
    end loop;
end $$;
