-- VARBYTE, which is bytea underneath.

create or replace function pg_catalog.from_hex(value text) returns bytea
language sql immutable strict parallel safe return decode(case when length(value) % 2 = 1 then '0' || value else value end, 'hex');
create or replace function pg_catalog.to_hex(value bytea) returns text
language sql immutable strict parallel safe return encode(value, 'hex');

create or replace function pg_catalog.to_varbyte(value text, format text) returns bytea
language plpgsql immutable strict parallel safe as $$
begin
    return case lower(format)
        when 'utf8' then convert_to(value, 'UTF8') when 'utf-8' then convert_to(value, 'UTF8')
        when 'hex' then from_hex(value)
        when 'base64' then decode(value, 'base64')
        when 'binary' then rs_bits(value)
        else rs_unknown_format(format) end;
end $$;
create or replace function pg_catalog.from_varbyte(value bytea, format text) returns text
language plpgsql immutable strict parallel safe as $$
begin
    return case lower(format)
        when 'utf8' then convert_from(value, 'UTF8') when 'utf-8' then convert_from(value, 'UTF8')
        when 'hex' then encode(value, 'hex')
        when 'base64' then replace(encode(value, 'base64'), chr(10), '')
        when 'binary' then (select string_agg(lpad(get_byte(value, place)::bit(8)::text, 8, '0'), '' order by place)
            from generate_series(0, length(value) - 1) place)
        else convert_from(rs_unknown_format(format), 'UTF8') end;
end $$;
create or replace function pg_catalog.rs_unknown_format(format text) returns bytea
language plpgsql immutable strict parallel safe as $$
begin
    raise exception 'Unknown format %: expected one of utf8, hex, binary, base64', format
        using errcode = 'invalid_parameter_value';
end $$;
-- '1010…', filled with zeros on the left to whole bytes
create or replace function pg_catalog.rs_bits(value text) returns bytea
language sql immutable strict parallel safe as $$
    select coalesce(string_agg(decode(lpad(to_hex(substr(filled, place * 8 + 1, 8)::bit(8)::int), 2, '0'), 'hex'), ''::bytea
        order by place), ''::bytea)
    from (select lpad(value, (length(value) + 7) / 8 * 8, '0') as filled) f,
        generate_series(0, length(filled) / 8 - 1) place
$$;
-- bit 0 is the lowest bit of the last byte
create or replace function pg_catalog.getbit(value bytea, place int) returns int
language sql immutable strict parallel safe
return get_byte(value, length(value) - 1 - place / 8) >> (place % 8) & 1;

-- strings are their bytes in UTF-8
create or replace function pg_catalog.rs_bytes(value text) returns bytea
language sql immutable strict parallel safe return convert_to(value, 'UTF8');
create or replace function pg_catalog.rs_bytes(value varchar) returns bytea
language sql immutable strict parallel safe return convert_to(value, 'UTF8');
create or replace function pg_catalog.rs_bytes(value bpchar) returns bytea
language sql immutable strict parallel safe return convert_to(value::text || repeat(' ', octet_length(value) - length(value)), 'UTF8');
create or replace function pg_catalog.rs_text(value bytea) returns text
language sql immutable strict parallel safe return convert_from(value, 'UTF8');
create or replace function pg_catalog.rs_varchar(value bytea) returns varchar
language sql immutable strict parallel safe return convert_from(value, 'UTF8')::varchar;
create or replace function pg_catalog.rs_char(value bytea) returns bpchar
language sql immutable strict parallel safe return convert_from(value, 'UTF8')::bpchar;
do $$
begin
    if not exists (select from pg_cast where castsource = 'varchar'::regtype and casttarget = 'bytea'::regtype) then
        create cast (text as bytea) with function pg_catalog.rs_bytes(text);
        create cast (varchar as bytea) with function pg_catalog.rs_bytes(varchar);
        create cast (bpchar as bytea) with function pg_catalog.rs_bytes(bpchar);
        create cast (bytea as text) with function pg_catalog.rs_text(bytea);
        create cast (bytea as varchar) with function pg_catalog.rs_varchar(bytea);
        create cast (bytea as bpchar) with function pg_catalog.rs_char(bytea);
    end if;
end $$;
