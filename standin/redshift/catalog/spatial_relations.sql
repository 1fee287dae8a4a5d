-- How two geometries lie to each other: the nine intersections of their interiors, boundaries and exteriors (DE-9IM), from
-- which all predicates follow. What decides are signs of determinants, which are exact; so lines that only touch, and
-- edges that two areas share, are found for certain. Areas are taken for valid, as Redshift does.

-- Points, lines or rings in the plane: their coordinates one behind the other, and for each of them after how many points
-- it ends; `dimension` is 0, 1 or 2. A ring that is a hole belongs to the same `owner` as the ring before it.
do $$
begin
    if to_regtype('pg_catalog.rs_plane') is null then
        create type pg_catalog.rs_plane as (dimension int, xy float8[], ends int[], owners int[]);
    end if;
end $$;
create or replace function pg_catalog.rs_plane(value geometry, name text) returns rs_plane
language plpgsql immutable strict parallel safe as $$
declare
    wkb bytea := rs_wkb(value);
    parts int[] := rs_parts(wkb);
    dims int := rs_code(value) / 1000 * 1000;
    width int := rs_width(dims);
    kind int := rs_kind(value);
    xy float8[] := '{}';
    ends int[] := '{}';
    owners int[] := '{}';
    number int := 0;
    points int := 0;
    owner int := 0;
begin
    if kind = 7 then
        perform rs_invalid(format('%s: the geometry must not be a geometry collection', name));
    end if;
    for part in 1 .. cardinality(parts) by 3 loop
        if parts[part] = 3 then
            owner := owner + 1;
        elsif parts[part] < 3 and parts[part + 2] > 0 then
            xy := xy || rs_points_redrawn(rs_coordinates(wkb, parts, part, width), dims, 0, false);
            number := number + 1;
            points := points + parts[part + 2];
            ends[number] := points;
            owners[number] := owner;
        end if;
    end loop;
    return (((kind - 1) % 3), xy, ends, owners)::rs_plane;
end $$;

-- 1 if the way from a over b to c turns left, -1 if right, 0 if straight on or back
create or replace function pg_catalog.rs_turn(ax float8, ay float8, bx float8, by float8, cx float8, cy float8) returns int
language plpgsql immutable strict parallel safe as $$
declare
    l float8 := (ax - cx) * (by - cy);
    r float8 := (ay - cy) * (bx - cx);
    x numeric;
    y numeric;
begin
    -- what rounding can have done to the difference (Shewchuk)
    if abs(l - r) > 3.3306690738754716e-16 * (abs(l) + abs(r)) then
        return sign(l - r);
    elsif l = 0 and r = 0 then
        return 0;
    end if;
    x := rs_exact(cx);
    y := rs_exact(cy);
    return sign((rs_exact(ax) - x) * (rs_exact(by) - y) - (rs_exact(ay) - y) * (rs_exact(bx) - x));
end $$;

-- where a point lies in an area: 1 inside, 0 on its boundary, -1 outside
create or replace function pg_catalog.rs_locate(x float8, y float8, xy float8[], ends int[]) returns int
language plpgsql immutable strict parallel safe as $$
declare
    inside int := -1;
    point int := 0;
    stop int;
    x1 float8;
    y1 float8;
    x2 float8;
    y2 float8;
    turn int;
begin
    foreach stop in array ends loop
        x1 := xy[2 * point + 1];
        y1 := xy[2 * point + 2];
        while point < stop - 1 loop
            point := point + 1;
            y2 := xy[2 * point + 2];
            -- edges count that pass the height of the point, to the right of it; an upper end is not part of its edge
            if (y1 > y) <> (y2 > y) then
                x2 := xy[2 * point + 1];
                if x1 < x and x2 < x then
                    null;
                elsif x1 > x and x2 > x then
                    inside := -inside;
                else
                    turn := rs_turn(x1, y1, x2, y2, x, y);
                    if turn = 0 then
                        return 0;
                    elsif (turn > 0) = (y2 > y1) then
                        inside := -inside;
                    end if;
                end if;
                x1 := x2;
            else
                x2 := xy[2 * point + 1];
                if y2 = y and (x2 = x or y1 = y and (x1 < x) <> (x2 < x)) then
                    return 0;
                end if;
                x1 := x2;
            end if;
            y1 := y2;
        end loop;
        point := point + 1;
    end loop;
    return inside;
