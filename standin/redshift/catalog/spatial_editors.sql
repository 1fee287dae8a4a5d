-- Geometries changed: other dimensions, other points, another direction.

create or replace function pg_catalog.st_setsrid(value geometry, srid int) returns geometry
language plpgsql immutable strict parallel safe as $$
begin return rs_with_srid(value, rs_checked_srid(srid, 'ST_SetSRID')); end $$;

-- The same geometry with its coordinates changed: `dims` is what they become (new ones are 0), and backwards turns lines
-- and rings around.
create or replace function pg_catalog.rs_redrawn(value geometry, dims int, backwards boolean) returns geometry
language plpgsql immutable strict parallel safe as $$
declare
    wkb bytea := rs_wkb(value);
    parts int[] := rs_parts(wkb);
    old_dims int := rs_code(value) / 1000 * 1000;
    old_width int := rs_width(old_dims);
    doubles float8[];
    result bytea := '';
begin
    for part in 1 .. cardinality(parts) by 3 loop
        if parts[part] > 0 then
            result := result || rs_head(parts[part] + dims, case when part = 1 then rs_srid(value) else 0 end);
        end if;
        if parts[part] <> 1 then
            result := result || rs_uint(parts[part + 2]);
        end if;
        if parts[part] = 1 and parts[part + 2] = 0 then
            result := result || rs_bytes(array_fill('nan'::float8, array[rs_width(dims)]));
        elsif parts[part] < 3 then
            doubles := rs_coordinates(wkb, parts, part, old_width);
            result := result || rs_bytes(rs_points_redrawn(doubles, old_dims, dims, backwards and parts[part] <> 1));
        end if;
    end loop;
    return rs_geometry(result);
end $$;
create or replace function pg_catalog.rs_points_redrawn(doubles float8[], old_dims int, new_dims int, backwards boolean)
returns float8[]
language plpgsql immutable strict parallel safe as $$
declare
    width int := rs_width(old_dims);
    -- where each new coordinate stood; null if nowhere
    places int[] := array[1, 2] || case when new_dims in (1000, 3000) then array[coalesce(rs_z_place(old_dims), 0)] end
        || case when new_dims in (2000, 3000) then array[coalesce(rs_m_place(old_dims), 0)] end;
    place int;
    result float8[] := '{}';
    number int := 0;
    start int;
begin
    if old_dims = new_dims and not backwards then
        return doubles;
    end if;
    for point in 0 .. cardinality(doubles) / width - 1 loop
        start := width * case when backwards then cardinality(doubles) / width - 1 - point else point end;
        foreach place in array places loop
            number := number + 1;
            result[number] := case when place = 0 then 0 else doubles[start + place] end;
        end loop;
    end loop;
    return result;
end $$;
create or replace function pg_catalog.st_force2d(value geometry) returns geometry
language sql immutable strict parallel safe return rs_redrawn(value, 0, false);
create or replace function pg_catalog.st_force3dz(value geometry) returns geometry
language sql immutable strict parallel safe return rs_redrawn(value, 1000, false);
create or replace function pg_catalog.st_force3d(value geometry) returns geometry
language sql immutable strict parallel safe return rs_redrawn(value, 1000, false);
create or replace function pg_catalog.st_force3dm(value geometry) returns geometry
language sql immutable strict parallel safe return rs_redrawn(value, 2000, false);
create or replace function pg_catalog.st_force4d(value geometry) returns geometry
language sql immutable strict parallel safe return rs_redrawn(value, 3000, false);
create or replace function pg_catalog.st_reverse(value geometry) returns geometry
language sql immutable strict parallel safe return rs_redrawn(value, rs_code(value) / 1000 * 1000, true);

-- The points of a line before and after the places between which others come; -1 and beyond are errors.
create or replace function pg_catalog.rs_spliced(line geometry, point geometry, start int, removed int, name text)
returns geometry
language plpgsql immutable parallel safe as $$
declare
    width int := rs_width(rs_code(line));
    dims int := rs_code(line) / 1000 * 1000;
    doubles float8[];
begin
    if rs_kind(line) <> 2 then
        perform rs_invalid(format('%s: the geometry must be a linestring', name));
    elsif rs_kind(point) <> 1 then
        perform rs_invalid(format('%s: the geometry must be a point', name));
    end if;
    doubles := rs_all_doubles(line);
    if start not between 0 and cardinality(doubles) / width - removed then
        perform rs_invalid(format('%s: the index is out of range', name));
    end if;
    return rs_line(doubles[:width * start]
        || rs_points_redrawn(rs_all_doubles(point), rs_code(point) / 1000 * 1000, dims, false)
        || doubles[width * (start + removed) + 1:], dims, rs_srid(line));
