-- Lengths, areas, distances and angles in the plane, and lengths on a sphere.

-- the sum over lines (or, if `rings`, over rings) of their length; with a radius, along the great circles of a sphere
create or replace function pg_catalog.rs_length(value geometry, rings boolean, radius float8) returns float8
language plpgsql immutable strict parallel safe as $$
declare
    wkb bytea := rs_wkb(value);
    parts int[] := rs_parts(wkb);
    width int := rs_width(rs_code(value));
    doubles float8[];
    length float8 := 0;
begin
    for part in 1 .. cardinality(parts) by 3 loop
        if parts[part] = (case when rings then 0 else 2 end) then
            doubles := rs_coordinates(wkb, parts, part, width);
            for at in 1 .. cardinality(doubles) - width by width loop
                length := length + case when radius = 0 then
                    sqrt((doubles[at + width] - doubles[at]) ^ 2 + (doubles[at + width + 1] - doubles[at + 1]) ^ 2)
                    else rs_great_circle(doubles[at], doubles[at + 1], doubles[at + width], doubles[at + width + 1], radius)
                    end;
            end loop;
        end if;
    end loop;
    return length;
end $$;
create or replace function pg_catalog.rs_great_circle(x1 float8, y1 float8, x2 float8, y2 float8, radius float8)
returns float8
language sql immutable strict parallel safe return radius * 2 * asin(least(1, sqrt(
    sind((y2 - y1) / 2) ^ 2 + cosd(y1) * cosd(y2) * sind((x2 - x1) / 2) ^ 2)));

create or replace function pg_catalog.st_length(value geometry) returns float8
language sql immutable strict parallel safe return rs_length(value, false, 0);
create or replace function pg_catalog.st_length2d(value geometry) returns float8
language sql immutable strict parallel safe return rs_length(value, false, 0);
create or replace function pg_catalog.st_perimeter(value geometry) returns float8
language sql immutable strict parallel safe return rs_length(value, true, 0);
create or replace function pg_catalog.st_perimeter2d(value geometry) returns float8
language sql immutable strict parallel safe return rs_length(value, true, 0);
-- the mean radius of WGS 84
create or replace function pg_catalog.st_lengthsphere(value geometry) returns float8
language sql immutable strict parallel safe return rs_length(value, false, 6371008.7714150598);

create or replace function pg_catalog.st_area(value geometry) returns float8
language plpgsql immutable strict parallel safe as $$
declare
    wkb bytea := rs_wkb(value);
    parts int[] := rs_parts(wkb);
    width int := rs_width(rs_code(value));
    area float8 := 0;
    is_hole boolean;
begin
    for part in 1 .. cardinality(parts) by 3 loop
        if parts[part] = 0 then
            area := area + case when is_hole then -0.5 else 0.5 end
                * abs(rs_turned_area(rs_coordinates(wkb, parts, part, width), width));
        end if;
        is_hole := parts[part] = 0;
    end loop;
    return area;
end $$;

-- the coordinates of points that must not be empty, one behind the other
create or replace function pg_catalog.rs_point_xy(points geometry[], name text) returns float8[]
language plpgsql immutable strict parallel safe as $$
declare
    point geometry;
    xy float8[] := '{}';
begin
    foreach point in array points loop
        perform rs_same_srid(points[1], point, name);
        if rs_kind(point) <> 1 then
            perform rs_invalid(format('%s: the geometries must be points', name));
        elsif st_isempty(point) then
            perform rs_invalid(format('%s: a point is empty', name));
        end if;
        xy := xy || (rs_all_doubles(point))[1:2];
    end loop;
    return xy;
end $$;
-- clockwise from north, from 0 up to 2 pi; null for no direction
create or replace function pg_catalog.rs_azimuth(x1 float8, y1 float8, x2 float8, y2 float8) returns float8
language plpgsql immutable strict parallel safe as $$
begin
    return case when x1 <> x2 or y1 <> y2 then rs_full_turn(atan2(x2 - x1, y2 - y1)) end;
end $$;
create or replace function pg_catalog.rs_full_turn(angle float8) returns float8
language plpgsql immutable strict parallel safe as $$
begin
    return case when angle < 0 then angle + 2 * pi() else angle end;
end $$;
create or replace function pg_catalog.st_azimuth(a geometry, b geometry) returns float8
language plpgsql immutable strict parallel safe as $$
declare
    xy float8[] := rs_point_xy(array[a, b], 'ST_Azimuth');
begin
    return rs_azimuth(xy[1], xy[2], xy[3], xy[4]);
