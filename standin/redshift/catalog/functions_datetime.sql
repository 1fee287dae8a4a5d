-- Date and time. The date part arrives as a canonical name: the dialect writes it ("yrs" -> 'year').

-- the statement's and the transaction's beginning, in the session's time zone
create or replace function pg_catalog.getdate() returns timestamp
language sql stable parallel safe return date_trunc('second', statement_timestamp()::timestamp);
create or replace function pg_catalog.sysdate() returns timestamp
language sql stable parallel safe return transaction_timestamp()::timestamp;

create or replace function pg_catalog.rs_unknown_part(part text) returns bigint
language plpgsql immutable parallel safe as $$
begin
    raise exception '"%" is not a valid date part for this function', part using errcode = 'invalid_parameter_value';
end $$;

-- 29 February plus years is 1 March where there is none; months end with the month
create or replace function pg_catalog.rs_add_years(value timestamp, years bigint) returns timestamp
language sql immutable strict parallel safe as $$
    select case
        when extract(day from value) = 29 and extract(month from value) = 2
            and extract(day from value + make_interval(years => years::int)) = 28
        then value + make_interval(years => years::int) + interval '1 day'
        else value + make_interval(years => years::int) end
$$;

create or replace function pg_catalog.rs_date_add(part text, number bigint, value timestamp) returns timestamp
language sql immutable parallel safe as $$
    select case part
        when 'day' then value + make_interval(days => number::int)
        when 'month' then value + make_interval(months => number::int)
        when 'year' then rs_add_years(value, number)
        when 'hour' then value + number * interval '1 hour'
        when 'minute' then value + number * interval '1 minute'
        when 'second' then value + number * interval '1 second'
        when 'week' then value + make_interval(days => 7 * number::int)
        when 'quarter' then value + make_interval(months => 3 * number::int)
        when 'millisecond' then value + number * interval '1 millisecond'
        when 'microsecond' then value + number * interval '1 microsecond'
        when 'decade' then rs_add_years(value, 10 * number)
        when 'century' then rs_add_years(value, 100 * number)
        when 'millennium' then rs_add_years(value, 1000 * number)
        when 'dayofyear' then value + make_interval(days => number::int)
        when 'dayofweek' then value + make_interval(days => number::int)
        else value + rs_unknown_part(part) * interval '1 day' end
$$;

create or replace function pg_catalog.rs_date_diff(part text, earlier timestamp, later timestamp) returns bigint
language sql immutable parallel safe as $$
    select case part
        when 'day' then (later::date - earlier::date)::bigint
        when 'month' then 12 * (extract(year from later) - extract(year from earlier))::bigint
            + (extract(month from later) - extract(month from earlier))::bigint
        when 'year' then (extract(year from later) - extract(year from earlier))::bigint
        when 'hour' then ((extract(epoch from date_trunc('hour', later))
            - extract(epoch from date_trunc('hour', earlier))) / 3600)::bigint
        when 'minute' then ((extract(epoch from date_trunc('minute', later))
            - extract(epoch from date_trunc('minute', earlier))) / 60)::bigint
        when 'second' then (extract(epoch from date_trunc('second', later))
            - extract(epoch from date_trunc('second', earlier)))::bigint
        -- weeks begin on Sunday here, though DATE_TRUNC begins them on Monday
        when 'week' then (date_trunc('week', later + interval '1 day')::date
            - date_trunc('week', earlier + interval '1 day')::date)::bigint / 7
        when 'quarter' then 4 * (extract(year from later) - extract(year from earlier))::bigint
            + (extract(quarter from later) - extract(quarter from earlier))::bigint
        when 'millisecond' then ((extract(epoch from date_trunc('milliseconds', later))
            - extract(epoch from date_trunc('milliseconds', earlier))) * 1000)::bigint
        when 'microsecond' then ((extract(epoch from later) - extract(epoch from earlier)) * 1000000)::bigint
        when 'decade' then (extract(decade from later) - extract(decade from earlier))::bigint
        when 'century' then (extract(century from later) - extract(century from earlier))::bigint
        when 'millennium' then (extract(millennium from later) - extract(millennium from earlier))::bigint
        when 'dayofyear' then (later::date - earlier::date)::bigint
        when 'dayofweek' then (later::date - earlier::date)::bigint
        when 'epoch' then (extract(epoch from date_trunc('second', later))
            - extract(epoch from date_trunc('second', earlier)))::bigint
        else rs_unknown_part(part) end
$$;

create or replace function pg_catalog.rs_time_add(part text, number bigint, value interval) returns interval
language sql immutable parallel safe as $$
    select case part
        when 'hour' then value + number * interval '1 hour'
        when 'minute' then value + number * interval '1 minute'
        when 'second' then value + number * interval '1 second'
        when 'millisecond' then value + number * interval '1 millisecond'
        when 'microsecond' then value + number * interval '1 microsecond'
        else rs_unknown_part(part) * interval '1 day' end
