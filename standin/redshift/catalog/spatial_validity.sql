-- Validity and simplicity, as the SQL reference defines them under "Terminology for Amazon Redshift spatial data".

-- Whether a line meets itself elsewhere than where one segment goes on in the next, or where a closed line closes.
create or replace function pg_catalog.rs_meets_itself(segments float8[], closed boolean) returns boolean
language plpgsql immutable strict parallel safe as $$
declare
    number int := cardinality(segments) / 4;
    met record;
begin
    for i in 1 .. number - 1 loop
        for j in i + 1 .. number loop
            met := rs_meet(segments[4 * i - 3], segments[4 * i - 2], segments[4 * i - 1], segments[4 * i],
                segments[4 * j - 3], segments[4 * j - 2], segments[4 * j - 1], segments[4 * j]);
            if met.how in ('cross', 'overlap') or met.how = 'touch' and not (
                j = i + 1 and met.x1 = segments[4 * i - 1] and met.y1 = segments[4 * i]
                or closed and i = 1 and j = number and met.x1 = segments[1] and met.y1 = segments[2])
            then
                return true;
            end if;
        end loop;
    end loop;
    return false;
end $$;

create or replace function pg_catalog.rs_repeats_points(xy float8[], ends int[]) returns boolean
language plpgsql immutable strict parallel safe as $$
begin
    for point in 2 .. cardinality(xy) / 2 loop
        if xy[2 * point - 1] = xy[2 * point - 3] and xy[2 * point] = xy[2 * point - 2] and point - 1 <> all (ends) then
            return true;
        end if;
    end loop;
    return false;
end $$;

create or replace function pg_catalog.rs_is_closed(xy float8[]) returns boolean
language sql immutable strict parallel safe
return xy[1] = xy[cardinality(xy) - 1] and xy[2] = xy[cardinality(xy)];

create or replace function pg_catalog.st_issimple(value geometry) returns boolean
language plpgsql immutable strict parallel safe as $$
declare
    plane rs_plane;
    xy float8[];
    other_xy float8[];
    met record;
    member bytea;
begin
    if rs_kind(value) = 7 then
        foreach member in array rs_members(value) loop
            if not st_issimple(rs_geometry(member)) then
                return false;
            end if;
        end loop;
        return true;
    end if;
    plane := rs_plane(value, 'ST_IsSimple');
    xy := plane.xy;
    if plane.dimension = 0 then
        for point in 3 .. cardinality(xy) by 2 loop
            if rs_among(xy[point], xy[point + 1], xy[: point - 1]) then
                return false;
            end if;
        end loop;
        return true;
    elsif rs_repeats_points(xy, plane.ends) then
        return false;
    elsif plane.dimension = 2 then
        return true;
    end if;
    for line in 1 .. cardinality(plane.ends) loop
        xy := rs_sequence(plane, line);
        if rs_meets_itself((rs_segments((1, xy, array[cardinality(xy) / 2], array[0])::rs_plane)).segments,
            rs_is_closed(xy))
        then
            return false;
        end if;
        -- other lines, only where both of them end
        for other in 1 .. line - 1 loop
            other_xy := rs_sequence(plane, other);
            for met in select * from rs_meetings(xy, other_xy) loop
                if met.how <> 'touch'
                    or not rs_among(met.x, met.y, rs_line_ends(xy, array[cardinality(xy) / 2]))
                    or not rs_among(met.x, met.y, rs_line_ends(other_xy, array[cardinality(other_xy) / 2]))
                then
                    return false;
                end if;
            end loop;
        end loop;
    end loop;
    return true;
end $$;

-- one of the lines or rings
create or replace function pg_catalog.rs_sequence(plane rs_plane, number int) returns float8[]
language plpgsql immutable strict parallel safe as $$
begin
    return plane.xy[2 * coalesce(plane.ends[number - 1], 0) + 1 : 2 * plane.ends[number]];
end $$;
-- where two lines meet
create or replace function pg_catalog.rs_meetings(a float8[], b float8[], out how text, out x float8, out y float8)
returns setof record
language plpgsql immutable strict parallel safe as $$
declare
    met record;