end $$;

-- whether a point lies on a line
create or replace function pg_catalog.rs_on_segment(x float8, y float8, x1 float8, y1 float8, x2 float8, y2 float8)
returns boolean
language plpgsql immutable strict parallel safe as $$
begin
    return (x between x1 and x2 or x between x2 and x1) and (y between y1 and y2 or y between y2 and y1)
        and rs_turn(x1, y1, x2, y2, x, y) = 0;
end $$;
create or replace function pg_catalog.rs_on_line(x float8, y float8, xy float8[], ends int[]) returns boolean
language plpgsql immutable strict parallel safe as $$
declare
    point int := 1;
    stop int;
begin
    foreach stop in array ends loop
        while point < stop loop
            if rs_on_segment(x, y, xy[2 * point - 1], xy[2 * point], xy[2 * point + 1], xy[2 * point + 2]) then
                return true;
            end if;
            point := point + 1;
        end loop;
        point := point + 1;
    end loop;
    return false;
end $$;
create or replace function pg_catalog.rs_among(x float8, y float8, xy float8[]) returns boolean
language plpgsql immutable strict parallel safe as $$
begin
    for point in 1 .. cardinality(xy) by 2 loop
        if xy[point] = x and xy[point + 1] = y then
            return true;
        end if;
    end loop;
    return false;
end $$;
-- the boundary of lines: points where an odd number of them end
create or replace function pg_catalog.rs_line_ends(xy float8[], ends int[]) returns float8[]
language plpgsql immutable strict parallel safe as $$
declare
    result float8[] := '{}';
    stop int;
    start int := 1;
    point int;
    place int;
begin
    foreach stop in array ends loop
        foreach point in array array[start, stop] loop
            place := null;
            for other in 1 .. cardinality(result) by 2 loop
                if result[other] = xy[2 * point - 1] and result[other + 1] = xy[2 * point] then
                    place := other;
                end if;
            end loop;
            result := case when place is null then result || xy[2 * point - 1] || xy[2 * point]
                else result[:place - 1] || result[place + 2:] end;
        end loop;
        start := stop + 1;
    end loop;
    return result;
end $$;

-- The segments of lines and rings, four numbers each, those without length left out. Rings run so that their area is to
-- the left. `joined` tells whether a segment goes on where the one before it ended.
create or replace function pg_catalog.rs_segments(plane rs_plane, out segments float8[], out joined boolean[])
language plpgsql immutable strict parallel safe as $$
declare
    xy float8[] := plane.xy;
    ring int := 0;
    start int := 1;
    stop int;
    backwards boolean;
    number int := 0;
    place int := 0;
    a int;
    b int;
begin
    segments := '{}';
    joined := '{}';
    foreach stop in array plane.ends loop
        ring := ring + 1;
        backwards := plane.dimension = 2 and (rs_turned_area(xy[2 * start - 1 : 2 * stop], 2) < 0)
            = (ring = 1 or plane.owners[ring] <> plane.owners[ring - 1]);
        b := case when backwards then stop else start end;
        for point in 1 .. stop - start loop
            a := b;
            b := a + case when backwards then -1 else 1 end;
            if xy[2 * a - 1] <> xy[2 * b - 1] or xy[2 * a] <> xy[2 * b] then
                segments[place + 1] := xy[2 * a - 1];
                segments[place + 2] := xy[2 * a];
                segments[place + 3] := xy[2 * b - 1];
                segments[place + 4] := xy[2 * b];
                place := place + 4;
                number := number + 1;
                joined[number] := point > 1;
            end if;
        end loop;
        start := stop + 1;
    end loop;
