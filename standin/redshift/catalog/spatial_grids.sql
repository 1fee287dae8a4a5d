-- Cells of the globe: geohashes, geosquares, and what the number of an H3 cell says.

-- A geohash halves longitude and latitude in turn; five halves make a character. As doubles they end where they end.
create or replace function pg_catalog.st_geohash(point geometry, digits int default 20) returns varchar
language plpgsql immutable strict parallel safe as $$
declare
    xy float8[];
    lows float8[] := array[-180, -90];
    highs float8[] := array[180, 90];
    middle float8;
    code int := 0;
    result text := '';
    axis int := 1;
begin
    if rs_kind(point) = 1 and st_isempty(point) then
        return null;
    end if;
    xy := rs_point_xy(array[point], 'ST_GeoHash');
    if abs(xy[1]) > 180 or abs(xy[2]) > 90 then
        perform rs_invalid('ST_GeoHash: the point is outside of longitude and latitude');
    end if;
    for bit in 1 .. 5 * greatest(digits, 0) loop
        middle := (lows[axis] + highs[axis]) / 2;
        if xy[axis] >= middle then
            lows[axis] := middle;
            code := 2 * code + 1;
        else
            highs[axis] := middle;
            code := 2 * code;
        end if;
        axis := 3 - axis;
        if bit % 5 = 0 then
            result := result || substr('0123456789bcdefghjkmnpqrstuvwxyz', code + 1, 1);
            code := 0;
        end if;
    end loop;
    return result;
end $$;
create or replace function pg_catalog.st_geomfromgeohash(hash text, digits int default -1) returns geometry
language plpgsql immutable strict parallel safe as $$
declare
    lows float8[] := array[-180, -90];
    highs float8[] := array[180, 90];
    middle float8;
    code int;
    axis int := 1;
begin
    if lower(hash) !~ '^[0-9b-hjkmnp-z]+$' then
        perform rs_invalid('ST_GeomFromGeoHash: invalid geohash');
    end if;
    for place in 1 .. case when digits between 0 and length(hash) then digits else length(hash) end loop
        code := strpos('0123456789bcdefghjkmnpqrstuvwxyz', lower(substr(hash, place, 1))) - 1;
        for bit in reverse 4 .. 0 loop
            middle := (lows[axis] + highs[axis]) / 2;
            if code >> bit & 1 = 1 then
                lows[axis] := middle;
            else
                highs[axis] := middle;
            end if;
            axis := 3 - axis;
        end loop;
    end loop;
    return rs_box_geometry(lows[1], lows[2], highs[1], highs[2], 0);
end $$;

-- A geosquare is a bit that marks the start, one for west or east, and two for each further level: south or north (1 is
-- south), west or east. With all 32 levels it fills 64 bits.
create or replace function pg_catalog.st_geosquare(point geometry, depth int default 32) returns bigint
language plpgsql immutable strict parallel safe as $$
declare
    xy float8[];
    column_ bigint;
    row_ bigint;
    side float8 := 360 / 2::float8 ^ depth;
    result bigint := 1;
begin
    if depth not between 1 and 32 then
        perform rs_invalid('ST_GeoSquare: the depth must be between 1 and 32');
    elsif rs_kind(point) = 1 and st_isempty(point) then
        return 0;
    end if;
    xy := rs_point_xy(array[point], 'ST_GeoSquare');
    if abs(xy[1]) > 180 or abs(xy[2]) > 90 then
        perform rs_invalid('ST_GeoSquare: the point is outside of longitude and latitude');
    end if;
    column_ := least(floor((xy[1] + 180) / side), 2::float8 ^ depth - 1);
    row_ := least(floor((90 - xy[2]) / side), 2::float8 ^ (depth - 1) - 1);
    for level in reverse depth - 1 .. 0 loop
        if level < depth - 1 then
            result := (result << 1) | ((row_ >> level) & 1);
        end if;
        result := (result << 1) | ((column_ >> level) & 1);
    end loop;
    return result;
end $$;
create or replace function pg_catalog.st_geomfromgeosquare(square bigint, depth int default 32) returns geometry
language plpgsql immutable strict parallel safe as $$
declare
    bits int := 63;
    level int := 0;
    column_ bigint := 0;
    row_ bigint := 0;
    side float8;
