-- JSON in text: what is not there is an empty string; invalid JSON is an error, or null if asked for.

create or replace function pg_catalog.rs_parse(value text, null_if_invalid boolean) returns json
language plpgsql immutable strict parallel safe as $$
begin
    if value is json then
        return value::json;
    elsif null_if_invalid then
        return null;
    end if;
    raise exception 'JSON parsing error' using errcode = 'invalid_text_representation',
        detail = format('invalid json object %s', left(value, 1000));
end $$;

create or replace function pg_catalog.is_valid_json(value text) returns boolean
language sql immutable strict parallel safe return value is json object;
create or replace function pg_catalog.is_valid_json_array(value text) returns boolean
language sql immutable strict parallel safe return value is json array;

create or replace function pg_catalog.json_array_length(value text, null_if_invalid boolean default false) returns int
language sql immutable strict parallel safe as $$
    select case rs_pg_json_typeof(rs_parse(value, null_if_invalid))
        when 'array' then rs_pg_json_array_length(value::json)
        else case when null_if_invalid then null
            else rs_pg_json_array_length(rs_parse(value, null_if_invalid)) end end
$$;

create or replace function pg_catalog.json_extract_array_element_text(value text, place int,
    null_if_invalid boolean default false) returns text
language sql immutable strict parallel safe as $$
    select case when rs_parse(value, null_if_invalid) is not null
        then coalesce(case when place >= 0 then rs_parse(value, null_if_invalid) ->> place end, '') end
$$;

-- the dialect gathers the path in an array
create or replace function pg_catalog.json_extract_path_text(value text, path text[], null_if_invalid boolean)
returns text
language sql immutable strict parallel safe as $$
    select case when value = '' then '' when rs_parse(value, null_if_invalid) is not null
        then coalesce(rs_parse(value, null_if_invalid) #>> path, '') end
$$;

create or replace function pg_catalog.can_json_parse(value text) returns boolean
language sql immutable strict parallel safe return value is json;
create or replace function pg_catalog.can_json_parse(value bytea) returns boolean
language sql immutable strict parallel safe return convert_from(value, 'UTF8') is json;

create or replace function pg_catalog.json_parse(value text) returns super
language sql immutable strict parallel safe return rs_compact(rs_parse(value,
    coalesce(current_setting('redshift.parse_super_null_on_error', true), '') = 'on')::text)::json::super;
create or replace function pg_catalog.json_parse(value bytea) returns super
language sql immutable strict parallel safe return json_parse(convert_from(value, 'UTF8'));

create or replace function pg_catalog.json_serialize(value super) returns text
language sql immutable strict parallel safe return rs_compact(rs_json(value)::text);
create or replace function pg_catalog.json_serialize_to_varbyte(value super) returns bytea
language sql immutable strict parallel safe return convert_to(rs_compact(rs_json(value)::text), 'UTF8');
