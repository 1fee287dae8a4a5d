-- Geometries computed from others: centroid, convex hull, simpler lines.

create or replace function pg_catalog.st_centroid(value geometry) returns geometry
language plpgsql immutable strict parallel safe as $$
declare
    wkb bytea := rs_wkb(value);
    parts int[] := rs_parts(wkb);
    width int := rs_width(rs_code(value));
    doubles float8[];
    -- a point from which all is measured, so that coordinates far away lose no digits
    x0 float8; y0 float8;
    x1 float8; y1 float8; x2 float8; y2 float8;
    is_hole boolean;
    way float8;
    weight float8;
    -- weights and weighted sums, by dimension
    weights float8[] := array[0, 0, 0];
    xs float8[] := array[0, 0, 0];
    ys float8[] := array[0, 0, 0];
begin
    for part in 1 .. cardinality(parts) by 3 loop
        if parts[part] < 3 and parts[part + 2] > 0 then
            doubles := rs_coordinates(wkb, parts, part, width);
            x0 := coalesce(x0, doubles[1]);
            y0 := coalesce(y0, doubles[2]);
            way := case when rs_turned_area(doubles, width) < 0 then -1 else 1 end * case when is_hole then -1 else 1 end;
            for at in 1 .. cardinality(doubles) by width loop
                x1 := doubles[at] - x0;
                y1 := doubles[at + 1] - y0;
                weights[1] := weights[1] + 1;
                xs[1] := xs[1] + x1;
                ys[1] := ys[1] + y1;
                continue when parts[part] = 1 or at + width > cardinality(doubles);
                x2 := doubles[at + width] - x0;
                y2 := doubles[at + width + 1] - y0;
                weight := sqrt((x2 - x1) ^ 2 + (y2 - y1) ^ 2);
                weights[2] := weights[2] + weight;
                xs[2] := xs[2] + weight * (x1 + x2) / 2;
                ys[2] := ys[2] + weight * (y1 + y2) / 2;
                continue when parts[part] = 2;
                -- a triangle with that point
                weight := way * (x1 * y2 - x2 * y1);
                weights[3] := weights[3] + weight;
                xs[3] := xs[3] + weight * (x1 + x2) / 3;
                ys[3] := ys[3] + weight * (y1 + y2) / 3;
            end loop;
        end if;
        is_hole := parts[part] = 0;
    end loop;
    for dimension in reverse 3 .. 1 loop
        if weights[dimension] > 0 then
            weight := weights[dimension];
            return rs_point(array[x0 + xs[dimension] / weight, y0 + ys[dimension] / weight], 0, rs_srid(value));
        end if;
    end loop;
    return null;
end $$;

-- by Andrew's monotone chain
create or replace function pg_catalog.st_convexhull(value geometry) returns geometry
language plpgsql immutable strict parallel safe as $$
declare
    doubles float8[] := rs_all_doubles(value);
    width int := rs_width(rs_code(value));
    -- Z is kept, M is not
    dims int := rs_code(value) / 1000 % 2 * 1000;
    points int[];
    hull int[] := '{}';
    size int := 0;
    floor int := 1;
    result float8[] := '{}';
    point int;
    a int;
    b int;
begin
    if doubles = '{}' then
        return value;
    end if;
    -- where the points begin, from left to right, each place once
    points := array(select p from (select distinct on (doubles[p], doubles[p + 1]) p
        from generate_series(1, cardinality(doubles), width) p order by doubles[p], doubles[p + 1], p) d
        order by doubles[p], doubles[p + 1]);
    -- clockwise: over the top to the right, and back below
    for way in 1 .. 2 loop
        foreach point in array points loop
            while size > floor loop
                a := hull[size - 1];
                b := hull[size];
                exit when rs_turn(doubles[a], doubles[a + 1], doubles[b], doubles[b + 1], doubles[point],
                    doubles[point + 1]) < 0;
                size := size - 1;
            end loop;
            if size = 0 or hull[size] <> point then
                size := size + 1;
                hull[size] := point;
            end if;
        end loop;
        floor := size;
        points := array_reverse(points);
    end loop;
    foreach point in array hull[:size] loop
        result := result || doubles[point : point + rs_width(dims) - 1];
    end loop;
    return case when size = 1 then rs_point(result, dims, rs_srid(value))
        when size = 3 then rs_line(result[: 2 * rs_width(dims)], dims, rs_srid(value))
        else rs_collection(3 + dims, rs_srid(value), array[rs_ring(result, dims)]) end;
end $$;

-- Ramer, Douglas and Peucker's: of the points between two that stay, the farthest stays, too, if it is farther than the
-- tolerance from the straight way
create or replace function pg_catalog.rs_simplified(doubles float8[], width int, tolerance float8) returns float8[]
language plpgsql immutable strict parallel safe as $$
declare
    stays boolean[] := array_fill(false, array[cardinality(doubles) / width]);
    -- ranges that are yet to be looked at
    froms int[] := array[1];
    untils int[] := array[cardinality(doubles) / width];
    depth int := 1;
    a int;
    b int;
    farthest int;
    distance float8;
    greatest_one float8;
    result float8[] := '{}';
begin
    stays[1] := true;
    stays[cardinality(stays)] := true;
    while depth > 0 loop
        a := froms[depth];
        b := untils[depth];
        depth := depth - 1;
        greatest_one := tolerance * tolerance;
        farthest := null;
        for point in a + 1 .. b - 1 loop
            distance := rs_nearest(doubles[width * (point - 1) + 1 : width * (point - 1) + 2],
                doubles[width * (a - 1) + 1 : width * (a - 1) + 2] || doubles[width * (b - 1) + 1 : width * (b - 1) + 2],
                array[2], 'infinity');
            if distance > greatest_one then
                greatest_one := distance;
                farthest := point;
            end if;
        end loop;
        if farthest is not null then
            stays[farthest] := true;
            froms[depth + 1] := a;
            untils[depth + 1] := farthest;
            froms[depth + 2] := farthest;
            untils[depth + 2] := b;
            depth := depth + 2;
        end if;
    end loop;
    for point in 1 .. cardinality(stays) loop
        if stays[point] then
            result := result || doubles[width * (point - 1) + 1 : width * point];
        end if;
    end loop;
    return result;
end $$;
create or replace function pg_catalog.st_simplify(value geometry, tolerance float8) returns geometry
language plpgsql immutable strict parallel safe as $$
declare
    dims int := rs_code(value) / 1000 * 1000;
    width int := rs_width(dims);
    ring float8[];
    rings bytea[] := '{}';
    members bytea[] := '{}';
    member bytea;
begin
    case rs_kind(value)
        when 1, 4 then
            return value;
        when 2 then
            return case when st_isempty(value) then value else rs_line(
                rs_simplified(rs_all_doubles(value), width, greatest(tolerance, 0)), dims, rs_srid(value)) end;
        when 3 then
            for place in 0 .. rs_count(value) - 1 loop
                ring := rs_simplified(rs_all_doubles(rs_ring_line(value, place)), width, greatest(tolerance, 0));
                -- a ring of fewer points holds no area, and without the outermost there is none
                if cardinality(ring) >= 4 * width then
                    rings := rings || rs_ring(ring, dims);
                elsif place = 0 then
                    exit;
                end if;
            end loop;
            return rs_collection(3 + dims, rs_srid(value), rings);
        else
            foreach member in array rs_members(value) loop
                members := members || rs_inner(st_simplify(rs_geometry(member), tolerance));
            end loop;
            return rs_collection(rs_code(value), rs_srid(value), members);
    end case;
end $$;
