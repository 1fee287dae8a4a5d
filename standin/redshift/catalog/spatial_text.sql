-- WKT, EWKT and GeoJSON.

-- without any rounding, unlike Postgres' own powers
create or replace function pg_catalog.rs_exact_power(base numeric, exponent int) returns numeric
language plpgsql immutable strict parallel safe as $$
declare
    result numeric := 1;
begin
    while exponent > 0 loop
        if exponent & 1 = 1 then
            result := result * base;
        end if;
        exponent := exponent >> 1;
        base := base * base;
    end loop;
    return result;
end $$;
-- the very value of a double
create or replace function pg_catalog.rs_exact(value float8) returns numeric
language plpgsql immutable strict parallel safe as $$
declare
    bits bigint := rs_double_bits(abs(value));
    power int := greatest((bits >> 52)::int, 1) - 1075;
    fraction bigint := bits & 4503599627370495 | case when bits >> 52 = 0 then 0 else 4503599627370496 end;
begin
    while power < 0 and fraction & 1 = 0 and fraction > 0 loop
        fraction := fraction >> 1;
        power := power + 1;
    end loop;
    return sign(value)::int * case when power >= 0 then fraction * rs_exact_power(2, power)
        else fraction * rs_exact_power(5, -power) * ('1e' || power)::numeric end;
end $$;

-- Numbers show `digits` significant digits, as printf's %g does, without zeros at the end. Up to 15 that is what Postgres
-- prints under extra_float_digits, which callers set; beyond, the exact value is rounded.
create or replace function pg_catalog.rs_number_text(value float8, digits int) returns text
language plpgsql immutable strict parallel safe as $$
declare
    exact numeric;
    rounded numeric;
    last_digit numeric;
    power int;
begin
    if digits <= 15 or value = 0 or value in ('nan', 'infinity', '-infinity') then
        return value::text;
    end if;
    exact := abs(rs_exact(value));
    -- 10 to this power is the first digit's
    power := case when exact >= 1 then length(trunc(exact)::text) - 1
        else -length(substring(exact::text from '^0[.](0*)')) - 1 end;
    last_digit := ('1e' || power + 1 - digits)::numeric;
    rounded := round(exact, digits - 1 - power);
    -- what lies in the middle goes to the even digit
    if (rounded - exact) * 2 = last_digit and mod(rounded, last_digit * 2) = last_digit then
        rounded := rounded - last_digit;
    end if;
    if rounded >= ('1e' || power + 1)::numeric then
        power := power + 1;
    end if;
    return case when value < 0 then '-' else '' end || case when power between -4 and digits - 1 then trim_scale(rounded)::text
        else trim_scale(rounded * ('1e' || -power)::numeric)::text || case when power < 0 then 'e-' else 'e+' end
            || case when abs(power) < 10 then '0' else '' end || abs(power) end;
end $$;

-- "1 2,3 4", or "[1,2],[3,4]" with the first `shown` of their coordinates
create or replace function pg_catalog.rs_points_text(doubles float8[], width int, shown int, digits int, geojson boolean)
returns text
language plpgsql immutable strict parallel safe as $$
declare
    points text[] := '{}';
    number int := 0;
    point text;
begin
    for start in 1 .. cardinality(doubles) by width loop
        point := rs_number_text(doubles[start], digits) || case when geojson then ',' else ' ' end
            || rs_number_text(doubles[start + 1], digits);
        for other in start + 2 .. start + shown - 1 loop
            point := point || case when geojson then ',' else ' ' end || rs_number_text(doubles[other], digits);
        end loop;
        number := number + 1;
        points[number] := case when geojson then '[' || point || ']' else point end;
    end loop;
    return array_to_string(points, ',');
end $$;

create or replace function pg_catalog.rs_as_text(value geometry, digits int, geojson boolean, name text) returns varchar
language plpgsql immutable strict set extra_float_digits = 0 as $$
declare
    wkb bytea := rs_wkb(value);
    parts int[] := rs_parts(wkb);
    width int := rs_width(rs_code(value));
    -- GeoJSON has no M
    shown int := case when geojson then 2 + (rs_code(value) / 1000 & 1) else width end;
    marker text := (array['', ' Z ', ' M ', ' ZM '])[rs_code(value) / 1000 + 1];
    names text[] := case when geojson
        then array['Point', 'LineString', 'Polygon', 'MultiPoint', 'MultiLineString', 'MultiPolygon', 'GeometryCollection']
        else array['POINT', 'LINESTRING', 'POLYGON', 'MULTIPOINT', 'MULTILINESTRING', 'MULTIPOLYGON', 'GEOMETRYCOLLECTION']
        end;
    opening text := case when geojson then '[' else '(' end;
    closing text := case when geojson then ']' else ')' end;
    pieces text[] := '{}';
    number int := 0;
    piece text;
    kind int;
    -- what is open: how many parts are to come, and what ends it
    missing int[] := '{}';
    ends text[] := '{}';
    named boolean[] := array[true];
    depth int := 0;
