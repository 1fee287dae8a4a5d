-- WKB and EWKB: reading what others write, walking through what we store, and putting it together.

create or replace function pg_catalog.rs_uint(value int) returns bytea
language sql immutable strict parallel safe return reverse(value::bytea);

-- the start of an outermost geometry; the start of one inside another has no SRID
create or replace function pg_catalog.rs_head(code int, srid int) returns bytea
language plpgsql immutable strict parallel safe as $$
begin
    return case when srid = 0 then decode('01', 'hex') || rs_uint(code)
        else decode('01', 'hex') || rs_uint(code | 536870912) || rs_uint(srid) end;
end $$;

create or replace function pg_catalog.rs_bad_wkb(message text) returns void
language plpgsql immutable strict parallel safe as $$
begin
    raise exception 'Compass I/O exception: %', message using errcode = 'invalid_parameter_value';
end $$;

-- WKB of either byte order, with Z and M as the OGC or as PostGIS marks them; `srid` is for one that carries none
create or replace function pg_catalog.rs_read_wkb(wkb bytea, srid int) returns geometry
language plpgsql immutable strict parallel safe as $$
declare
    size int := octet_length(wkb);
    place int := 1;
    result bytea := '';
    little boolean;
    code bigint;
    kind int;
    dims int;
    outer_dims int;
    number bigint;
    rings int;
    -- collections that are not complete: what they are, and how many parts are to come
    kinds int[] := '{}';
    missing bigint[] := '{}';
    depth int := 0;
begin
    loop
        if place + 4 > size then
            perform rs_bad_wkb('Unexpected end of WKB');
        end if;
        if get_byte(wkb, place - 1) > 1 then
            perform rs_bad_wkb('Invalid byte order');
        end if;
        little := get_byte(wkb, place - 1) = 1;
        code := rs_read_uint(wkb, place + 1, little);
        place := place + 5;
        kind := (code & 268435455) % 1000;
        dims := (code & 268435455) / 1000 * 1000;
        if dims > 3000 or kind not between 1 and 7 then
            perform rs_bad_wkb('Unknown geometry type');
        end if;
        -- the same, as PostGIS says it
        if code & 2147483648 <> 0 and dims in (0, 2000) then
            dims := dims + 1000;
        end if;
        if code & 1073741824 <> 0 and dims in (0, 1000) then
            dims := dims + 2000;
        end if;
        if code & 536870912 <> 0 then
            number := rs_read_uint(wkb, place, little);
            place := place + 4;
            if depth = 0 and result = '' then
                srid := case when number < 2147483648 then number else 0 end;
            end if;
        end if;
        if result = '' then
            outer_dims := dims;
            result := rs_head(kind + dims, srid);
        else
            result := result || rs_head(kind + dims, 0);
        end if;
        if dims <> outer_dims then
            perform rs_bad_wkb('Geometries of different dimensions');
        end if;
        if depth > 0 then
            if kinds[depth] < 7 and kind <> kinds[depth] - 3 then
                perform rs_bad_wkb('Unexpected geometry type in a collection');
            end if;
            missing[depth] := missing[depth] - 1;
        end if;
        if kind = 1 then
            result := result || rs_one_nan(rs_read_points(wkb, place, 1, rs_width(dims), little));
            place := place + 8 * rs_width(dims);
        elsif kind = 2 then
            number := rs_read_uint(wkb, place, little);
            result := result || rs_uint(number::int) || rs_read_points(wkb, place + 4, number, rs_width(dims), little);
            place := place + 4 + 8 * rs_width(dims) * number;
        elsif kind = 3 then
            rings := rs_read_uint(wkb, place, little);
            result := result || rs_uint(rings);
            place := place + 4;
            while rings > 0 loop
                number := rs_read_uint(wkb, place, little);
                result := result || rs_uint(number::int)
                    || rs_read_points(wkb, place + 4, number, rs_width(dims), little);
                place := place + 4 + 8 * rs_width(dims) * number;
                rings := rings - 1;
            end loop;
        else
            number := rs_read_uint(wkb, place, little);
            result := result || rs_uint(number::int);
            place := place + 4;
            depth := depth + 1;
            kinds[depth] := kind;
            missing[depth] := number;
        end if;
        while depth > 0 and missing[depth] = 0 loop
            depth := depth - 1;
        end loop;
        exit when depth = 0;
    end loop;
    if place <> size + 1 then
        perform rs_bad_wkb('Unexpected bytes after the end of WKB');
    end if;
    return rs_geometry(result);