end $$;

-- How two segments meet: 'none', 'cross' (inside both of them), 'touch' (in one point, which is an end of at least one) or
-- 'overlap'; with the point or with the two ends of what they share.
create or replace function pg_catalog.rs_meet(ax float8, ay float8, bx float8, by float8, cx float8, cy float8, dx float8,
    dy float8, out how text, out x1 float8, out y1 float8, out x2 float8, out y2 float8)
language plpgsql immutable strict parallel safe as $$
declare
    c int := rs_turn(ax, ay, bx, by, cx, cy);
    d int := rs_turn(ax, ay, bx, by, dx, dy);
    a int;
    b int;
    p float8[];
    q float8[];
begin
    how := 'none';
    if c * d > 0 then
        return;
    elsif c = 0 and d = 0 then
        -- along one line; its points have an order
        p := case when (ax, ay) < (bx, by) then array[ax, ay, bx, by] else array[bx, by, ax, ay] end;
        q := case when (cx, cy) < (dx, dy) then array[cx, cy, dx, dy] else array[dx, dy, cx, cy] end;
        x1 := case when (p[1], p[2]) > (q[1], q[2]) then p[1] else q[1] end;
        y1 := case when (p[1], p[2]) > (q[1], q[2]) then p[2] else q[2] end;
        x2 := case when (p[3], p[4]) < (q[3], q[4]) then p[3] else q[3] end;
        y2 := case when (p[3], p[4]) < (q[3], q[4]) then p[4] else q[4] end;
        how := case when (x1, y1) < (x2, y2) then 'overlap' when (x1, y1) = (x2, y2) then 'touch' else 'none' end;
        return;
    end if;
    a := rs_turn(cx, cy, dx, dy, ax, ay);
    b := rs_turn(cx, cy, dx, dy, bx, by);
    if a * b > 0 then
        return;
    elsif a * b * c * d <> 0 then
        how := 'cross';
        return;
    end if;
    how := 'touch';
    x1 := case when a = 0 then ax when b = 0 then bx when c = 0 then cx else dx end;
    y1 := case when a = 0 then ay when b = 0 then by when c = 0 then cy else dy end;
    x2 := x1;
    y2 := y1;
end $$;

-- What becomes of lines where they meet another geometry. `meetings` are a segment's number and two points each: from
-- where to where the segment runs along the other geometry. Tells whether something of the lines lies elsewhere
-- ('uncovered') and, if the other geometry is an area, whether something lies inside and outside of it.
create or replace function pg_catalog.rs_pieces(segments float8[], joined boolean[], meetings float8[], area rs_plane,
    out uncovered boolean, out inside boolean, out outside boolean)
language plpgsql immutable strict parallel safe as $$
declare
    xy float8[] := area.xy;
    ends int[] := area.ends;
    -- the segment at hand, from x, y on, and how far along it that is
    x float8; y float8; reach float8;
    end_x float8; end_y float8;
    by_x boolean;
    way int;
    side int;
    -- its meetings: from where to where, as places along it, and which they are
    froms float8[]; untils float8[]; places int[];
    from_one float8; until_one float8;
    number int;
    soonest int;