begin
    if digits not between 1 and 20 then
        raise exception '%: the precision must be between 1 and 20', name using errcode = 'invalid_parameter_value';
    end if;
    perform set_config('extra_float_digits', (least(digits, 15) - 15)::text, true);
    for part in 1 .. cardinality(parts) by 3 loop
        kind := parts[part];
        piece := '';
        if depth > 0 then
            missing[depth] := missing[depth] - 1;
        end if;
        if kind > 0 and named[depth + 1] then
            piece := case when geojson then '{"type":"' || names[kind] || '",'
                    || case when kind = 7 then '"geometries":' else '"coordinates":' end
                else names[kind] || marker end;
        end if;
        if kind < 3 then
            if parts[part + 2] = 0 then
                piece := case when geojson then piece || '[]' when piece = '' then 'EMPTY' else rtrim(piece) || ' EMPTY' end;
            else
                piece := piece || case when geojson and kind = 1 then '' else opening end || rs_points_text(
                    rs_coordinates(wkb, parts, part, width), width, shown, digits, geojson)
                    || case when geojson and kind = 1 then '' else closing end;
            end if;
            piece := piece || case when geojson and kind > 0 and named[depth + 1] then '}' else '' end;
        elsif parts[part + 2] = 0 then
            piece := case when geojson then piece || '[]' || case when named[depth + 1] then '}' else '' end
                when piece = '' then 'EMPTY' else rtrim(piece) || ' EMPTY' end;
        else
            piece := piece || opening;
            depth := depth + 1;
            missing[depth] := parts[part + 2];
            ends[depth] := closing || case when geojson and named[depth] then '}' else '' end;
            named[depth + 1] := kind = 7;
            number := number + 1;
            pieces[number] := piece;
            continue;
        end if;
        while depth > 0 and missing[depth] = 0 loop
            piece := piece || ends[depth];
            depth := depth - 1;
        end loop;
        number := number + 1;
        pieces[number] := piece || case when depth > 0 then ',' else '' end;
    end loop;
    piece := array_to_string(pieces, '');
    if octet_length(piece) > 65535 then
        raise exception '%: the result is larger than 65535 bytes', name using errcode = 'program_limit_exceeded';
    end if;
    return piece;
end $$;

create or replace function pg_catalog.rs_bad_wkt(wkt text) returns void
language plpgsql immutable strict parallel safe as $$
begin
    raise exception 'Compass I/O exception: Invalid WKT: %', left(wkt, 100) using errcode = 'invalid_parameter_value';
end $$;

-- "1 2, 3 4" as doubles; null if it is something else than points of this width
create or replace function pg_catalog.rs_read_points(run text, width int) returns float8[]
language plpgsql immutable strict parallel safe as $$
begin
    if run !~ format('^[^, ]+( [^, ]+){%s}(,[^, ]+( [^, ]+){%1$s})*$', width - 1) then
        return null;
    end if;
    return string_to_array(translate(run, ',', ' '), ' ')::float8[];
end $$;

create or replace function pg_catalog.rs_wkt_token() returns text
language sql immutable parallel safe return replace('(N(?:[[:space:]]*[[:space:],][[:space:]]*N)*|[A-Za-z]+|[^[:space:]])',
    'N', '[-+]?(?:[0-9]+[.]?[0-9]*|[.][0-9]+)(?:[eE][-+]?[0-9]+)?');

create or replace function pg_catalog.rs_read_wkt(wkt text, srid int) returns geometry
language plpgsql immutable strict parallel safe as $$
declare
    -- a token is a word, a mark, or all points up to the next parenthesis
    tokens text[] := array(
        select rs_pg_regexp_replace(rs_pg_regexp_replace(m[1], '[[:space:]]+', ' ', 'g'), ' ?, ?', ',', 'g')
        from regexp_matches(wkt, rs_wkt_token(), 'g') m);
    kinds text[] := array['POINT', 'LINESTRING', 'POLYGON', 'MULTIPOINT', 'MULTILINESTRING', 'MULTIPOLYGON',
        'GEOMETRYCOLLECTION'];
    token text;
    words text[];
    at int := 1;
    kind int;
    dims int;
    named_dims int;
    doubles float8[];
    bytes bytea;
    points int;
    body bytea;
    -- what is open, from the outermost: its kind, its parts, how many they are
    kinds_open int[] := '{}';
    bodies bytea[] := '{}';
    counts int[] := '{}';
    depth int := 0;