$$;

-- dateadd and datediff; a string is a timestamp
do $$
declare
    kind text;
    other text;
    number text;
begin
    foreach number in array array['int4', 'int8', 'numeric', 'float8'] loop
        foreach kind in array array['timestamp', 'timestamptz', 'date', 'text'] loop
            execute format('create or replace function pg_catalog.date_add(part text, number %1$s, value %2$s)
                returns %3$s language sql %4$s parallel safe
                return pg_catalog.rs_date_add(part, trunc(number)::bigint, value::timestamp)::%3$s',
                number, kind, case kind when 'timestamptz' then kind else 'timestamp' end,
                case when kind in ('timestamptz', 'text') then 'stable' else 'immutable' end);
        end loop;
        execute format('create or replace function pg_catalog.date_add(part text, number %1$s, value time)
            returns time language sql immutable parallel safe
            return (time ''00:00'' + pg_catalog.rs_time_add(part, trunc(number)::bigint, value::interval))', number);
        execute format('create or replace function pg_catalog.date_add(part text, number %1$s, value timetz)
            returns timetz language sql immutable parallel safe
            return value + pg_catalog.rs_time_add(part, trunc(number)::bigint, interval ''0'')', number);
    end loop;
    foreach kind in array array['timestamp', 'timestamptz', 'date', 'text'] loop
        foreach other in array array['timestamp', 'timestamptz', 'date', 'text'] loop
            execute format('create or replace function pg_catalog.date_diff(part text, earlier %s, later %s)
                returns bigint language sql %s parallel safe
                return pg_catalog.rs_date_diff(part, earlier::timestamp, later::timestamp)', kind, other,
                case when kind || other ~ 'tz|text' then 'stable' else 'immutable' end);
        end loop;
    end loop;
end $$;
create or replace function pg_catalog.rs_time_diff(part text, earlier time, later time) returns bigint
language sql immutable parallel safe as $$
    select case when part in ('hour', 'minute', 'second', 'millisecond', 'microsecond')
        then rs_date_diff(part, date '2000-01-01' + earlier, date '2000-01-01' + later)
        else rs_unknown_part(part) end
$$;
create or replace function pg_catalog.date_diff(part text, earlier time, later time) returns bigint
language sql immutable parallel safe return rs_time_diff(part, earlier, later);
create or replace function pg_catalog.date_diff(part text, earlier timetz, later timetz) returns bigint
language sql stable parallel safe
return rs_time_diff(part, (earlier at time zone 'UTC')::time, (later at time zone 'UTC')::time);

-- extract: whole numbers of the part alone; date_part: doubles, seconds with their fraction.
-- The third argument tells them from Postgres' date_part, so that the column keeps the name that Redshift gives it.
do $$
declare
    kind text;
    source text;
    own text;
begin
    foreach kind in array array['timestamp', 'timestamptz', 'date', 'time', 'timetz', 'interval', 'text'] loop
        source := case when kind = 'text' then 'value::timestamp' else 'value' end;
        own := case when kind in ('time', 'timetz') then 'date_part(part, value)' else format('case part
            when ''dayofweek'' then date_part(''dow'', %1$s)
            when ''dayofyear'' then date_part(''doy'', %1$s)
            when ''decade'' then floor(date_part(''year'', %1$s) / 10) + 1
            else date_part(part, %1$s) end', source) end;
        execute format('create or replace function pg_catalog.pgdate_part(part text, value %1$s) returns float8
            language sql %2$s strict parallel safe as $f$ select %3$s $f$', kind,
            case when kind in ('timestamptz', 'text') then 'stable' else 'immutable' end, own);
        execute format('create or replace function pg_catalog.date_part(part text, value %1$s, plain boolean)
            returns %2$s language sql %3$s strict parallel safe as $f$
                select trunc(case part
                    when ''millisecond'' then (date_part(''microsecond'', %4$s)::bigint / 1000) %% 1000
                    when ''microsecond'' then date_part(''microsecond'', %4$s)::bigint %% 1000
                    else pgdate_part(part, value) end)::%2$s
            $f$', kind, case when kind = 'timestamptz' then 'float8' else 'int4' end,
            case when kind in ('timestamptz', 'text') then 'stable' else 'immutable' end, source);
        execute format('create or replace function pg_catalog.date_part(part text, value %1$s, epoch bigint)
            returns %2$s language sql %3$s strict parallel safe as $f$ select trunc(date_part(part, %4$s))::%2$s $f$',
            kind, case when kind = 'timestamptz' then 'float8' else 'int8' end,
            case when kind in ('timestamptz', 'text') then 'stable' else 'immutable' end, source);
    end loop;
end $$;

create or replace function pg_catalog.date_part_year(value date) returns int
language sql immutable strict parallel safe return extract(year from value)::int;

-- a date truncates to a timestamp without a zone
create or replace function pg_catalog.date_trunc(part text, value date) returns timestamp
language sql immutable strict parallel safe return date_trunc(part, value::timestamp);
create or replace function pg_catalog.date_trunc(part text, value text) returns timestamp
language sql stable strict parallel safe return date_trunc(part, value::timestamp);

create or replace function pg_catalog.rs_month_end(value timestamp) returns date
language sql immutable strict parallel safe
return (date_trunc('month', value) + interval '1 month - 1 day')::date;

create or replace function pg_catalog.rs_add_months(value timestamp, months bigint) returns timestamp
language sql immutable strict parallel safe
return case when value::date = rs_month_end(value)
    then rs_month_end(date_trunc('month', value) + make_interval(months => months::int)) + value::time
    else value + make_interval(months => months::int) end;

-- the day's number wraps at 31; two ends of months, or two equal days, are whole months apart
create or replace function pg_catalog.rs_months_between(later timestamp, earlier timestamp) returns float8
language sql immutable strict parallel safe
return 12 * (extract(year from later) - extract(year from earlier))
    + (extract(month from later) - extract(month from earlier))
    + case
        when extract(day from later) = extract(day from earlier) then 0
        when later::date = rs_month_end(later) and earlier::date = rs_month_end(earlier) then 0
        else ((extract(day from later) - extract(day from earlier))
            + (extract(epoch from later::time) - extract(epoch from earlier::time)) / 86400) / 31
    end;

create or replace function pg_catalog.rs_next_day(value timestamp, day text) returns date
language plpgsql immutable strict parallel safe as $$
declare
    wanted int := (select number from (values (0, 'su sun sunday'), (1, 'm mo mon monday'), (2, 'tu tue tues tuesday'),
        (3, 'w we wed wednesday'), (4, 'th thu thurs thursday'), (5, 'f fr fri friday'), (6, 'sa sat saturday')) as d (number, names)
        where lower(btrim(day)) = any (string_to_array(names, ' ')));
begin
    if wanted is null then
        raise exception 'Invalid day of week: %', day using errcode = 'invalid_parameter_value';
    end if;
    return value::date + (wanted - extract(dow from value)::int + 6) % 7 + 1;
end $$;

do $$
declare
    kind text;
    zone text;
    volatility text;
begin
    foreach kind in array array['timestamp', 'timestamptz', 'date', 'text'] loop
        volatility := case when kind in ('timestamptz', 'text') then 'stable' else 'immutable' end;
        execute format('create or replace function pg_catalog.last_day(value %s) returns date
            language sql %s strict parallel safe return pg_catalog.rs_month_end(value::timestamp)', kind, volatility);
        execute format('create or replace function pg_catalog.add_months(value %s, months bigint) returns timestamp
            language sql %s strict parallel safe
            return pg_catalog.rs_add_months(value::timestamp, months)', kind, volatility);
        execute format('create or replace function pg_catalog.next_day(value %s, day text) returns date
            language sql %s strict parallel safe
            return pg_catalog.rs_next_day(value::timestamp, day)', kind, volatility);
        execute format('create or replace function pg_catalog.months_between(later %1$s, earlier %1$s) returns float8
            language sql %2$s strict parallel safe
            return pg_catalog.rs_months_between(later::timestamp, earlier::timestamp)', kind, volatility);
    end loop;
    foreach kind in array array['timestamp', 'date'] loop
        execute format('create or replace function pg_catalog.trunc(value %s) returns date
            language sql immutable strict parallel safe return value::date', kind);
    end loop;
end $$;
create or replace function pg_catalog.trunc(value timestamptz) returns date
language sql stable strict parallel safe return value::date;
create or replace function pg_catalog.months_between(later date, earlier timestamp) returns float8
language sql immutable strict parallel safe return rs_months_between(later::timestamp, earlier);
create or replace function pg_catalog.months_between(later timestamp, earlier date) returns float8
language sql immutable strict parallel safe return rs_months_between(later, earlier::timestamp);

-- zones may be given as an offset that counts as ISO 8601 does, east positive; Postgres' AT TIME ZONE counts otherwise
create or replace function pg_catalog.convert_timezone(target text, value timestamp) returns timestamp
language sql immutable strict parallel safe return (value at time zone 'UTC') at time zone target;
create or replace function pg_catalog.convert_timezone(source text, target text, value timestamp) returns timestamp
language sql immutable strict parallel safe return (value at time zone source) at time zone target;
create or replace function pg_catalog.convert_timezone(target text, value timestamptz) returns timestamp
language sql immutable strict parallel safe return value at time zone target;
create or replace function pg_catalog.convert_timezone(source text, target text, value timestamptz) returns timestamp
language sql stable strict parallel safe return (value::timestamp at time zone source) at time zone target;
create or replace function pg_catalog.convert_timezone(target text, value text) returns timestamp
language sql stable strict parallel safe return (value::timestamp at time zone 'UTC') at time zone target;
create or replace function pg_catalog.convert_timezone(source text, target text, value text) returns timestamp
language sql stable strict parallel safe return (value::timestamp at time zone source) at time zone target;

-- dates of text: lenient unless told to be strict, days beyond the month's end count on
-- the format in which every field is as wide as what it stands for
create or replace function pg_catalog.rs_widths(format text) returns text
language sql immutable strict parallel safe
return replace(replace(upper(format), 'HH24', 'HH'), 'HH12', 'HH');
create or replace function pg_catalog.rs_field(value text, format text, field text) returns int
language sql immutable strict parallel safe
return case when strpos(rs_widths(format), field) > 0
    then nullif(rs_pg_regexp_replace(substr(value, strpos(rs_widths(format), field), length(field)), '[^0-9]', '', 'g'), '')::int end;

create or replace function pg_catalog.to_date(value text, format text, is_strict boolean default false) returns date
language plpgsql stable strict parallel safe as $$
begin
    return rs_pg_to_date(value, format);
exception when datetime_field_overflow then
    if is_strict or rs_field(value, format, 'YYYY') is null then
        raise;
    end if;
    return make_date(rs_field(value, format, 'YYYY'), 1, 1)
        + make_interval(months => coalesce(rs_field(value, format, 'MM'), 1) - 1,
            days => coalesce(rs_field(value, format, 'DD'), 1) - 1);
end $$;

create or replace function pg_catalog.to_timestamp(value text, format text, is_strict boolean default false) returns timestamptz
language plpgsql stable strict parallel safe as $$
begin
    return rs_pg_to_timestamp(value, format);
exception when datetime_field_overflow then
    if is_strict or rs_field(value, format, 'YYYY') is null then
        raise;
    end if;
    return (make_date(rs_field(value, format, 'YYYY'), 1, 1)
        + make_interval(months => coalesce(rs_field(value, format, 'MM'), 1) - 1,
            days => coalesce(rs_field(value, format, 'DD'), 1) - 1,
            hours => coalesce(rs_field(value, format, 'HH'), 0),
            mins => coalesce(rs_field(value, format, 'MI'), 0),
            secs => coalesce(rs_field(value, format, 'SS'), 0)))::timestamptz;
end $$;

create or replace function pg_catalog.to_timestamp(value timestamp, format text, is_strict boolean default false)
returns timestamptz language sql stable strict parallel safe
return to_timestamp(rs_pg_regexp_replace(value::text, '[.][0-9]+$', ''), format, is_strict);

-- a timestamp without a zone is one of the session's
create or replace function pg_catalog.to_char(value timestamp, format text) returns text
language sql stable strict parallel safe
return case when format ~* 'tz|of' then to_char(value::timestamptz, format) else rs_pg_to_char(value, format) end;

-- a timestamp plus a number is so many days later, plus a string that interval
create or replace function pg_catalog.rs_plus_days(value timestamp, days int) returns timestamp
language sql immutable strict parallel safe return value + make_interval(days => days);
create or replace function pg_catalog.rs_days_plus(days int, value timestamp) returns timestamp
language sql immutable strict parallel safe return value + make_interval(days => days);
create or replace function pg_catalog.rs_minus_days(value timestamp, days int) returns timestamp
language sql immutable strict parallel safe return value - make_interval(days => days);
create or replace function pg_catalog.rs_plus_text(value timestamp, other text) returns timestamp
language sql immutable strict parallel safe return value + other::interval;
create or replace function pg_catalog.rs_minus_text(value timestamp, other text) returns timestamp
language sql immutable strict parallel safe return value - other::interval;
do $$
begin
    if to_regoperator('pg_catalog.+(timestamp,int4)') is null then
        create operator pg_catalog.+ (leftarg = timestamp, rightarg = int4, function = pg_catalog.rs_plus_days);
        create operator pg_catalog.+ (leftarg = int4, rightarg = timestamp, function = pg_catalog.rs_days_plus);
        create operator pg_catalog.- (leftarg = timestamp, rightarg = int4, function = pg_catalog.rs_minus_days);
        create operator pg_catalog.+ (leftarg = timestamp, rightarg = text, function = pg_catalog.rs_plus_text);
        create operator pg_catalog.- (leftarg = timestamp, rightarg = text, function = pg_catalog.rs_minus_text);
    end if;
end $$;