end $$;

create or replace function pg_catalog.rs_read_uint(wkb bytea, place int, little boolean) returns bigint
language plpgsql immutable strict parallel safe as $$
begin
    if place + 3 > octet_length(wkb) then
        perform rs_bad_wkb('Unexpected end of WKB');
    end if;
    return case when little then reverse(substr(wkb, place, 4)) else substr(wkb, place, 4) end::int4::bigint & 4294967295;
end $$;

create or replace function pg_catalog.rs_read_points(wkb bytea, place int, number bigint, width int, little boolean)
returns bytea
language plpgsql immutable strict parallel safe as $$
declare
    bytes bytea;
begin
    if place + number * width * 8 > octet_length(wkb) + 1 then
        perform rs_bad_wkb('Unexpected end of WKB');
    end if;
    bytes := substr(wkb, place, (number * width * 8)::int);
    return case when little then bytes else rs_bytes(array_reverse(rs_doubles(reverse(bytes)))) end;
end $$;

-- the coordinates of an empty point, whoever wrote them
create or replace function pg_catalog.rs_one_nan(point bytea) returns bytea
language plpgsql immutable strict parallel safe as $$
declare
    doubles float8[] := rs_doubles(point);
begin
    if doubles[1] = 'nan' and doubles[2] = 'nan' then
        return rs_bytes(array_fill('nan'::float8, array[cardinality(doubles)]));
    end if;
    return point;
end $$;

create or replace function pg_catalog.rs_read_hex(hex text, srid int) returns geometry
language plpgsql immutable strict parallel safe as $$
begin
    if hex !~ '^([0-9A-Fa-f]{2})+$' then
        perform rs_bad_wkb('Invalid hexadecimal character(s) found');
    end if;
    return rs_read_wkb(decode(hex, 'hex'), srid);
end $$;

-- What is in a stored geometry, in order: for each geometry its kind, the place of what it holds (its coordinates, or its
-- first part) and how many (points, rings, parts); for each ring the same, as kind 0. An empty point holds no points.
create or replace function pg_catalog.rs_parts(wkb bytea) returns int[]
language plpgsql immutable strict parallel safe as $$
declare
    size int := octet_length(wkb);
    place int := 6 + 4 * (get_byte(wkb, 4) >> 5);
    bytes int := 8 * rs_width(get_byte(wkb, 1) + 256 * get_byte(wkb, 2));
    kind int := (get_byte(wkb, 1) + 256 * get_byte(wkb, 2)) % 1000;
    parts int[] := '{}';
    part int := 1;
    number int;
    points int;
begin
    loop
        parts[part] := kind;
        if kind = 1 then
            parts[part + 1] := place;
            parts[part + 2] := (substr(wkb, place, 8) <> decode('000000000000f87f', 'hex'))::int;
            place := place + bytes;
        else
            number := reverse(substr(wkb, place, 4))::int4;
            place := place + 4;
            parts[part + 1] := place;
            parts[part + 2] := number;
            if kind = 2 then
                place := place + bytes * number;
            elsif kind = 3 then
                for ring in 1 .. number loop
                    points := reverse(substr(wkb, place, 4))::int4;
                    part := part + 3;
                    parts[part] := 0;
                    parts[part + 1] := place + 4;
                    parts[part + 2] := points;
                    place := place + 4 + bytes * points;
                end loop;
            end if;
        end if;
        part := part + 3;
        exit when place > size;
        kind := (get_byte(wkb, place) + 256 * get_byte(wkb, place + 1)) % 1000;
        place := place + 5;
    end loop;
    return parts;