begin
    loop
        if depth = 0 or kinds_open[depth] = 7 then
            words := regexp_match(upper(tokens[at]), '^([A-Z]+?)(Z|M|ZM)?$');
            kind := array_position(kinds, words[1]);
            at := at + 1;
            if words[2] is null and upper(tokens[at]) in ('Z', 'M', 'ZM') then
                words[2] := upper(tokens[at]);
                at := at + 1;
            end if;
            named_dims := coalesce(array_position(array['Z', 'M', 'ZM'], words[2]), 0) * 1000;
            dims := coalesce(dims, named_dims);
            if kind is null or dims <> named_dims then
                perform rs_bad_wkt(wkt);
            end if;
        else
            -- 0 is a ring
            kind := kinds_open[depth] - 3;
        end if;
        token := tokens[at];
        at := at + 1;
        if upper(token) = 'EMPTY' then
            body := case when kind = 1 then rs_bytes(array_fill('nan'::float8, array[rs_width(dims)])) else rs_uint(0) end;
        elsif token = '(' and kind > 2 then
            depth := depth + 1;
            kinds_open[depth] := kind;
            bodies[depth] := '';
            counts[depth] := 0;
            continue;
        else
            if token = '(' then
                token := tokens[at];
                at := at + 2;
                if tokens[at - 1] is distinct from ')' then
                    perform rs_bad_wkt(wkt);
                end if;
            elsif kind <> 1 or depth = 0 or kinds_open[depth] <> 4 then
                perform rs_bad_wkt(wkt);
            end if;
            doubles := rs_read_points(token, rs_width(dims));
            if doubles is null then
                perform rs_bad_wkt(wkt);
            end if;
            if kind <> 1 then
                body := rs_ring(doubles, dims);
            else
                -- MULTIPOINT(1 2, 3 4) needs no parentheses around its points
                bytes := rs_bytes(doubles);
                points := cardinality(doubles) / rs_width(dims);
                if points > 1 and (tokens[at - 1] = ')' or depth = 0 or kinds_open[depth] <> 4) then
                    perform rs_bad_wkt(wkt);
                end if;
                for point in 0 .. points - 2 loop
                    bodies[depth] := bodies[depth] || rs_head(1 + dims, 0)
                        || substr(bytes, 1 + 8 * rs_width(dims) * point, 8 * rs_width(dims));
                    counts[depth] := counts[depth] + 1;
                end loop;
                body := substr(bytes, 1 + 8 * rs_width(dims) * (points - 1));
            end if;
        end if;
        -- it belongs to what is open, which may end here
        loop
            if depth = 0 then
                if at <= cardinality(tokens) then
                    perform rs_bad_wkt(wkt);
                end if;
                return rs_geometry(rs_head(kind + dims, srid) || body);
            end if;
            bodies[depth] := bodies[depth] || case when kind > 0 then rs_head(kind + dims, 0) else '' end || body;
            counts[depth] := counts[depth] + 1;
            at := at + 1;
            exit when tokens[at - 1] = ',';
            if tokens[at - 1] is distinct from ')' then
                perform rs_bad_wkt(wkt);
            end if;
            kind := kinds_open[depth];
            body := rs_uint(counts[depth]) || bodies[depth];
            depth := depth - 1;
        end loop;
    end loop;
end $$;

-- SRID=4326;POINT(1 2)
create or replace function pg_catalog.rs_read_ewkt(ewkt text, srid int) returns geometry
language plpgsql immutable strict parallel safe as $$
declare
    parts text[] := regexp_match(ewkt, '^[[:space:]]*SRID[[:space:]]*=[[:space:]]*([0-9]{1,9})[[:space:]]*;(.*)$', 'i');
begin
    return case when parts is null then rs_read_wkt(ewkt, srid) else rs_read_wkt(parts[2], parts[1]::int) end;
end $$;

-- what a literal may be: hexadecimal (E)WKB or (E)WKT
create or replace function pg_catalog.rs_read_geometry(value text) returns geometry
language plpgsql immutable strict parallel safe as $$
begin
    return case when value ~ '^[[:space:]]*0' then rs_read_hex(btrim(value), 0) else rs_read_ewkt(value, 0) end;
end $$;
create or replace function pg_catalog.rs_read_geography(value text) returns geography
language plpgsql immutable strict parallel safe as $$
begin
    return rs_geography(case when value ~ '^[[:space:]]*0' then rs_read_hex(btrim(value), 4326)
        else rs_read_ewkt(value, 4326) end);
end $$;

create or replace function pg_catalog.rs_bad_geojson() returns void
language plpgsql immutable parallel safe as $$
begin
    raise exception 'Compass I/O exception: Invalid GeoJSON' using errcode = 'invalid_parameter_value';
end $$;

