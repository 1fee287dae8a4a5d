-- Geometries from coordinates, from text and bytes, and from other geometries.

create or replace function pg_catalog.st_makepoint(x float8, y float8) returns geometry
language plpgsql immutable strict parallel safe as $$ begin return rs_point(array[x, y], 0, 0); end $$;
create or replace function pg_catalog.st_makepoint(x float8, y float8, z float8) returns geometry
language plpgsql immutable strict parallel safe as $$ begin return rs_point(array[x, y, z], 1000, 0); end $$;
create or replace function pg_catalog.st_makepoint(x float8, y float8, z float8, m float8) returns geometry
language plpgsql immutable strict parallel safe as $$ begin return rs_point(array[x, y, z, m], 3000, 0); end $$;
create or replace function pg_catalog.st_point(x float8, y float8) returns geometry
language plpgsql immutable strict parallel safe as $$ begin return rs_point(array[x, y], 0, 0); end $$;

create or replace function pg_catalog.rs_checked_srid(srid int, name text) returns int
language plpgsql immutable strict parallel safe as $$
begin
    if srid < 0 then
        perform rs_invalid(format('%s: the SRID must not be negative', name));
    end if;
    return srid;
end $$;

create or replace function pg_catalog.rs_box_geometry(x1 float8, y1 float8, x2 float8, y2 float8, srid int) returns geometry
language plpgsql immutable strict parallel safe as $$
begin
    if x1 = x2 and y1 = y2 then
        return rs_point(array[x1, y1], 0, srid);
    elsif x1 = x2 or y1 = y2 then
        return rs_line(array[x1, y1, x2, y2], 0, srid);
    end if;
    return rs_collection(3, srid, array[rs_ring(array[x1, y1, x1, y2, x2, y2, x2, y1, x1, y1], 0)]);
end $$;
create or replace function pg_catalog.st_makeenvelope(xmin float8, ymin float8, xmax float8, ymax float8, srid int default 0)
returns geometry
language plpgsql immutable strict parallel safe as $$
begin
    return rs_box_geometry(xmin, ymin, xmax, ymax, rs_checked_srid(srid, 'ST_MakeEnvelope'));
end $$;

-- a negative SRID gives null here
create or replace function pg_catalog.st_geomfromtext(wkt text, srid int default 0) returns geometry
language plpgsql immutable strict parallel safe as $$
begin return case when srid >= 0 then rs_read_wkt(wkt, srid) end; end $$;
create or replace function pg_catalog.st_geomfromewkt(ewkt text) returns geometry
language plpgsql immutable strict parallel safe as $$ begin return rs_read_ewkt(ewkt, 0); end $$;
create or replace function pg_catalog.st_geogfromtext(ewkt text) returns geography
language plpgsql immutable strict parallel safe as $$ begin return rs_geography(rs_read_ewkt(ewkt, 4326)); end $$;
create or replace function pg_catalog.st_geomfromwkb(wkb text, srid int default 0) returns geometry
language plpgsql immutable strict parallel safe as $$
begin
    return case when srid >= 0 then rs_with_srid(rs_read_hex(wkb, 0), srid) end;
end $$;
create or replace function pg_catalog.st_geomfromwkb(wkb bytea, srid int default 0) returns geometry
language plpgsql immutable strict parallel safe as $$
begin
    return case when srid >= 0 then rs_with_srid(rs_read_wkb(wkb, 0), srid) end;
end $$;
create or replace function pg_catalog.st_geomfromewkb(ewkb text) returns geometry
language plpgsql immutable strict parallel safe as $$ begin return rs_read_hex(ewkb, 0); end $$;
create or replace function pg_catalog.st_geomfromewkb(ewkb bytea) returns geometry
language plpgsql immutable strict parallel safe as $$ begin return rs_read_wkb(ewkb, 0); end $$;
create or replace function pg_catalog.st_geogfromwkb(wkb text) returns geography
language plpgsql immutable strict parallel safe as $$ begin return rs_geography(rs_read_hex(wkb, 4326)); end $$;
create or replace function pg_catalog.st_geogfromwkb(wkb bytea) returns geography
language plpgsql immutable strict parallel safe as $$ begin return rs_geography(rs_read_wkb(wkb, 4326)); end $$;

create or replace function pg_catalog.rs_same_dims(a geometry, b geometry, name text) returns int
language plpgsql immutable strict parallel safe as $$
begin
    if rs_code(a) / 1000 <> rs_code(b) / 1000 then
        perform rs_invalid(format('%s: the geometries have different dimensions', name));
    end if;
    return rs_code(a) / 1000 * 1000;
end $$;

-- all coordinates of a geometry that are not those of an empty point
create or replace function pg_catalog.rs_all_doubles(value geometry) returns float8[]
language plpgsql immutable strict parallel safe as $$
declare
    wkb bytea := rs_wkb(value);
    parts int[] := rs_parts(wkb);
    width int := rs_width(rs_code(value));
    doubles float8[] := '{}';
    point float8[];
    number int := 0;
begin
    for part in 1 .. cardinality(parts) by 3 loop
        continue when parts[part] > 2 or parts[part + 2] = 0;
        if parts[part] = 1 and parts[1] <> 1 then
            -- one of many
            point := rs_coordinates(wkb, parts, part, width);
            for place in 1 .. width loop
                doubles[number + place] := point[place];
            end loop;
        elsif number = 0 then
            doubles := rs_coordinates(wkb, parts, part, width);
        else
            doubles := doubles || rs_coordinates(wkb, parts, part, width);
        end if;
        number := number + width * parts[part + 2];
    end loop;
    return doubles;
