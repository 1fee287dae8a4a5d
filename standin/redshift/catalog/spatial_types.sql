-- GEOMETRY and GEOGRAPHY as base types, under the numbers that Redshift's clients know (3000, 3001). A value is text: the
-- upper-case hexadecimal EWKB that Redshift shows. It is always little-endian, with the OGC's codes for Z and M (1001 is a
-- POINT Z) and the SRID, if there is one, in the outermost header alone; so functions need not look twice.
-- No operators: Redshift neither compares nor sorts such values, nor groups by them.

-- Postgres checks types that are made in SQL for input and output in C. Ours are copies of another type's rows, as SUPER
-- is; the input function is written in SQL and then told that it reads a cstring.
do $$
declare
    kind pg_catalog.pg_type;
    made record;
begin
    for made in select * from (values ('geometry', 3000, 3002), ('geography', 3001, 3003)) as m (name, oid, array_oid) loop
        continue when to_regtype('pg_catalog.' || made.name) is not null;
        select * into kind from pg_catalog.pg_type where oid = 'text'::regtype;
        kind.oid := made.oid;
        kind.typname := made.name;
        kind.typcategory := 'U';
        kind.typispreferred := false;
        kind.typcollation := 0;
        kind.typarray := made.array_oid;
        kind.typreceive := 0;
        insert into pg_catalog.pg_type select kind.*;
        select * into kind from pg_catalog.pg_type where oid = 'text[]'::regtype;
        kind.oid := made.array_oid;
        kind.typname := '_' || made.name;
        kind.typcollation := 0;
        kind.typelem := made.oid;
        insert into pg_catalog.pg_type select kind.*;
        execute format('create function pg_catalog.%1$s_send(%1$s) returns bytea language sql immutable strict
            parallel safe as %2$L', made.name, 'select pg_catalog.rs_wkb($1)');
        update pg_catalog.pg_type set typsend = to_regprocedure(format('pg_catalog.%1$s_send(%1$s)', made.name))
        where oid = made.oid;
    end loop;
    -- Postgres passes the type and its modifier as well, and a function in SQL must have all that it is passed: of an
    -- argument too many, it would read the length of the type behind the end of its list.
    for made in select * from (values ('geometry', 3000), ('geography', 3001)) as m (name, oid) loop
        continue when to_regprocedure(format('pg_catalog.%s_in(cstring, oid, integer)', made.name)) is not null;
        execute format('create function pg_catalog.%1$s_in(text, oid, integer) returns %1$s language sql immutable strict as
            %2$L', made.name, format('select pg_catalog.rs_read_%s(pg_catalog.textin($1))', made.name));
        update pg_catalog.pg_proc
        set proargtypes = array_to_string(array['cstring', 'oid', 'int4']::regtype[]::oid[], ' ')::oidvector
        where oid = to_regprocedure(format('pg_catalog.%s_in(text, oid, integer)', made.name));
        update pg_catalog.pg_type set typinput = to_regprocedure(format('pg_catalog.%s_in(cstring, oid, integer)', made.name))
        where oid = made.oid;
    end loop;
end $$;

-- Values of which only the type changes: `byteasend` and the signs of numbers give back the very bits that they are
-- given. Between bytea, text and our types that is always right; for the others see below.
create or replace function pg_catalog.rs_hex(value geometry) returns text
language internal immutable strict parallel safe as 'byteasend';
create or replace function pg_catalog.rs_hex(value geography) returns text
language internal immutable strict parallel safe as 'byteasend';
create or replace function pg_catalog.rs_as_geometry(hex text) returns geometry
language internal immutable strict parallel safe as 'byteasend';
create or replace function pg_catalog.rs_as_geometry(value geography) returns geometry
language internal immutable strict parallel safe as 'byteasend';
create or replace function pg_catalog.rs_as_geography(value geometry) returns geography
language internal immutable strict parallel safe as 'byteasend';
create or replace function pg_catalog.rs_double(bits bigint) returns float8
language internal immutable strict parallel safe as 'int8up';
create or replace function pg_catalog.rs_double_bits(value float8) returns bigint
language internal immutable strict parallel safe as 'float8up';

-- An array of doubles in memory is a head of 20 bytes (dimensions, nulls, type, length, first place) and then the doubles
-- as this machine has them, which is little-endian, as in our WKB. So reading a thousand coordinates costs no more than
-- copying them. Nothing else may call the first function: it trusts the head.
create or replace function pg_catalog.rs_trusted_doubles(bytes bytea) returns float8[]
language internal immutable strict parallel safe as 'byteasend';
create or replace function pg_catalog.rs_doubles(bytes bytea) returns float8[]
language plpgsql immutable strict parallel safe as $$
begin
    if octet_length(bytes) < 8 then
        return '{}';
    end if;
    return rs_trusted_doubles(decode('0100000000000000bd020000', 'hex') || reverse((octet_length(bytes) / 8)::bytea)
        || decode('01000000', 'hex') || substr(bytes, 1, octet_length(bytes) / 8 * 8));
end $$;
create or replace function pg_catalog.rs_array_bytes(doubles float8[]) returns bytea
language internal immutable strict parallel safe as 'byteasend';
create or replace function pg_catalog.rs_bytes(doubles float8[]) returns bytea
language plpgsql immutable strict parallel safe as $$
begin
    return case when cardinality(doubles) = 0 then '' else substr(rs_array_bytes(doubles), 21) end;
end $$;

-- what a value is, as bytes
create or replace function pg_catalog.rs_wkb(value geometry) returns bytea
language sql immutable strict parallel safe return decode(rs_hex(value), 'hex');
create or replace function pg_catalog.rs_wkb(value geography) returns bytea
language sql immutable strict parallel safe return decode(rs_hex(value), 'hex');
create or replace function pg_catalog.rs_geometry(wkb bytea) returns geometry
language plpgsql immutable strict parallel safe as $$
begin
    if octet_length(wkb) > 1048447 then
        raise exception 'Geometry size: % is larger than maximum supported size: 1048447', octet_length(wkb)
            using errcode = 'program_limit_exceeded';
    end if;
    return rs_as_geometry(upper(encode(wkb, 'hex')));
end $$;

-- the code of the kind (1 POINT … 7 GEOMETRYCOLLECTION, and 1000 for Z, 2000 for M, 3000 for both), and the SRID
create or replace function pg_catalog.rs_code(value geometry) returns int
language sql immutable strict parallel safe return reverse(decode(substr(rs_hex(value), 3, 4), 'hex'))::int2::int4;
create or replace function pg_catalog.rs_kind(value geometry) returns int
language sql immutable strict parallel safe return rs_code(value) % 1000;
create or replace function pg_catalog.rs_srid(value geometry) returns int
language sql immutable strict parallel safe return reverse(decode(substr(rs_hex(value), 11, 8), 'hex'))::int4
    * (get_byte(decode(substr(rs_hex(value), 9, 2), 'hex'), 0) >> 5);
-- how many coordinates a point has
create or replace function pg_catalog.rs_width(code int) returns int
language sql immutable strict parallel safe return 2 + (code / 1000 & 1) + (code / 2000 & 1);

create or replace function pg_catalog.rs_invalid(message text) returns geometry
language plpgsql immutable strict parallel safe as $$
begin
    raise exception '%', message using errcode = 'invalid_parameter_value';
end $$;
-- the SRID of both
create or replace function pg_catalog.rs_same_srid(a geometry, b geometry, name text) returns int
language plpgsql immutable strict parallel safe as $$
begin
    if rs_srid(a) <> rs_srid(b) then
        perform rs_invalid(format('%s: the geometries have different SRIDs: %s and %s', name, rs_srid(a), rs_srid(b)));
    end if;
    return rs_srid(a);
end $$;

-- Spheroids by the SRID of geographic reference systems: half of their axes, in metres.
create or replace function pg_catalog.rs_spheroid(srid int) returns float8[]
language plpgsql immutable strict parallel safe as $$
declare
    found float8[] := case
        when srid = 4326 then array[6378137, 298.257223563]
        when srid in (4019, 4258, 4269, 4283) then array[6378137, 298.257222101]
        when srid in (4322, 4324) then array[6378135, 298.26]
        when srid in (4008, 4267) then array[6378206.4, 294.978698213898]
        when srid in (4022, 4230) then array[6378388, 297]
        when srid = 4277 then array[6377563.396, 299.3249646]
        when srid in (4004, 4314) then array[6377397.155, 299.1528128]
        when srid in (4024, 4284) then array[6378245, 298.3] end;
begin
    -- the second is the axis by the flattening
    return array[found[1], found[1] * (1 - 1 / found[2])];
end $$;

create or replace function pg_catalog.rs_no_spheroid(srid int) returns geometry
language sql immutable strict parallel safe
return rs_invalid(format('SRID %s is not of a geographic spatial reference system', srid));

-- only a geographic reference system makes coordinates longitude and latitude; without any they are WGS 84
create or replace function pg_catalog.rs_geography(value geometry) returns geography
language plpgsql immutable strict parallel safe as $$
begin
    if rs_srid(value) = 0 then
        return rs_as_geography(rs_with_srid(value, 4326));
    elsif (rs_spheroid(rs_srid(value)))[1] is null then
        perform rs_no_spheroid(rs_srid(value));
    end if;
    return rs_as_geography(value);
end $$;
do $$
begin
    if not exists (select from pg_cast where castsource = 'geometry'::regtype and casttarget = 'geography'::regtype) then
        create cast (geometry as geography) with function pg_catalog.rs_geography(geometry);
        create cast (geography as geometry) with function pg_catalog.rs_as_geometry(geography);
    end if;
end $$;