begin
    if depth < 1 then
        perform rs_invalid('ST_GeomFromGeoSquare: the depth must be at least 1');
    end if;
    while bits > 0 and square >> bits & 1 = 0 loop
        bits := bits - 1;
    end loop;
    if bits % 2 = 0 then
        perform rs_invalid('ST_GeomFromGeoSquare: invalid geosquare');
    end if;
    while bits > 0 and level < depth loop
        if level > 0 then
            bits := bits - 1;
            row_ := (row_ << 1) | ((square >> bits) & 1);
        end if;
        bits := bits - 1;
        column_ := (column_ << 1) | ((square >> bits) & 1);
        level := level + 1;
    end loop;
    side := 360 / 2::float8 ^ level;
    return rs_box_geometry(column_ * side - 180, 90 - (row_ + 1) * side, (column_ + 1) * side - 180, 90 - row_ * side, 0);
end $$;

-- H3. A cell's number holds, from the left: a bit that is 0, the mode (4 bits, 1 for cells), 3 bits that are 0, the
-- resolution (4 bits), the base cell (7 bits), and the way down from it, 3 bits for each resolution; those below its own
-- are 7. The first step from the middle of a pentagon never goes in direction 1.
create or replace function pg_catalog.h3_isvalid(cell bigint) returns boolean
language plpgsql immutable strict parallel safe as $$
declare
    resolution int := cell >> 52 & 15;
    base int := cell >> 45 & 127;
    digit int;
    in_middle boolean := base in (4, 14, 24, 38, 49, 58, 63, 72, 83, 97, 107, 117);
begin
    if cell >> 56 <> 8 or base > 121 then
        return false;
    end if;
    for level in 1 .. 15 loop
        digit := cell >> (45 - 3 * level) & 7;
        if (digit = 7) <> (level > resolution) or in_middle and digit = 1 then
            return false;
        end if;
        in_middle := in_middle and digit = 0;
    end loop;
    return true;
end $$;
-- as text it is hexadecimal
create or replace function pg_catalog.rs_h3(cell text) returns bigint
language plpgsql immutable strict parallel safe as $$
begin
    return case when cell ~ '^[0-9A-Fa-f]{1,15}$' then decode(lpad(cell, 16, '0'), 'hex')::bigint else 0 end;
end $$;
create or replace function pg_catalog.rs_valid_h3(cell bigint, name text) returns bigint
language plpgsql immutable strict parallel safe as $$
begin
    if not h3_isvalid(cell) then
        perform rs_invalid(format('%s: invalid H3 cell', name));
    end if;
    return cell;
end $$;
create or replace function pg_catalog.h3_resolution(cell bigint) returns int
language sql immutable strict parallel safe return (rs_valid_h3(cell, 'H3_Resolution') >> 52 & 15)::int;
create or replace function pg_catalog.h3_toparent(cell bigint, resolution int) returns bigint
language plpgsql immutable strict parallel safe as $$
begin
    if resolution not between 0 and rs_valid_h3(cell, 'H3_ToParent') >> 52 & 15 then
        perform rs_invalid('H3_ToParent: the resolution must be between 0 and that of the cell');
    end if;
    return (cell & ~(15::bigint << 52)) | (resolution::bigint << 52) | ((1::bigint << (45 - 3 * resolution)) - 1);
end $$;
create or replace function pg_catalog.h3_tochildren(cell bigint, resolution int) returns super
language plpgsql immutable strict parallel safe as $$
declare
    level int := rs_valid_h3(cell, 'H3_ToChildren') >> 52 & 15;
    cells bigint[] := array[cell];
begin
    if resolution not between level and 15 then
        perform rs_invalid('H3_ToChildren: the resolution must be between that of the cell and 15');
    elsif resolution - level > 7 then
        perform rs_invalid('H3_ToChildren: the result is larger than SUPER allows');
    end if;
    for deeper in level + 1 .. resolution loop
        cells := array(select child from unnest(cells) with ordinality as u (parent, place), generate_series(0, 6) digit,
            lateral (select (parent & ~(15::bigint << 52) & ~(7::bigint << (45 - 3 * deeper)))
                | (deeper::bigint << 52) | (digit::bigint << (45 - 3 * deeper))) as c (child)
            where h3_isvalid(child) order by place, digit);
    end loop;
    return to_json(cells)::super;
end $$;
create or replace function pg_catalog.h3_isvalid(cell text) returns boolean
language sql immutable strict parallel safe return h3_isvalid(rs_h3(cell));
create or replace function pg_catalog.h3_resolution(cell text) returns int
language sql immutable strict parallel safe return h3_resolution(rs_h3(cell));
create or replace function pg_catalog.h3_toparent(cell text, resolution int) returns bigint
language sql immutable strict parallel safe return h3_toparent(rs_h3(cell), resolution);
create or replace function pg_catalog.h3_tochildren(cell text, resolution int) returns super
language sql immutable strict parallel safe return h3_tochildren(rs_h3(cell), resolution);