begin
    uncovered := false;
    inside := false;
    outside := false;
    for segment in 1 .. cardinality(joined) loop
        if not joined[segment] then
            side := null;
        end if;
        x := segments[4 * segment - 3];
        y := segments[4 * segment - 2];
        end_x := segments[4 * segment - 1];
        end_y := segments[4 * segment];
        -- of the coordinates the one that changes more tells, without rounding, which point comes before which
        by_x := abs(end_x - x) >= abs(end_y - y);
        way := case when by_x then sign(end_x - x) else sign(end_y - y) end;
        reach := way * case when by_x then x else y end;
        number := 0;
        for place in 1 .. cardinality(meetings) by 5 loop
            continue when meetings[place] <> segment;
            from_one := way * case when by_x then meetings[place + 1] else meetings[place + 2] end;
            until_one := way * case when by_x then meetings[place + 3] else meetings[place + 4] end;
            number := number + 1;
            froms[number] := least(from_one, until_one);
            untils[number] := greatest(from_one, until_one);
            places[number] := case when from_one <= until_one then place else -place end;
        end loop;
        loop
            soonest := null;
            for one in 1 .. number loop
                if places[one] <> 0
                    and (soonest is null or (froms[one], untils[one]) < (froms[soonest], untils[soonest]))
                then
                    soonest := one;
                end if;
            end loop;
            from_one := coalesce(froms[soonest], way * case when by_x then end_x else end_y end);
            if from_one > reach then
                -- a piece that is not along the other geometry: all of it is on one side
                uncovered := true;
                if area.dimension = 2 and cardinality(ends) > 0 then
                    if side is null then
                        side := case
                            when soonest is null then rs_locate((x + end_x) / 2, (y + end_y) / 2, xy, ends)
                            when places[soonest] > 0 then rs_locate((x + meetings[places[soonest] + 1]) / 2,
                                (y + meetings[places[soonest] + 2]) / 2, xy, ends)
                            else rs_locate((x + meetings[3 - places[soonest]]) / 2,
                                (y + meetings[4 - places[soonest]]) / 2, xy, ends) end;
                    end if;
                    inside := inside or side > 0;
                    outside := outside or side < 0;
                end if;
            end if;
            exit when soonest is null;
            side := null;
            if untils[soonest] > reach then
                reach := untils[soonest];
                x := meetings[abs(places[soonest]) + case when places[soonest] > 0 then 3 else 1 end];
                y := meetings[abs(places[soonest]) + case when places[soonest] > 0 then 4 else 2 end];
            end if;
            places[soonest] := 0;
        end loop;
    end loop;
end $$;

create or replace function pg_catalog.rs_relate(a rs_plane, b rs_plane) returns text
language plpgsql immutable strict parallel safe as $$
declare
    -- the matrix: of a's interior, boundary and exterior with b's, row by row
    ii text := 'F'; ib text := 'F'; ie text := 'F';
    bi text := 'F'; bb text := 'F'; be text := 'F';
    ei text := 'F'; eb text := 'F';
    swapped text;
    xy_a float8[] := a.xy;
    xy_b float8[] := b.xy;
    ends_a int[] := a.ends;
    ends_b int[] := b.ends;
    bounds_a float8[] := '{}';
    bounds_b float8[] := '{}';
    bounds float8[];
    s float8[];
    t float8[];
    joined_s boolean[];
    joined_t boolean[];
    least_x float8; greatest_x float8; least_y float8; greatest_y float8;
    x1 float8; y1 float8; x2 float8; y2 float8;
    x3 float8; y3 float8; x4 float8; y4 float8;
    met record;
    pieces record;
    meetings_s float8[] := '{}';
    meetings_t float8[] := '{}';
    number int := 0;
    crossed boolean := false;
    alike boolean := false;
    opposed boolean := false;
    place int;
