-- Measures of GEOGRAPHY, on the spheroid that the SRID names, in metres. Redshift's are those of Andoyer's formulas of the
-- first order: the reference's examples show it, to all digits. They are off by up to some hundred-thousandths; what
-- matters here is that they are the same.

-- along the meridian, from the equator
create or replace function pg_catalog.rs_meridian(latitude float8, spheroid float8[]) returns float8
language plpgsql immutable strict parallel safe as $$
declare
    f float8 := (spheroid[1] - spheroid[2]) / spheroid[1];
    n float8 := f / (2 - f);
begin
    return spheroid[1] / (1 + n) * (latitude - 1.5 * n * sin(2 * latitude));
end $$;

-- a difference of longitudes, the shorter way around
create or replace function pg_catalog.rs_around(difference float8) returns float8
language sql immutable strict parallel safe return difference - 360 * round(difference / 360);

create or replace function pg_catalog.rs_geodesic(lon1 float8, lat1 float8, lon2 float8, lat2 float8, spheroid float8[])
returns float8
language plpgsql immutable strict parallel safe as $$
declare
    epsilon constant float8 := 2.220446049250313e-16;
    f float8 := (spheroid[1] - spheroid[2]) / spheroid[1];
    x1 float8 := lon1 * (pi() / 180);
    y1 float8 := lat1 * (pi() / 180);
    x2 float8 := lon2 * (pi() / 180);
    y2 float8 := lat2 * (pi() / 180);
    around float8 := rs_around(lon2 - lon1);
    cos_d float8;
    d float8;
    h float8 := 0;
    g float8 := 0;
begin
    if abs(around) <= epsilon or least(lat1, lat2) = -90 and greatest(lat1, lat2) = 90 then
        return abs(rs_meridian(y2, spheroid) - rs_meridian(y1, spheroid));
    elsif abs(around) = 180 then
        return abs(case when y1 + y2 < 0 then -2 else 2 end * rs_meridian(pi() / 2, spheroid)
            - rs_meridian(y1, spheroid) - rs_meridian(y2, spheroid));
    end if;
    cos_d := greatest(-1, least(1, sin(y1) * sin(y2) + cos(y1) * cos(y2) * cos(x2 - x1)));
    d := acos(cos_d);
    if 1 - cos_d > epsilon then
        h := (d + 3 * sin(d)) / (1 - cos_d);
    end if;
    if 1 + cos_d > epsilon then
        g := (d - 3 * sin(d)) / (1 + cos_d);
    end if;
    return spheroid[1] * (d - f / 4 * (h * (sin(y1) - sin(y2)) ^ 2 + g * (sin(y1) + sin(y2)) ^ 2));
end $$;

-- An edge's share of the area between it and the equator: the spherical excess, and the correction for the spheroid as
-- Karney's series has it in its first order ("Algorithms for geodesics", 2013).
create or replace function pg_catalog.rs_edge_area(lon1 float8, lat1 float8, lon2 float8, lat2 float8, spheroid float8[])
returns float8
language plpgsql immutable strict parallel safe as $$
declare
    f float8 := (spheroid[1] - spheroid[2]) / spheroid[1];
    e2 float8 := f * (2 - f);
    n float8 := f / (2 - f);
    y1 float8 := lat1 * (pi() / 180);
    y2 float8 := lat2 * (pi() / 180);
    turn float8 := (lon2 - lon1) * (pi() / 180);
    cos_d float8 := greatest(-1, least(1, sin(y1) * sin(y2) + cos(y1) * cos(y2) * cos(turn)));
    t float8;
    -- azimuths at both ends, on the sphere and corrected
    a float8; b float8; u float8; v float8;
    azimuth1 float8; azimuth2 float8;
    -- reduced latitudes
    b1 float8 := atan((1 - f) * tan(y1));
    b2 float8 := atan((1 - f) * tan(y2));
    sin0 float8; cos0 float8; eps float8; c1 float8; c2 float8;
    sigma1 float8; sigma2 float8;
begin
    if sin(acos(cos_d)) = 0 then
        return 0;
    end if;
    t := acos(cos_d) / sin(acos(cos_d));
    a := atan2(sin(turn), cos(y1) * tan(y2) - sin(y1) * cos(turn));
    b := atan2(sin(turn), cos(y2) * tan(y1) - sin(y2) * cos(turn));
    u := f / 2 * cos(y1) ^ 2 * sin(2 * a);
    v := f / 2 * cos(y2) ^ 2 * sin(2 * b);
    azimuth1 := a - (v * t - u);
    azimuth2 := pi() - b - (v - u * t);
    sin0 := sin(azimuth1) * cos(b1);
    cos0 := sqrt(greatest(1 - sin0 * sin0, 0));
    eps := sqrt(1 + e2 / (1 - e2) * cos0 * cos0);
    eps := (eps - 1) / (eps + 1);
    c1 := (10 - 4 * n) / 15 - eps / 5;
    c2 := eps / 45;
    sigma1 := atan2(sin(b1), cos(azimuth1) * cos(b1));
    sigma2 := atan2(sin(b2), cos(azimuth2) * cos(b2));
    return rs_authalic(spheroid) * atan2(sin(azimuth2 - azimuth1), cos(azimuth2 - azimuth1))
        + e2 * spheroid[1] ^ 2 * cos0 * sin0
        * (c1 * (cos(sigma2) - cos(sigma1)) + c2 * (cos(3 * sigma2) - cos(3 * sigma1)));
