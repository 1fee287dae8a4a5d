-- What a geometry is and what it is made of.

create or replace function pg_catalog.geometrytype(value geometry) returns varchar
language sql immutable strict parallel safe return (array['POINT', 'LINESTRING', 'POLYGON', 'MULTIPOINT', 'MULTILINESTRING',
    'MULTIPOLYGON', 'GEOMETRYCOLLECTION'])[rs_kind(value)] || (array['', '', 'M', ''])[rs_code(value) / 1000 + 1];
create or replace function pg_catalog.st_geometrytype(value geometry) returns varchar
language sql immutable strict parallel safe return (array['ST_Point', 'ST_LineString', 'ST_Polygon', 'ST_MultiPoint',
    'ST_MultiLineString', 'ST_MultiPolygon', 'ST_GeometryCollection'])[rs_kind(value)];
create or replace function pg_catalog.st_srid(value geometry) returns int
language sql immutable strict parallel safe return rs_srid(value);
create or replace function pg_catalog.st_ndims(value geometry) returns int
language sql immutable strict parallel safe return rs_width(rs_code(value));
create or replace function pg_catalog.st_iscollection(value geometry) returns boolean
language sql immutable strict parallel safe return rs_kind(value) > 3;
create or replace function pg_catalog.st_memsize(value geometry) returns int
language sql immutable strict parallel safe return octet_length(rs_wkb(value));
create or replace function pg_catalog.st_dimension(value geometry) returns int
language plpgsql immutable strict parallel safe as $$
declare
    parts int[] := rs_parts(rs_wkb(value));
    dimension int := 0;
begin
    for part in 1 .. cardinality(parts) by 3 loop
        if parts[part] between 1 and 6 then
            dimension := greatest(dimension, (parts[part] - 1) % 3);
        end if;
    end loop;
    return dimension;
end $$;

-- boxes are computed where they are needed
create or replace function pg_catalog.addbbox(value geometry) returns geometry
language sql immutable strict parallel safe return value;
create or replace function pg_catalog.dropbbox(value geometry) returns geometry
language sql immutable strict parallel safe return value;
create or replace function pg_catalog.supportsbbox(value geometry) returns boolean
language sql immutable strict parallel safe return value is not null;

-- the coordinate of a point; null if the point has none
create or replace function pg_catalog.rs_coordinate(value geometry, place int, name text) returns float8
language plpgsql immutable strict parallel safe as $$
begin
    if rs_kind(value) <> 1 then
        perform rs_invalid(format('%s: the geometry must be a point', name));
    end if;
    return nullif((rs_all_doubles(value))[place], 'nan');
end $$;
-- Z stands third, if there is one, and M last
create or replace function pg_catalog.rs_z_place(code int) returns int
language sql immutable strict parallel safe return (array[null, 3, null, 3])[code / 1000 + 1];
create or replace function pg_catalog.rs_m_place(code int) returns int
language sql immutable strict parallel safe return (array[null, null, 3, 4])[code / 1000 + 1];
create or replace function pg_catalog.st_x(point geometry) returns float8
language sql immutable strict parallel safe return rs_coordinate(point, 1, 'ST_X');
create or replace function pg_catalog.st_y(point geometry) returns float8
language sql immutable strict parallel safe return rs_coordinate(point, 2, 'ST_Y');
create or replace function pg_catalog.st_z(point geometry) returns float8
language sql immutable strict parallel safe
return rs_coordinate(point, coalesce(rs_z_place(rs_code(point)), 0), 'ST_Z');
create or replace function pg_catalog.st_m(point geometry) returns float8
language sql immutable strict parallel safe
return rs_coordinate(point, coalesce(rs_m_place(rs_code(point)), 0), 'ST_M');

-- the least and the greatest of the coordinates at this place; null if there are none
create or replace function pg_catalog.rs_range(value geometry, place int) returns float8[]
language plpgsql immutable strict parallel safe as $$
declare
    doubles float8[] := rs_all_doubles(value);
    least_one float8 := doubles[place];
    greatest_one float8 := least_one;
begin
    for at in place .. cardinality(doubles) by rs_width(rs_code(value)) loop
        if doubles[at] < least_one then
            least_one := doubles[at];
        elsif doubles[at] > greatest_one then
            greatest_one := doubles[at];
        end if;
    end loop;
    return case when least_one is not null then array[least_one, greatest_one] end;
end $$;
do $$
declare
    name text;
    place text;