end $$;

-- the coordinates of a point, line or ring among the parts, those of each point together
create or replace function pg_catalog.rs_coordinates(wkb bytea, parts int[], part int, width int) returns float8[]
language plpgsql immutable strict parallel safe as $$
begin
    return rs_doubles(substr(wkb, parts[part + 1], 8 * width * parts[part + 2]));
end $$;

-- a geometry as it stands inside another: without its SRID; and the other way
create or replace function pg_catalog.rs_inner(value geometry) returns bytea
language plpgsql immutable strict parallel safe as $$
begin
    return case when rs_srid(value) = 0 then rs_wkb(value) else rs_head(rs_code(value), 0) || substr(rs_wkb(value), 10) end;
end $$;
create or replace function pg_catalog.rs_outer(wkb bytea, srid int) returns geometry
language plpgsql immutable strict parallel safe as $$
begin
    return rs_geometry(rs_head(get_byte(wkb, 1) + 256 * get_byte(wkb, 2), srid) || substr(wkb, 6));
end $$;
create or replace function pg_catalog.rs_with_srid(value geometry, srid int) returns geometry
language sql immutable strict parallel safe return rs_outer(rs_inner(value), srid);

-- geometries from coordinates; `code` is as in `rs_code`
create or replace function pg_catalog.rs_point(doubles float8[], dims int, srid int) returns geometry
language sql immutable strict parallel safe return rs_geometry(rs_head(1 + dims, srid) || rs_bytes(doubles));
create or replace function pg_catalog.rs_empty(kind int, dims int, srid int) returns geometry
language plpgsql immutable strict parallel safe as $$
begin
    return case when kind = 1 then rs_point(array_fill('nan'::float8, array[rs_width(dims)]), dims, srid)
        else rs_geometry(rs_head(kind + dims, srid) || rs_uint(0)) end;
end $$;
create or replace function pg_catalog.rs_ring(doubles float8[], dims int) returns bytea
language sql immutable strict parallel safe
return rs_uint(cardinality(doubles) / rs_width(dims)) || rs_bytes(doubles);
create or replace function pg_catalog.rs_line(doubles float8[], dims int, srid int) returns geometry
language sql immutable strict parallel safe return rs_geometry(rs_head(2 + dims, srid) || rs_ring(doubles, dims));
-- of parts as bytes: rings, or geometries without SRID
create or replace function pg_catalog.rs_collection(code int, srid int, members bytea[]) returns geometry
language plpgsql immutable strict parallel safe as $$
begin
    return rs_geometry(rs_head(code, srid) || rs_uint(cardinality(members))
        || coalesce((select string_agg(m, '' order by number) from unnest(members) with ordinality as u (m, number)), ''));
end $$;

-- the members of a collection, without SRID
create or replace function pg_catalog.rs_members(value geometry) returns bytea[]
language plpgsql immutable strict parallel safe as $$
declare
    wkb bytea := rs_wkb(value);
    parts int[] := rs_parts(wkb);
    members bytea[] := '{}';
    start int := 4;
    after int;
    deep int;
begin
    for member in 1 .. parts[3] loop
        -- past everything that is inside this one
        deep := 1;
        after := start;
        while deep > 0 loop
            deep := deep - 1 + case when parts[after] > 3 then parts[after + 2] else 0 end;
            after := after + 3;
            while parts[after] = 0 loop
                after := after + 3;
            end loop;
        end loop;
        members := members || substr(wkb, rs_start(parts, start), coalesce(rs_start(parts, after), octet_length(wkb) + 1)
            - rs_start(parts, start));
        start := after;
    end loop;
    return members;
end $$;
-- where the head of a part begins; null after the last part
create or replace function pg_catalog.rs_start(parts int[], part int) returns int
language sql immutable strict parallel safe
return parts[part + 1] - case when parts[part] = 1 then 5 else 9 end;