begin
    if a.dimension > b.dimension then
        swapped := rs_relate(b, a);
        return substr(swapped, 1, 1) || substr(swapped, 4, 1) || substr(swapped, 7, 1) || substr(swapped, 2, 1)
            || substr(swapped, 5, 1) || substr(swapped, 8, 1) || substr(swapped, 3, 1) || substr(swapped, 6, 1) || '2';
    end if;
    if a.dimension = 1 then
        bounds_a := rs_line_ends(xy_a, ends_a);
    end if;
    if b.dimension = 1 then
        bounds_b := rs_line_ends(xy_b, ends_b);
    end if;
    if cardinality(ends_a) = 0 or cardinality(ends_b) = 0 then
        -- all that there is lies in the exterior of nothing
        if cardinality(ends_a) > 0 then
            ie := a.dimension;
            be := case when a.dimension = 2 then '1' when bounds_a <> '{}' then '0' else 'F' end;
        elsif cardinality(ends_b) > 0 then
            ei := b.dimension;
            eb := case when b.dimension = 2 then '1' when bounds_b <> '{}' then '0' else 'F' end;
        end if;
        return 'FF' || ie || 'FF' || be || ei || eb || '2';
    end if;

    if a.dimension = 0 then
        for point in 1 .. cardinality(xy_a) by 2 loop
            place := case when b.dimension = 2 then rs_locate(xy_a[point], xy_a[point + 1], xy_b, ends_b)
                when b.dimension = 0 then case when rs_among(xy_a[point], xy_a[point + 1], xy_b) then 1 else -1 end
                when rs_among(xy_a[point], xy_a[point + 1], bounds_b) then 0
                when rs_on_line(xy_a[point], xy_a[point + 1], xy_b, ends_b) then 1
                else -1 end;
            if place = 1 then
                ii := '0';
            elsif place = 0 then
                ib := '0';
            else
                ie := '0';
            end if;
        end loop;
        if b.dimension = 0 then
            for point in 1 .. cardinality(xy_b) by 2 loop
                if not rs_among(xy_b[point], xy_b[point + 1], xy_a) then
                    ei := '0';
                end if;
            end loop;
        elsif b.dimension = 1 then
            ei := '1';
            for point in 1 .. cardinality(bounds_b) by 2 loop
                if not rs_among(bounds_b[point], bounds_b[point + 1], xy_a) then
                    eb := '0';
                end if;
            end loop;
        else
            ei := '2';
            eb := '1';
        end if;
        return ii || ib || ie || 'FFF' || ei || eb || '2';
    end if;

    bounds := bounds_a || bounds_b;
    select * into s, joined_s from rs_segments(a);
    select * into t, joined_t from rs_segments(b);
    least_x := xy_b[1]; greatest_x := least_x; least_y := xy_b[2]; greatest_y := least_y;
    for point in 1 .. cardinality(xy_b) by 2 loop
        least_x := least(least_x, xy_b[point]);
        greatest_x := greatest(greatest_x, xy_b[point]);
        least_y := least(least_y, xy_b[point + 1]);
        greatest_y := greatest(greatest_y, xy_b[point + 1]);
    end loop;
    for i in 1 .. cardinality(joined_s) loop
        x1 := s[4 * i - 3]; y1 := s[4 * i - 2]; x2 := s[4 * i - 1]; y2 := s[4 * i];
        continue when greatest(x1, x2) < least_x or least(x1, x2) > greatest_x
            or greatest(y1, y2) < least_y or least(y1, y2) > greatest_y;
        for j in 1 .. cardinality(joined_t) loop
            x3 := t[4 * j - 3]; x4 := t[4 * j - 1];
            continue when x1 < x3 and x1 < x4 and x2 < x3 and x2 < x4 or x1 > x3 and x1 > x4 and x2 > x3 and x2 > x4;
            y3 := t[4 * j - 2]; y4 := t[4 * j];
            continue when y1 < y3 and y1 < y4 and y2 < y3 and y2 < y4 or y1 > y3 and y1 > y4 and y2 > y3 and y2 > y4;
            met := rs_meet(x1, y1, x2, y2, x3, y3, x4, y4);
            continue when met.how = 'none';
            if met.how = 'cross' then
                if b.dimension = 1 then
                    -- the very point where another of the lines ends is boundary
                    place := 0;
                    for point in 1 .. cardinality(bounds) by 2 loop
                        if rs_on_segment(bounds[point], bounds[point + 1], x1, y1, x2, y2)
                            and rs_on_segment(bounds[point], bounds[point + 1], x3, y3, x4, y4)
                        then
                            place := 1;
                        end if;
                    end loop;
                    if ii = 'F' and place = 0 then
                        ii := '0';
                    end if;
                    continue;
                elsif a.dimension = 2 then
                    -- each goes from inside to outside of the other
                    return '212101212';
                end if;
                crossed := true;
                if ib = 'F' then
                    ib := '0';
                end if;
                continue;
            end if;
            meetings_s := meetings_s || i::float8 || met.x1 || met.y1 || met.x2 || met.y2;
            meetings_t := meetings_t || j::float8 || met.x1 || met.y1 || met.x2 || met.y2;
            if met.how = 'overlap' then
                if b.dimension = 1 then
                    ii := '1';
                elsif a.dimension = 1 then
                    ib := '1';
                else
                    bb := '1';
                    if (x2 - x1) * (x4 - x3) + (y2 - y1) * (y4 - y3) > 0 then
                        alike := true;
                    else
                        opposed := true;
                    end if;
                end if;
            elsif a.dimension = 2 then
                if bb = 'F' then
                    bb := '0';
                end if;
            elsif not rs_among(met.x1, met.y1, bounds_a) then
                if b.dimension = 2 then
                    if ib = 'F' then
                        ib := '0';
                    end if;
                elsif ii = 'F' and not rs_among(met.x1, met.y1, bounds_b) then
                    ii := '0';
                end if;
            end if;
        end loop;
    end loop;

    if a.dimension = 2 then
        pieces := rs_pieces(s, joined_s, meetings_s, b);
        if pieces.inside then
            bi := '1';
        end if;
        if pieces.outside then
            be := '1';
        end if;
        pieces := rs_pieces(t, joined_t, meetings_t, a);
        if pieces.inside then
            ib := '1';
        end if;
        if pieces.outside then
            eb := '1';
        end if;
        if alike or bi = '1' or ib = '1' then
            ii := '2';
        end if;
        if opposed or be = '1' or ib = '1' then
            ie := '2';
        end if;
        if opposed or eb = '1' or bi = '1' then
            ei := '2';
        end if;
        return ii || ib || ie || bi || bb || be || ei || eb || '2';
    end if;

    -- a consists of lines
    for point in 1 .. cardinality(bounds_a) by 2 loop
        place := case when b.dimension = 2 then rs_locate(bounds_a[point], bounds_a[point + 1], xy_b, ends_b)
            when rs_among(bounds_a[point], bounds_a[point + 1], bounds_b) then 0
            when rs_on_line(bounds_a[point], bounds_a[point + 1], xy_b, ends_b) then 1
            else -1 end;
        if place = 1 then
            bi := '0';
        elsif place = 0 then
            bb := '0';
        else
            be := '0';
        end if;
    end loop;
    pieces := rs_pieces(t, joined_t, meetings_t, (a.dimension, '{}', '{}', '{}')::rs_plane);
    if b.dimension = 2 then
        ei := '2';
        if pieces.uncovered then
            eb := '1';
        end if;
        if not crossed then
            pieces := rs_pieces(s, joined_s, meetings_s, b);
        end if;
        if crossed or pieces.inside then
            ii := '1';
        end if;
        if crossed or pieces.outside then
            ie := '1';
        end if;
    else
        if pieces.uncovered then
            ei := '1';
        end if;
        pieces := rs_pieces(s, joined_s, meetings_s, (b.dimension, '{}', '{}', '{}')::rs_plane);
        if pieces.uncovered then
            ie := '1';
        end if;
        for point in 1 .. cardinality(bounds_b) by 2 loop
            if not rs_among(bounds_b[point], bounds_b[point + 1], bounds_a) then
                if rs_on_line(bounds_b[point], bounds_b[point + 1], xy_a, ends_a) then
                    ib := '0';
                else
                    eb := '0';
                end if;
            end if;
        end loop;
    end if;
    return ii || ib || ie || bi || bb || be || ei || eb || '2';