end $$;
-- the square of the radius of the sphere with the spheroid's surface
create or replace function pg_catalog.rs_authalic(spheroid float8[]) returns float8
language plpgsql immutable strict parallel safe as $$
declare
    f float8 := (spheroid[1] - spheroid[2]) / spheroid[1];
    e2 float8 := f * (2 - f);
begin
    return spheroid[1] ^ 2 / 2 * (1 + (1 - e2) * atanh(sqrt(e2)) / sqrt(e2));
end $$;

create or replace function pg_catalog.rs_spheroid_of(value geography) returns float8[]
language plpgsql immutable strict parallel safe as $$
begin
    if (rs_spheroid(rs_srid(rs_as_geometry(value))))[1] is null then
        perform rs_no_spheroid(rs_srid(rs_as_geometry(value)));
    end if;
    return rs_spheroid(rs_srid(rs_as_geometry(value)));
end $$;

create or replace function pg_catalog.st_distance(a geography, b geography) returns float8
language plpgsql immutable strict parallel safe as $$
declare
    xy float8[];
begin
    if rs_kind(rs_as_geometry(a)) = 1 and rs_kind(rs_as_geometry(b)) = 1
        and (st_isempty(rs_as_geometry(a)) or st_isempty(rs_as_geometry(b)))
    then
        return null;
    end if;
    xy := rs_point_xy(array[rs_as_geometry(a), rs_as_geometry(b)], 'ST_Distance');
    return rs_geodesic(xy[1], xy[2], xy[3], xy[4], rs_spheroid_of(a));
end $$;

-- along lines, or along rings
create or replace function pg_catalog.rs_geodesic_length(value geography, rings boolean) returns float8
language plpgsql immutable strict parallel safe as $$
declare
    wkb bytea := rs_wkb(value);
    parts int[] := rs_parts(wkb);
    width int := rs_width(rs_code(rs_as_geometry(value)));
    spheroid float8[] := rs_spheroid_of(value);
    doubles float8[];
    length float8 := 0;
begin
    for part in 1 .. cardinality(parts) by 3 loop
        if parts[part] = (case when rings then 0 else 2 end) then
            doubles := rs_coordinates(wkb, parts, part, width);
            for at in 1 .. cardinality(doubles) - width by width loop
                length := length + rs_geodesic(doubles[at], doubles[at + 1], doubles[at + width], doubles[at + width + 1],
                    spheroid);
            end loop;
        end if;
    end loop;
    return length;
end $$;
create or replace function pg_catalog.st_length(value geography) returns float8
language sql immutable strict parallel safe return rs_geodesic_length(value, false);
create or replace function pg_catalog.st_perimeter(value geography) returns float8
language sql immutable strict parallel safe return rs_geodesic_length(value, true);

create or replace function pg_catalog.st_area(value geography) returns float8
language plpgsql immutable strict parallel safe as $$
declare
    wkb bytea := rs_wkb(value);
    parts int[] := rs_parts(wkb);
    width int := rs_width(rs_code(rs_as_geometry(value)));
    spheroid float8[] := rs_spheroid_of(value);
    doubles float8[];
    ring float8;
    turned float8;
    is_hole boolean;
    area float8 := 0;
begin
    for part in 1 .. cardinality(parts) by 3 loop
        if parts[part] = 0 then
            doubles := rs_coordinates(wkb, parts, part, width);
            ring := 0;
            turned := 0;
            for at in 1 .. cardinality(doubles) - width by width loop
                continue when doubles[at] = doubles[at + width];
                ring := ring + rs_edge_area(doubles[at], doubles[at + 1], doubles[at + width], doubles[at + width + 1],
                    spheroid);
                turned := turned + rs_around(doubles[at + width] - doubles[at]);
            end loop;
            -- around a pole: what lies between the ring and the equator is the rest of the hemisphere
            if abs(turned) > 180 then
                ring := 2 * pi() * rs_authalic(spheroid) - abs(ring);
            end if;
            area := area + case when is_hole then -1 else 1 end * abs(ring);
        end if;
        is_hole := parts[part] = 0;
    end loop;
    return area;
end $$;