end $$;

create or replace function pg_catalog.st_makeline(a geometry, b geometry) returns geometry
language plpgsql immutable strict parallel safe as $$
declare
    srid int := rs_same_srid(a, b, 'ST_MakeLine');
    dims int := rs_same_dims(a, b, 'ST_MakeLine');
begin
    if rs_kind(a) not in (1, 2, 4) or rs_kind(b) not in (1, 2, 4) then
        perform rs_invalid('ST_MakeLine: the geometries must be points, linestrings or multipoints');
    end if;
    return rs_line(rs_all_doubles(a) || rs_all_doubles(b), dims, srid);
end $$;
create or replace function pg_catalog.st_linefrommultipoint(value geometry) returns geometry
language plpgsql immutable strict parallel safe as $$
begin
    if rs_kind(value) <> 4 then
        perform rs_invalid('ST_LineFromMultiPoint: the geometry must be a multipoint');
    end if;
    return rs_line(rs_all_doubles(value), rs_code(value) / 1000 * 1000, rs_srid(value));
end $$;

-- the rings of a line or of the lines in a multilinestring; empty ones are left out
create or replace function pg_catalog.rs_closed_rings(value geometry, name text) returns bytea[]
language plpgsql immutable strict parallel safe as $$
declare
    wkb bytea := rs_wkb(value);
    parts int[] := rs_parts(wkb);
    bytes int := 8 * rs_width(rs_code(value));
    rings bytea[] := '{}';
    points bytea;
begin
    for part in 1 .. cardinality(parts) by 3 loop
        if parts[part] = 2 and parts[part + 2] > 0 then
            points := substr(wkb, parts[part + 1], bytes * parts[part + 2]);
            if parts[part + 2] = 1 or substr(points, 1, 16) <> substr(points, 1 + bytes * (parts[part + 2] - 1), 16) then
                perform rs_invalid(format('%s: the linestring is not closed', name));
            end if;
            rings := rings || (rs_uint(parts[part + 2]) || points);
        end if;
    end loop;
    return rings;
end $$;
create or replace function pg_catalog.rs_make_polygon(shell geometry, holes bytea[], srid int, name text) returns geometry
language plpgsql immutable strict parallel safe as $$
declare
    ring bytea[];
begin
    if rs_kind(shell) <> 2 then
        perform rs_invalid(format('%s: the geometry must be a linestring', name));
    end if;
    ring := rs_closed_rings(shell, name);
    return rs_collection(rs_code(shell) + 1, srid, case when cardinality(ring) = 0 then ring else ring || holes end);
end $$;
create or replace function pg_catalog.st_makepolygon(shell geometry) returns geometry
language plpgsql immutable strict parallel safe as $$
begin
    return rs_make_polygon(shell, '{}', rs_srid(shell), 'ST_MakePolygon');
end $$;
create or replace function pg_catalog.st_makepolygon(shell geometry, holes geometry) returns geometry
language plpgsql immutable strict parallel safe as $$
begin
    if rs_kind(holes) <> 5 then
        perform rs_invalid('ST_MakePolygon: the second geometry must be a multilinestring');
    end if;
    perform rs_same_dims(shell, holes, 'ST_MakePolygon');
    return rs_make_polygon(shell, rs_closed_rings(holes, 'ST_MakePolygon'),
        rs_same_srid(shell, holes, 'ST_MakePolygon'), 'ST_MakePolygon');
end $$;
create or replace function pg_catalog.st_polygon(shell geometry, srid int) returns geometry
language plpgsql immutable strict parallel safe as $$
begin
    return rs_make_polygon(shell, '{}', rs_checked_srid(srid, 'ST_Polygon'), 'ST_Polygon');
end $$;

-- geometries side by side: of one simple kind as its multitype, otherwise as a collection
create or replace function pg_catalog.rs_collected(all_of geometry[]) returns geometry
language plpgsql immutable parallel safe as $$
declare
    member geometry;
    start geometry;
    members bytea[] := '{}';
    number int := 0;
    kind int;
begin
    foreach member in array coalesce(all_of, '{}') loop
        continue when member is null;
        if start is null then
            start := member;
            kind := case when rs_kind(member) < 4 then rs_kind(member) + 3 else 7 end;
        end if;
        perform rs_same_srid(start, member, 'ST_Collect');
        perform rs_same_dims(start, member, 'ST_Collect');
        if kind <> rs_kind(member) + 3 then
            kind := 7;
        end if;
        number := number + 1;
        members[number] := rs_inner(member);
    end loop;
    return rs_collection(kind + rs_code(start) / 1000 * 1000, rs_srid(start), members);
end $$;
create or replace function pg_catalog.st_collect(a geometry, b geometry) returns geometry
language plpgsql immutable parallel safe as $$
begin
    return case when a is null then b when b is null then a else rs_collected(array[a, b]) end;
end $$;
create or replace aggregate pg_catalog.st_collect(geometry)
    (sfunc = array_append, stype = geometry[], finalfunc = rs_collected);

create or replace function pg_catalog.st_multi(value geometry) returns geometry
language plpgsql immutable strict parallel safe as $$
begin
    return case when rs_kind(value) > 3 then value
        else rs_collection(rs_code(value) + 3, rs_srid(value), array[rs_inner(value)]) end;
end $$;
