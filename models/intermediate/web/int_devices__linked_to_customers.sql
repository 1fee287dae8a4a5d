{{ config(
    materialized='incremental',
    incremental_strategy='rebuild_devices',
    unique_key=['device_id', 'customer_id'],
    dist='device_id',
    sort='device_id',
    indexes=postgres_indexes(['device_id', 'customer_id'], [['_load_number']]),
) }}

with

logins as (

    {{ rows_of_touched_devices(
        ref('int_web_sessions__logins_counted'),
        ['device_id', 'customer_id', 'logged_in_at', 'last_seen_at', 'event_count', '_load_number'],
    ) }}

),

-- A login is the only proof of who uses a device. A household may share one: the pair is the grain.
pairs as (

    select
        device_id,
        customer_id,
        min(logged_in_at) as first_seen_at,
        max(last_seen_at) as last_seen_at,
        cast(sum(event_count) as bigint) as event_count,
        max(_load_number) as _load_number

    from logins
    group by
        device_id,
        customer_id

),

final as (

    select
        device_id,
        customer_id,
        first_seen_at,
        last_seen_at,
        event_count,
        row_number() over (
            partition by device_id
            order by
                first_seen_at,
                customer_id
        ) as customer_number,
        _load_number

    from pairs

)

select * from final