end $$;
create or replace function pg_catalog.st_angle(a geometry, b geometry, c geometry) returns float8
language plpgsql immutable strict parallel safe as $$
declare
    xy float8[] := rs_point_xy(array[a, b, c], 'ST_Angle');
begin
    return rs_full_turn(rs_azimuth(xy[3], xy[4], xy[5], xy[6]) - rs_azimuth(xy[3], xy[4], xy[1], xy[2]));
end $$;
create or replace function pg_catalog.st_angle(a geometry, b geometry, c geometry, d geometry) returns float8
language plpgsql immutable strict parallel safe as $$
declare
    xy float8[] := rs_point_xy(array[a, b, c, d], 'ST_Angle');
begin
    return rs_full_turn(rs_azimuth(xy[5], xy[6], xy[7], xy[8]) - rs_azimuth(xy[1], xy[2], xy[3], xy[4]));
end $$;
create or replace function pg_catalog.st_distancesphere(a geometry, b geometry, radius float8 default 6371008.7714150598)
returns float8
language plpgsql immutable strict parallel safe as $$
declare
    xy float8[];
begin
    if radius < 0 then
        perform rs_invalid('ST_DistanceSphere: the radius must not be negative');
    elsif rs_kind(a) = 1 and rs_kind(b) = 1 and (st_isempty(a) or st_isempty(b)) then
        return null;
    end if;
    xy := rs_point_xy(array[a, b], 'ST_DistanceSphere');
    return rs_great_circle(xy[1], xy[2], xy[3], xy[4], radius);
end $$;

-- The square of the least distance between points of one geometry and points or segments of another. Where segments do not
-- meet, that is at an end of one of them.
create or replace function pg_catalog.rs_nearest(points float8[], xy float8[], ends int[], least_one float8) returns float8
language plpgsql immutable strict parallel safe as $$
declare
    at int := 1;
    stop int;
    x1 float8; y1 float8; x2 float8; y2 float8;
    dx float8; dy float8; px float8; py float8; length float8; share float8; square float8;
begin
    foreach stop in array ends loop
        x1 := xy[2 * at - 1];
        y1 := xy[2 * at];
        loop
            x2 := xy[2 * least(at + 1, stop) - 1];
            y2 := xy[2 * least(at + 1, stop)];
            dx := x2 - x1;
            dy := y2 - y1;
            length := dx * dx + dy * dy;
            for point in 1 .. cardinality(points) by 2 loop
                px := points[point] - x1;
                py := points[point + 1] - y1;
                if length > 0 then
                    share := (px * dx + py * dy) / length;
                    if share >= 1 then
                        px := points[point] - x2;
                        py := points[point + 1] - y2;
                    elsif share > 0 then
                        -- the distance from the line is more exact than that from the foot on it
                        square := (px * dy - py * dx) ^ 2 / length;
                        if square < least_one then
                            least_one := square;
                        end if;
                        continue;
                    end if;
                end if;
                square := px * px + py * py;
                if square < least_one then
                    least_one := square;
                end if;
            end loop;
            at := at + 1;
            exit when at >= stop;
            x1 := x2;
            y1 := y2;
        end loop;
        at := stop + 1;
    end loop;
    return least_one;
end $$;
create or replace function pg_catalog.rs_distance(a geometry, b geometry, name text) returns float8
language plpgsql immutable strict parallel safe as $$
declare
    srid int := rs_same_srid(a, b, name);
    p rs_plane := rs_plane(a, name);
    q rs_plane := rs_plane(b, name);
begin
    if p.ends = '{}' or q.ends = '{}' then
        return null;
    elsif p.dimension + q.dimension > 0 and rs_box(a) && rs_box(b) and rs_relate(p, q) !~ '^FF.FF' then
        return 0;
    end if;
    return sqrt(rs_nearest(q.xy, p.xy, p.ends, rs_nearest(p.xy, q.xy, q.ends, 'infinity')));
end $$;
create or replace function pg_catalog.st_distance(a geometry, b geometry) returns float8
language sql immutable strict parallel safe return rs_distance(a, b, 'ST_Distance');
create or replace function pg_catalog.st_dwithin(a geometry, b geometry, threshold float8) returns boolean
language plpgsql immutable strict parallel safe as $$
begin
    if threshold < 0 then
        perform rs_invalid('ST_DWithin: the threshold must not be negative');
    end if;
    return coalesce(rs_distance(a, b, 'ST_DWithin') <= threshold, false);
end $$;