end $$;
create or replace function pg_catalog.st_addpoint(line geometry, point geometry, place int default -1) returns geometry
language plpgsql immutable strict parallel safe as $$
begin
    return rs_spliced(line, point, case when place = -1 then coalesce(st_numpoints(line), 0) else place end, 0,
        'ST_AddPoint');
end $$;
create or replace function pg_catalog.st_removepoint(line geometry, place int) returns geometry
language plpgsql immutable strict parallel safe as $$
begin return rs_spliced(line, null, place, 1, 'ST_RemovePoint'); end $$;
create or replace function pg_catalog.st_setpoint(line geometry, place int, point geometry) returns geometry
language plpgsql immutable strict parallel safe as $$
begin
    perform rs_same_srid(line, point, 'ST_SetPoint');
    if rs_kind(point) = 1 and rs_kind(line) = 2 and st_isempty(point) then
        return line;
    end if;
    return rs_spliced(line, point, case when place < 0 then coalesce(st_numpoints(line), 0) + place else place end, 1,
        'ST_SetPoint');
end $$;

-- The boundary: of lines the points where an odd number of them end, of areas their rings as lines.
create or replace function pg_catalog.st_boundary(value geometry) returns geometry
language plpgsql immutable strict parallel safe as $$
declare
    kind int := rs_kind(value);
    dims int := rs_code(value) / 1000 * 1000;
    width int := rs_width(dims);
    wkb bytea;
    parts int[];
    lines bytea[] := '{}';
    ends bytea[] := '{}';
begin
    if kind = 7 then
        perform rs_invalid('ST_Boundary: the geometry must not be a geometry collection');
    elsif st_isempty(value) then
        return value;
    elsif kind in (1, 4) then
        return rs_empty(7, dims, rs_srid(value));
    end if;
    wkb := rs_wkb(value);
    parts := rs_parts(wkb);
    for part in 1 .. cardinality(parts) by 3 loop
        continue when parts[part + 2] = 0;
        if parts[part] = 0 then
            lines := lines || (rs_head(2 + dims, 0) || substr(wkb, parts[part + 1] - 4, 4 + 8 * width * parts[part + 2]));
        elsif parts[part] = 2 then
            ends := ends || substr(wkb, parts[part + 1], 8 * width)
                || substr(wkb, parts[part + 1] + 8 * width * (parts[part + 2] - 1), 8 * width);
        end if;
    end loop;
    if kind in (2, 5) then
        -- the order is that of their first appearance
        lines := array(
            select rs_head(1 + dims, 0) || (array_agg(e order by number))[1]
            from unnest(ends) with ordinality as u (e, number)
            group by substr(e, 1, 16)
            having count(*) % 2 = 1
            order by min(number));
        return rs_collection(4 + dims, rs_srid(value), lines);
    elsif kind = 3 and cardinality(lines) = 1 then
        return rs_outer(lines[1], rs_srid(value));
    end if;
    return rs_collection(5 + dims, rs_srid(value), lines);
end $$;

create or replace function pg_catalog.st_lineinterpolatepoint(line geometry, fraction float8) returns geometry
language plpgsql immutable strict parallel safe as $$
declare
    dims int := rs_code(line) / 1000 * 1000;
    width int := rs_width(dims);
    doubles float8[];
    lengths float8[] := '{}';
    wanted float8 := 0;
    share float8;
    number int := 0;
    result float8[] := '{}';
begin
    if rs_kind(line) <> 2 then
        perform rs_invalid('ST_LineInterpolatePoint: the geometry must be a linestring');
    elsif not fraction between 0 and 1 then
        perform rs_invalid('ST_LineInterpolatePoint: the fraction must be between 0 and 1');
    end if;
    doubles := rs_all_doubles(line);
    if cardinality(doubles) = 0 then
        return rs_empty(1, dims, rs_srid(line));
    end if;
    for at in 1 .. cardinality(doubles) - width by width loop
        number := number + 1;
        lengths[number] := sqrt((doubles[at + width] - doubles[at]) ^ 2 + (doubles[at + width + 1] - doubles[at + 1]) ^ 2);
        wanted := wanted + lengths[number];
    end loop;
    wanted := wanted * fraction;
    for segment in 1 .. number loop
        if wanted <= lengths[segment] and lengths[segment] > 0 and fraction < 1 then
            share := wanted / lengths[segment];
            for place in 1 .. width loop
                result[place] := doubles[(segment - 1) * width + place]
                    + share * (doubles[segment * width + place] - doubles[(segment - 1) * width + place]);
            end loop;
            return rs_point(result, dims, rs_srid(line));
        end if;
        wanted := wanted - lengths[segment];
    end loop;
    return rs_point(doubles[cardinality(doubles) - width + 1:], dims, rs_srid(line));
end $$;