end $$;

-- Predicates. What the boxes around the geometries tell is told first. Postgres' own geometric types compute those of lines
-- and rings: a path in memory is a head of 12 bytes (points, closed, nothing) and then coordinates as in our WKB. As with
-- `rs_trusted_doubles`, nothing else may call the first function.
create or replace function pg_catalog.rs_trusted_path(bytes bytea) returns path
language internal immutable strict parallel safe as 'byteasend';
create or replace function pg_catalog.rs_box(value geometry) returns box
language plpgsql immutable strict parallel safe as $$
declare
    wkb bytea := rs_wkb(value);
    kind int := rs_code(value);
    place int := 6 + 4 * (get_byte(wkb, 4) >> 5) + case kind when 3 then 4 else 0 end;
    points int;
    x float8[];
    y float8[];
begin
    -- in two dimensions a polygon's box is that of its first ring
    if kind in (2, 3) and octet_length(wkb) >= place + 3 then
        points := reverse(substr(wkb, place, 4))::int4;
        if points > 0 then
            return box(polygon(rs_trusted_path(substr(wkb, place, 4) || decode('0100000000000000', 'hex')
                || substr(wkb, place + 4, 16 * points))));
        end if;
        return null;
    end if;
    x := rs_range(value, 1);
    y := rs_range(value, 2);
    return box(point(x[1], y[1]), point(x[2], y[2]));