begin
    for i in 1 .. cardinality(a) - 3 by 2 loop
        for j in 1 .. cardinality(b) - 3 by 2 loop
            continue when greatest(a[i], a[i + 2]) < least(b[j], b[j + 2]) or least(a[i], a[i + 2]) > greatest(b[j], b[j + 2])
                or greatest(a[i + 1], a[i + 3]) < least(b[j + 1], b[j + 3])
                or least(a[i + 1], a[i + 3]) > greatest(b[j + 1], b[j + 3])
                or (a[i], a[i + 1]) = (a[i + 2], a[i + 3]) or (b[j], b[j + 1]) = (b[j + 2], b[j + 3]);
            met := rs_meet(a[i], a[i + 1], a[i + 2], a[i + 3], b[j], b[j + 1], b[j + 2], b[j + 3]);
            if met.how <> 'none' then
                how := met.how;
                x := met.x1;
                y := met.y1;
                return next;
            end if;
        end loop;
    end loop;
end $$;

create or replace function pg_catalog.rs_valid_polygon(plane rs_plane) returns boolean
language plpgsql immutable strict parallel safe as $$
declare
    rings rs_plane[] := '{}';
    ring float8[];
    turn float8;
    relation text;
    met record;
    -- rings and the points where they touch hang together like a net; groups are by ring or point
    touches float8[] := '{}';
    seen text[] := '{}';
    groups int[] := '{}';
    old_group int;
    point int;
begin
    for number in 1 .. cardinality(plane.ends) loop
        ring := rs_sequence(plane, number);
        rings[number] := (2, ring, array[cardinality(ring) / 2], array[1])::rs_plane;
        groups[number] := number;
        -- with the area on one side of all rings, interior ones turn the other way
        turn := sign(rs_turned_area(ring, 2)) * sign(rs_turned_area(rings[1].xy, 2));
        if not rs_is_closed(ring) or turn <> (case when number = 1 then 1 else -1 end)
            or rs_meets_itself((rs_segments(rings[number])).segments, true)
        then
            return false;
        end if;
    end loop;
    for number in 2 .. cardinality(rings) loop
        for other in 1 .. number - 1 loop
            relation := rs_relate(rings[other], rings[number]);
            -- within the exterior ring; beside the other interior ones; nowhere along any of them
            if relation !~ (case when other = 1 then '^2...[F0].FF' else '^F...[F0]' end) then
                return false;
            end if;
            continue when substr(relation, 5, 1) = 'F';
            for met in select distinct x, y from rs_meetings(rings[other].xy, rings[number].xy) loop
                point := null;
                for place in 1 .. cardinality(touches) by 2 loop
                    if touches[place] = met.x and touches[place + 1] = met.y then
                        point := cardinality(rings) + (place + 1) / 2;
                    end if;
                end loop;
                if point is null then
                    touches := touches || met.x || met.y;
                    point := cardinality(rings) + cardinality(touches) / 2;
                    groups[point] := point;
                end if;
                -- a ring that comes to a point of its own group closes a circle, which parts the interior
                foreach old_group in array array[other, number] loop
                    continue when format('%s %s', old_group, point) = any (seen);
                    seen := seen || format('%s %s', old_group, point);
                    if groups[old_group] = groups[point] then
                        return false;
                    end if;
                    groups := array_replace(groups, groups[point], groups[old_group]);
                end loop;
            end loop;
        end loop;
    end loop;
    return true;
end $$;

create or replace function pg_catalog.st_isvalid(value geometry) returns boolean
language plpgsql immutable strict parallel safe as $$
declare
    plane rs_plane;
    areas rs_plane[] := '{}';
    member bytea;
    double float8;
begin
    foreach double in array rs_all_doubles(value) loop
        if double in ('nan', 'infinity', '-infinity') then
            return false;
        end if;
    end loop;
    if rs_kind(value) in (5, 6, 7) then
        foreach member in array rs_members(value) loop
            if not st_isvalid(rs_geometry(member)) then
                return false;
            end if;
            if rs_kind(value) = 6 then
                plane := rs_plane(rs_geometry(member), 'ST_IsValid');
                for other in 1 .. cardinality(areas) loop
                    if rs_relate(areas[other], plane) !~ '^F...[F0]' then
                        return false;
                    end if;
                end loop;
                areas := areas || plane;
            end if;
        end loop;
        return true;
    end if;
    plane := rs_plane(value, 'ST_IsValid');
    return case plane.dimension when 0 then true
        when 1 then plane.ends = '{}' or cardinality((rs_segments(plane)).segments) > 0
        else cardinality(plane.ends) = rs_count(value) and rs_valid_polygon(plane) end;
end $$;

create or replace function pg_catalog.st_isring(value geometry) returns boolean
language plpgsql immutable strict parallel safe as $$
begin
    if rs_kind(value) <> 2 then
        perform rs_invalid('ST_IsRing: the geometry must be a linestring');
    end if;
    return st_isclosed(value) and st_issimple(value);
end $$;