-- an array of positions as doubles; positions of two coordinates get a Z of 0 if there are others of three
create or replace function pg_catalog.rs_json_points(positions jsonb, width int) returns float8[]
language plpgsql immutable strict parallel safe as $$
declare
    doubles float8[] := '{}';
    position jsonb;
begin
    if jsonb_typeof(positions) <> 'array' then
        perform rs_bad_geojson();
    end if;
    for position in select e from jsonb_array_elements(positions) e loop
        if jsonb_typeof(position) <> 'array' or jsonb_array_length(position) < 2
            or jsonb_path_exists(position, '$[*] ? (@.type() != "number")') then
            perform rs_bad_geojson();
        end if;
        doubles := doubles || (position -> 0)::float8 || (position -> 1)::float8;
        if width = 3 then
            doubles := doubles || coalesce((position -> 2)::float8, 0);
        end if;
    end loop;
    return doubles;
end $$;

create or replace function pg_catalog.rs_json_body(kind int, coordinates jsonb, dims int) returns bytea
language plpgsql immutable strict parallel safe as $$
declare
    doubles float8[];
    body bytea := '';
    part jsonb;
begin
    if jsonb_typeof(coordinates) <> 'array' then
        perform rs_bad_geojson();
    end if;
    case kind
        when 1 then
            doubles := case when coordinates = '[]' then array_fill('nan'::float8, array[rs_width(dims)])
                else rs_json_points(jsonb_build_array(coordinates), rs_width(dims)) end;
            return rs_bytes(doubles);
        when 2 then
            return rs_ring(rs_json_points(coordinates, rs_width(dims)), dims);
        when 3 then
            for part in select e from jsonb_array_elements(coordinates) e loop
                body := body || rs_ring(rs_json_points(part, rs_width(dims)), dims);
            end loop;
        else
            for part in select e from jsonb_array_elements(coordinates) e loop
                body := body || rs_head(kind - 3 + dims, 0) || rs_json_body(kind - 3, part, dims);
            end loop;
    end case;
    return rs_uint(jsonb_array_length(coordinates)) || body;
end $$;

create or replace function pg_catalog.rs_json_geometry(value jsonb, dims int, srid int) returns bytea
language plpgsql immutable strict parallel safe as $$
declare
    kind int := array_position(array['Point', 'LineString', 'Polygon', 'MultiPoint', 'MultiLineString', 'MultiPolygon',
        'GeometryCollection'], value ->> 'type');
    members jsonb := value -> case when kind = 7 then 'geometries' else 'coordinates' end;
    body bytea := '';
    member jsonb;
begin
    if kind is null or members is null or jsonb_typeof(members) <> 'array' then
        perform rs_bad_geojson();
    end if;
    if kind < 7 then
        return rs_head(kind + dims, srid) || rs_json_body(kind, members, dims);
    end if;
    for member in select e from jsonb_array_elements(members) e loop
        body := body || rs_json_geometry(member, dims, 0);
    end loop;
    return rs_head(kind + dims, srid) || rs_uint(jsonb_array_length(members)) || body;
end $$;

create or replace function pg_catalog.st_geomfromgeojson(value text) returns geometry
language plpgsql immutable strict parallel safe as $$
declare
    dims int;
begin
    if value is not json object then
        perform rs_bad_geojson();
    end if;
    -- one point of three coordinates is enough
    dims := case when jsonb_path_exists(value::jsonb, 'strict $.**.coordinates.** ? (@.type() == "array" && @.size() > 2
        && @[0].type() == "number")') then 1000 else 0 end;
    return rs_geometry(rs_json_geometry(value::jsonb, dims, 4326));
end $$;

create or replace function pg_catalog.st_astext(value geometry, digits int default 15) returns varchar
language sql immutable strict return rs_as_text(value, digits, false, 'ST_AsText');
create or replace function pg_catalog.st_astext(value geography, digits int default 15) returns varchar
language sql immutable strict return rs_as_text(rs_as_geometry(value), digits, false, 'ST_AsText');
create or replace function pg_catalog.st_asewkt(value geometry, digits int default 15) returns varchar
language plpgsql immutable strict as $$
begin
    return case when rs_srid(value) = 0 then '' else format('SRID=%s;', rs_srid(value)) end
        || rs_as_text(value, digits, false, 'ST_AsEWKT');
end $$;
create or replace function pg_catalog.st_asewkt(value geography, digits int default 15) returns varchar
language sql immutable strict return st_asewkt(rs_as_geometry(value), digits);
create or replace function pg_catalog.st_asgeojson(value geometry, digits int default 15) returns varchar
language sql immutable strict return rs_as_text(value, digits, true, 'ST_AsGeoJSON');
create or replace function pg_catalog.st_asgeojson(value geography, digits int default 15) returns varchar
language sql immutable strict return rs_as_text(rs_as_geometry(value), digits, true, 'ST_AsGeoJSON');
