-- Strings. `rs_pg_…` are Postgres' own functions, which stepped aside (shadows.sql).

create or replace function pg_catalog.len(value text) returns int
language sql immutable strict parallel safe return length(value);
create or replace function pg_catalog.len(value bpchar) returns int
language sql immutable strict parallel safe return length(value);
create or replace function pg_catalog.len(value bytea) returns int
language sql immutable strict parallel safe return length(value);
create or replace function pg_catalog.textlen(value text) returns int
language sql immutable strict parallel safe return length(value);

create or replace function pg_catalog.charindex(part text, value text) returns int
language sql immutable strict parallel safe return strpos(value, part);
create or replace function pg_catalog.charindex(part bytea, value bytea) returns int
language sql immutable strict parallel safe return position(part in value);
create or replace function pg_catalog.octetindex(part text, value text) returns int
language sql immutable strict parallel safe return position(convert_to(part, 'UTF8') in convert_to(value, 'UTF8'));

create or replace function pg_catalog.concat(a text, b text) returns text
language sql immutable strict parallel safe return a || b;
create or replace function pg_catalog.concat(a bytea, b bytea) returns bytea
language sql immutable strict parallel safe return a || b;

create or replace function pg_catalog.replicate(value text, times int) returns text
language sql immutable strict parallel safe return repeat(value, times);

create or replace function pg_catalog.split_part(value text, delimiter text, part int) returns text
language plpgsql immutable strict parallel safe as $$
begin
    if part < 1 then
        raise exception 'field position must be greater than zero' using errcode = 'invalid_parameter_value';
    end if;
    return rs_pg_split_part(value, delimiter, part);
end $$;

create or replace function pg_catalog.strtol(value text, base int) returns bigint
language plpgsql immutable strict parallel safe as $$
declare
    digits text := lower(btrim(value));
    negative boolean := left(digits, 1) = '-';
    result numeric := 0;
    digit text;
    worth int;
begin
    if base < 2 or base > 36 then
        raise exception 'Invalid base for STRTOL: %', base using errcode = 'invalid_parameter_value';
    end if;
    digits := ltrim(digits, '+-');
    if base = 16 then
        digits := rs_pg_regexp_replace(digits, '^0x', '');
    end if;
    if digits = '' then
        return 0;
    end if;
    foreach digit in array regexp_split_to_array(digits, '') loop
        worth := strpos('0123456789abcdefghijklmnopqrstuvwxyz', digit) - 1;
        if worth < 0 or worth >= base or digit = '' then
            raise exception 'The input % is not valid to be converted to base %', value, base
                using errcode = 'invalid_parameter_value';
        end if;
        result := result * base + worth;
    end loop;
    if negative then
        result := -result;
    end if;
    if result not between -9223372036854775808 and 9223372036854775807 then
        raise exception 'The input % is out of range of a BIGINT', value using errcode = 'numeric_value_out_of_range';
    end if;
    return result;
end $$;

-- the code of American Soundex: letters of equal code count once, H and W do not part them, vowels do
create or replace function pg_catalog.soundex(value text) returns text
language plpgsql immutable strict parallel safe as $$
declare
    letters text := rs_pg_regexp_replace(upper(value), '[^A-Z]', '', 'g');
    codes constant text := '01230120022455012623010202';
    result text := left(letters, 1);
    last text := '';
    letter text;
    code text;
begin
    if letters = '' then
        return '';
    end if;
    for place in 1 .. length(letters) loop
        letter := substr(letters, place, 1);
        code := substr(codes, ascii(letter) - 64, 1);
        if place > 1 and code <> '0' and code <> last then
            result := result || code;
        end if;
        if letter not in ('H', 'W') then
            last := code;
        end if;
        exit when length(result) = 4;
    end loop;
    return rpad(result, 4, '0');
end $$;
create or replace function pg_catalog.difference(a text, b text) returns int
language sql immutable strict parallel safe as $$
    select case when soundex(a) = '' and soundex(b) = '' then 1 else (
        select count(*)::int from generate_series(1, 4) place
        where substr(soundex(a), place, 1) = substr(soundex(b), place, 1) and soundex(a) <> '') end
$$;

-- Postgres has no case-insensitive collation without ICU; lower case on both sides is what is compared
create or replace function pg_catalog.rs_collate(value text, collation_name text) returns text
language plpgsql immutable strict parallel safe as $$
begin
    if lower(collation_name) in ('case_sensitive', 'cs') then
        return value;
    end if;
    raise exception 'COLLATE(%, ''%'') is not supported by the stand-in for Redshift', value, collation_name
        using errcode = 'feature_not_supported', hint = 'Compare lower() of both sides.';