begin
    for name, place in
        values ('x', '1'), ('y', '2'), ('z', 'rs_z_place(rs_code(value))'), ('m', 'rs_m_place(rs_code(value))')
    loop
        execute format('create or replace function pg_catalog.st_%smin(value geometry) returns float8
            language sql immutable strict parallel safe return (rs_range(value, %s))[1]', name, place);
        execute format('create or replace function pg_catalog.st_%smax(value geometry) returns float8
            language sql immutable strict parallel safe return (rs_range(value, %s))[2]', name, place);
    end loop;
end $$;

create or replace function pg_catalog.st_envelope(value geometry) returns geometry
language plpgsql immutable strict parallel safe as $$
declare
    x float8[] := rs_range(value, 1);
    y float8[] := rs_range(value, 2);
begin
    return case when x is null then value else rs_box_geometry(x[1], y[1], x[2], y[2], rs_srid(value)) end;
end $$;

-- counts
create or replace function pg_catalog.st_npoints(value geometry) returns int
language plpgsql immutable strict parallel safe as $$
declare
    parts int[] := rs_parts(rs_wkb(value));
    number int := 0;
begin
    for part in 1 .. cardinality(parts) by 3 loop
        if parts[part] < 3 then
            number := number + parts[part + 2];
        end if;
    end loop;
    return number;
end $$;
create or replace function pg_catalog.st_npoints(value geography) returns int
language sql immutable strict parallel safe return st_npoints(rs_as_geometry(value));
create or replace function pg_catalog.st_isempty(value geometry) returns boolean
language sql immutable strict parallel safe return st_npoints(value) = 0;
create or replace function pg_catalog.st_nrings(value geometry) returns int
language plpgsql immutable strict parallel safe as $$
declare
    parts int[] := rs_parts(rs_wkb(value));
    number int := 0;
begin
    for part in 1 .. cardinality(parts) by 3 loop
        if parts[part] = 0 then
            number := number + 1;
        end if;
    end loop;
    return number;
end $$;
-- how many points, rings or parts stand at the top
create or replace function pg_catalog.rs_count(value geometry) returns int
language sql immutable strict parallel safe return (rs_parts(rs_wkb(value)))[3];
create or replace function pg_catalog.st_numpoints(value geometry) returns int
language plpgsql immutable strict parallel safe as $$
begin return case when rs_kind(value) = 2 then rs_count(value) end; end $$;
create or replace function pg_catalog.st_numinteriorrings(value geometry) returns int
language plpgsql immutable strict parallel safe as $$
begin return case when rs_kind(value) = 3 then greatest(rs_count(value) - 1, 0) end; end $$;
create or replace function pg_catalog.st_numgeometries(value geometry) returns int
language plpgsql immutable strict parallel safe as $$
begin return case when rs_kind(value) > 3 then rs_count(value) else 1 end; end $$;

-- parts
create or replace function pg_catalog.st_geometryn(value geometry, place int) returns geometry
language plpgsql immutable strict parallel safe as $$
declare
    members bytea[];
begin
    if rs_kind(value) < 4 then
        return case when place = 1 then value end;
    end if;
    members := rs_members(value);
    if place not between 1 and cardinality(members) then
        perform rs_invalid('ST_GeometryN: the index is out of range');
    end if;
    return rs_outer(members[place], rs_srid(value));
end $$;
create or replace function pg_catalog.st_pointn(value geometry, place int) returns geometry
language plpgsql immutable strict parallel safe as $$
declare
    wkb bytea;
    parts int[];
    width int := rs_width(rs_code(value));
begin
    if rs_kind(value) <> 2 then
        return null;
    end if;
    wkb := rs_wkb(value);
    parts := rs_parts(wkb);
    if place < 0 then
        place := parts[3] + 1 + place;
    end if;
    return case when place between 1 and parts[3] then rs_point(
        rs_doubles(substr(wkb, parts[2] + 8 * width * (place - 1), 8 * width)), rs_code(value) - 2, rs_srid(value)) end;
end $$;
create or replace function pg_catalog.st_startpoint(value geometry) returns geometry
language sql immutable strict parallel safe return st_pointn(value, 1);
create or replace function pg_catalog.st_endpoint(value geometry) returns geometry
language sql immutable strict parallel safe return st_pointn(value, -1);
-- from 0, the exterior one
create or replace function pg_catalog.rs_ring_line(value geometry, place int) returns geometry
language plpgsql immutable strict parallel safe as $$
declare
    wkb bytea := rs_wkb(value);
    parts int[] := rs_parts(wkb);
    width int := rs_width(rs_code(value));
begin
    return case when rs_kind(value) = 3 and place between 0 and parts[3] - 1 then
        rs_line(rs_coordinates(wkb, parts, 4 + 3 * place, width), rs_code(value) - 3, rs_srid(value)) end;
end $$;
create or replace function pg_catalog.st_exteriorring(value geometry) returns geometry
language plpgsql immutable strict parallel safe as $$
begin return case when rs_kind(value) = 3 then coalesce(rs_ring_line(value, 0), value) end; end $$;
create or replace function pg_catalog.st_interiorringn(value geometry, place int) returns geometry
language plpgsql immutable strict parallel safe as $$
begin return case when place > 0 then rs_ring_line(value, place) end; end $$;
create or replace function pg_catalog.st_points(value geometry) returns geometry
language plpgsql immutable strict parallel safe as $$
declare
    bytes bytea := rs_bytes(rs_all_doubles(value));
    width int := rs_width(rs_code(value));
    dims int := rs_code(value) / 1000 * 1000;
    members bytea[] := '{}';
begin
    for point in 1 .. octet_length(bytes) / 8 / width loop
        members[point] := rs_head(1 + dims, 0) || substr(bytes, 8 * width * (point - 1) + 1, 8 * width);
    end loop;
    return rs_collection(4 + dims, rs_srid(value), members);
end $$;

-- questions about the lines and rings in it
create or replace function pg_catalog.st_isclosed(value geometry) returns boolean
language plpgsql immutable strict parallel safe as $$
declare
    wkb bytea := rs_wkb(value);
    parts int[] := rs_parts(wkb);
    bytes int := 8 * rs_width(rs_code(value));
begin
    for part in 1 .. cardinality(parts) by 3 loop
        if parts[part + 2] = 0 then
            if parts[part] <> 4 then
                return false;
            end if;
        elsif parts[part] in (0, 2) and substr(wkb, parts[part + 1], 16)
            <> substr(wkb, parts[part + 1] + bytes * (parts[part + 2] - 1), 16) then
            return false;
        end if;
    end loop;
    return true;
end $$;

-- twice the area; negative if the ring runs clockwise
create or replace function pg_catalog.rs_turned_area(doubles float8[], width int) returns float8
language plpgsql immutable strict parallel safe as $$
declare
    x float8 := doubles[1];
    y float8 := doubles[2];
    area float8 := 0;
begin
    for at in width + 1 .. cardinality(doubles) - width by width loop
        area := area + ((doubles[at] - x) * (doubles[at + width + 1] - y)
            - (doubles[at + width] - x) * (doubles[at + 1] - y));
    end loop;
    return area;
end $$;
-- whether all exterior rings turn this way (1 is counterclockwise), and all interior ones the other way
create or replace function pg_catalog.rs_turns(value geometry, way int) returns boolean
language plpgsql immutable strict parallel safe as $$
declare
    wkb bytea := rs_wkb(value);
    parts int[] := rs_parts(wkb);
    width int := rs_width(rs_code(value));
    wanted int;
begin
    for part in 1 .. cardinality(parts) by 3 loop
        if parts[part] = 0 then
            if sign(rs_turned_area(rs_coordinates(wkb, parts, part, width), width)) <> wanted then
                return false;
            end if;
            wanted := -way;
        else
            wanted := way;
        end if;
    end loop;
    return true;
end $$;
create or replace function pg_catalog.st_ispolygonccw(value geometry) returns boolean
language sql immutable strict parallel safe return rs_turns(value, 1);
create or replace function pg_catalog.st_ispolygoncw(value geometry) returns boolean
language sql immutable strict parallel safe return rs_turns(value, -1);

-- as others read it: the OGC's form, without and with SRID
create or replace function pg_catalog.rs_short(hex text, name text) returns varchar
language plpgsql immutable strict parallel safe as $$
begin
    if octet_length(hex) > 65535 then
        raise exception '%: the result is larger than 65535 bytes', name using errcode = 'program_limit_exceeded';
    end if;
    return hex;
end $$;
create or replace function pg_catalog.st_asbinary(value geometry) returns bytea
language sql immutable strict parallel safe return rs_inner(value);
create or replace function pg_catalog.st_asbinary(value geography) returns bytea
language sql immutable strict parallel safe return rs_inner(rs_as_geometry(value));
create or replace function pg_catalog.st_asewkb(value geometry) returns bytea
language sql immutable strict parallel safe return rs_wkb(value);
create or replace function pg_catalog.st_asewkb(value geography) returns bytea
language sql immutable strict parallel safe return rs_wkb(value);
create or replace function pg_catalog.st_ashexwkb(value geometry) returns varchar
language sql immutable strict parallel safe return rs_short(upper(encode(rs_inner(value), 'hex')), 'ST_AsHexWKB');
create or replace function pg_catalog.st_ashexwkb(value geography) returns varchar
language sql immutable strict parallel safe return st_ashexwkb(rs_as_geometry(value));
create or replace function pg_catalog.st_ashexewkb(value geometry) returns varchar
language sql immutable strict parallel safe return rs_short(rs_hex(value), 'ST_AsHexEWKB');
create or replace function pg_catalog.st_ashexewkb(value geography) returns varchar
language sql immutable strict parallel safe return rs_short(rs_hex(value), 'ST_AsHexEWKB');