end $$;

create or replace function pg_catalog.rs_related(a geometry, b geometry, name text) returns text
language plpgsql immutable strict parallel safe as $$
begin
    perform rs_same_srid(a, b, name);
    if rs_kind(a) < 7 and rs_kind(b) < 7 and not coalesce(rs_box(a) && rs_box(b), false) then
        return 'FF*FF****';
    end if;
    return rs_relate(rs_plane(a, name), rs_plane(b, name));
end $$;

do $$
declare
    name text;
    condition text;
begin
    for name, condition in values
        ('Intersects', $c$ m !~ '^FF.FF' $c$),
        ('Disjoint', $c$ m ~ '^FF.FF' $c$),
        ('Contains', $c$ m ~ '^[012].....FF' $c$),
        ('Within', $c$ m ~ '^[012].F..F' $c$),
        ('Covers', $c$ m !~ '^FF.FF' and m ~ '^......FF' $c$),
        ('CoveredBy', $c$ m !~ '^FF.FF' and m ~ '^..F..F' $c$),
        ('ContainsProperly', $c$ m ~ '^[012]..FF.FF' $c$),
        ('Touches', $c$ m ~ '^F' and m !~ '^FF.FF' $c$)
    loop
        execute format($f$create or replace function pg_catalog.st_%s(a geometry, b geometry) returns boolean
            language plpgsql immutable strict parallel safe as $b$
            declare
                m text := rs_related(a, b, %L);
            begin
                return %s;
            end $b$ $f$, lower(name), 'ST_' || name, condition);
    end loop;
end $$;

-- these two take no nulls
create or replace function pg_catalog.rs_required(a geometry, b geometry, name text) returns void
language plpgsql immutable parallel safe as $$
begin
    if a is null or b is null then
        perform rs_invalid(format('%s: a geometry is null', name));
    end if;
end $$;
create or replace function pg_catalog.st_equals(a geometry, b geometry) returns boolean
language plpgsql immutable parallel safe as $$
begin
    perform rs_required(a, b, 'ST_Equals');
    return rs_related(a, b, 'ST_Equals') ~ '^[012].F..FFF';
end $$;
create or replace function pg_catalog.st_crosses(a geometry, b geometry) returns boolean
language plpgsql immutable parallel safe as $$
declare
    m text;
begin
    perform rs_required(a, b, 'ST_Crosses');
    m := rs_related(a, b, 'ST_Crosses');
    return case
        when st_dimension(a) < st_dimension(b) then m ~ '^[012].[012]'
        when st_dimension(a) > st_dimension(b) then m ~ '^[012].....[012]'
        when st_dimension(a) = 1 then m ~ '^0'
        else false end;
end $$;