end $$;

-- regular expressions: no match is an empty string, every match is replaced, 'p' asks for Perl's dialect
create or replace function pg_catalog.rs_regexp_flags(parameters text) returns text
language plpgsql immutable strict parallel safe as $$
begin
    if parameters !~ '^[ceip]*$' then
        raise exception 'Invalid regular expression parameters: %', parameters using errcode = 'invalid_parameter_value';
    end if;
    return case when parameters ~ 'i' then 'i' else 'c' end;
end $$;

create or replace function pg_catalog.regexp_substr(value text, pattern text, start int default 1,
    occurrence int default 1, parameters text default 'c') returns text
language sql immutable strict parallel safe
return case
        when occurrence < 1 or occurrence > greatest(length(value), 1) then null
        when start > length(value) then ''
        else coalesce(rs_pg_regexp_substr(value, pattern, greatest(start, 1), occurrence, rs_regexp_flags(parameters),
            case when parameters ~ 'e' and pattern ~ '\((?!\?)' then 1 else 0 end), '') end;

create or replace function pg_catalog.regexp_replace(value text, pattern text, replacement text default '',
    start int default 1, parameters text default 'c') returns text
language sql immutable strict parallel safe
return case when start > length(value) then value else rs_pg_regexp_replace(value, pattern,
        rs_pg_regexp_replace(replacement, '\$(\d)', '\\\1', 'g'), greatest(start, 1), 0, rs_regexp_flags(parameters)) end;

create or replace function pg_catalog.regexp_count(value text, pattern text, start int default 1,
    parameters text default 'c') returns int
language sql immutable strict parallel safe as $$
    select case when start > length(value) then 0
        else rs_pg_regexp_count(value, pattern, greatest(start, 1), rs_regexp_flags(parameters)) end
$$;

create or replace function pg_catalog.regexp_instr(value text, pattern text, start int default 1,
    occurrence int default 1, option int default 0, parameters text default 'c') returns int
language sql immutable strict parallel safe
return case when start > length(value) or occurrence < 1 then 0
        else rs_pg_regexp_instr(value, pattern, greatest(start, 1), occurrence, (option <> 0)::int,
            rs_regexp_flags(parameters), case when parameters ~ 'e' and pattern ~ '\((?!\?)' then 1 else 0 end) end;

-- numbers and moments stand where strings are asked for
do $$
declare
    kind text;
    call record;
begin
    foreach kind in array array['int2', 'int4', 'int8', 'numeric', 'date', 'timestamp'] loop
        for call in select * from (values
            ('len', '', '', 'int'), ('length', '', '', 'int'), ('octet_length', '', '', 'int'),
            ('upper', '', '', 'text'), ('lower', '', '', 'text'), ('btrim', '', '', 'text'),
            ('ltrim', '', '', 'text'), ('rtrim', '', '', 'text'), ('reverse', '', '', 'text'), ('md5', '', '', 'text'),
            ('left', ', a int', ', a', 'text'), ('right', ', a int', ', a', 'text'),
            ('substring', ', a int', ', a', 'text'), ('substring', ', a int, b int', ', a, b', 'text'),
            ('substr', ', a int', ', a', 'text'), ('substr', ', a int, b int', ', a, b', 'text'),
            ('lpad', ', a int', ', a', 'text'), ('lpad', ', a int, b text', ', a, b', 'text'),
            ('rpad', ', a int', ', a', 'text'), ('rpad', ', a int, b text', ', a, b', 'text'),
            ('strpos', ', a text', ', a', 'int'), ('replace', ', a text, b text', ', a, b', 'text'),
            ('split_part', ', a text, b int', ', a, b', 'text'),
            ('regexp_replace', ', a text, b text', ', a, b', 'text'), ('regexp_substr', ', a text', ', a', 'text'))
            as c (name, parameters, arguments, result)
        loop
            execute format('create or replace function pg_catalog.%1$s(value %2$s%3$s) returns %4$s
                language sql %5$s strict parallel safe return pg_catalog.%1$s(value::text%6$s)', call.name, kind,
                call.parameters, call.result, case when kind in ('date', 'timestamp') then 'stable' else 'immutable' end,
                call.arguments);
        end loop;
        execute format('create or replace function pg_catalog.concat(a %s, b text) returns text
            language sql stable strict parallel safe return a::text || b', kind);
        execute format('create or replace function pg_catalog.concat(a text, b %s) returns text
            language sql stable strict parallel safe return a || b::text', kind);
    end loop;
end $$;
