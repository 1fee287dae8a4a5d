-- A table of values for each macro of macros/lib/cross_db, run on whichever engine is the target.
with

seconds_between as (

    select
        'seconds_between passes a second mark' as promise,
        {{ seconds_between("timestamp '2026-10-31 00:00:00.9'", "timestamp '2026-10-31 00:00:01.1'") }} = 1 as is_kept
    union all
    select
        'seconds_between crosses midnight' as promise,
        {{ seconds_between("timestamp '2026-10-30 23:59:30'", "timestamp '2026-10-31 00:00:30'") }} = 60 as is_kept
    union all
    select
        'seconds_between nothing is 0' as promise,
        {{ seconds_between("timestamp '2026-10-31 00:00:00'", "timestamp '2026-10-31 00:00:00'") }} = 0 as is_kept

),

to_utc_timestamp as (

    select
        'to_utc_timestamp takes the offset off' as promise,
        {{ to_utc_timestamp("cast('2026-10-31 01:30:00+02:00' as timestamp with time zone)") }}
        = timestamp '2026-10-30 23:30:00' as is_kept

),

days_before as (

    select
        'days_before crosses a month' as promise,
        {{ days_before("cast('2026-10-15' as date)", 29) }} = cast('2026-09-16' as date) as is_kept
    union all
    select
        'days_before 0 is the day itself' as promise,
        {{ days_before("cast('2026-10-15' as date)", 0) }} = cast('2026-10-15' as date) as is_kept

),

days_between as (

    select
        'days_between crosses a month' as promise,
        {{ days_between("cast('2026-09-30' as date)", "cast('2026-10-02' as date)") }} = 2 as is_kept
    union all
    select
        'days_between is negative backwards' as promise,
        {{ days_between("cast('2026-10-02' as date)", "cast('2026-10-01' as date)") }} = -1 as is_kept

),

day_end as (

    select
        'day_end is still the same day' as promise,
        cast({{ day_end("cast('2026-10-31' as date)") }} as date) = cast('2026-10-31' as date) as is_kept
    union all
    select
        'day_end is the last moment of it' as promise,
        {{ day_end("cast('2026-10-31' as date)") }} = timestamp '2026-10-31 23:59:59.999999' as is_kept

),

parse_day_first_timestamp as (

    select
        'parse_day_first_timestamp takes an hour of one digit' as promise,
        {{ parse_day_first_timestamp("'15-10-2014 6:58'") }} = timestamp '2014-10-15 06:58:00' as is_kept
    union all
    select
        'parse_day_first_timestamp takes the day first' as promise,
        {{ parse_day_first_timestamp("'01-02-2015 13:33'") }} = timestamp '2015-02-01 13:33:00' as is_kept

),

share_of as (

    select
        'share_of divides counts as fractions' as promise,
        {{ share_of("1", "3") }} = 0.3333 as is_kept
    union all
    select
        'share_of nothing is null' as promise,
        {{ share_of("1", "0") }} is null as is_kept

),

as_amount as (

    select
        'as_amount keeps four decimals' as promise,
        {{ as_amount("1.23456") }} = 1.2346 as is_kept
    union all
    select
        'as_amount of nothing is nothing' as promise,
        {{ as_amount("null") }} is null as is_kept

),

hash_key as (

    select
        'hash_key prints the fraction of a second in full' as promise,
        {{ hash_key("'d'", "timestamp '2026-10-31 00:00:00.5'") }} = md5('d|2026-10-31 00:00:00.500000') as is_kept

),

e164_phone_number as (

    select
        'e164_phone_number knows its own' as promise,
        {{ e164_phone_number("'+358401234567'") }} = '+358401234567' as is_kept
    union all
    select
        'e164_phone_number puts the country in front, and drops what is no digit' as promise,
        {{ e164_phone_number("'040 123-45.67'") }} = '+358401234567' as is_kept
    union all
    select
        'e164_phone_number drops the 0 that is dialled at home only' as promise,
        {{ e164_phone_number("'+358 (0)40/1234567'") }} = '+358401234567' as is_kept
    union all
    select
        'e164_phone_number reads 00 as a plus, once' as promise,
        {{ e164_phone_number("'0046 70 100 00 00'") }} = '+46701000000' as is_kept
    union all
    select
        'e164_phone_number gives null for a word' as promise,
        {{ e164_phone_number("'call me'") }} is null as is_kept
    union all
    select
        'e164_phone_number gives null for more than fifteen digits' as promise,
        {{ e164_phone_number("'+3584012345678901'") }} is null as is_kept

),

normal_email_address as (

    select
        'normal_email_address drops blanks and capitals' as promise,
        {{ normal_email_address("' Aino.Laine@Example.com '") }} = 'aino.laine@example.com' as is_kept
    union all
    select
        'normal_email_address gives null for what has nothing before the @' as promise,
        {{ normal_email_address("'@example.com'") }} is null as is_kept

),

hash_as_number as (

    select
        'hash_as_number reads the first eight digits' as promise,
        {{ hash_as_number("md5('x')") }} = 2647975009 as is_kept
    union all
    select
        'hash_as_number gives no negative number' as promise,
        {{ hash_as_number("'ffffffffffff'") }} = 4294967295 as is_kept

),

sha256_hex as (

    select
        'sha256_hex is of the text in UTF-8, in small letters' as promise,
        {{ sha256_hex("'hyvä'") }} = '21a70cee1fad6a7316fd81d3a38bb37969a213dfdbf33d76c5e91bdcc2eb3699' as is_kept
    union all
    select
        'sha256_hex gives null for null' as promise,
        {{ sha256_hex("cast(null as varchar(8))") }} is null as is_kept

),

promises as (

    select * from seconds_between
    union all
    select * from to_utc_timestamp
    union all
    select * from days_before
    union all
    select * from days_between
    union all
    select * from day_end
    union all
    select * from parse_day_first_timestamp
    union all
    select * from share_of
    union all
    select * from as_amount
    union all
    select * from hash_key
    union all
    select * from e164_phone_number
    union all
    select * from normal_email_address
    union all
    select * from hash_as_number
    union all
    select * from sha256_hex

)

select *
from promises
where not is_kept or is_kept is null
