{%- set rebuilt_days = 1 -%}
{{ config(
    materialized='incremental',
    incremental_strategy='rebuild_devices',
    unique_key=['session_key', 'customer_id'],
    meta={'rebuilt_days': rebuilt_days, 'rebuilt_by': 'started_at'},
    dist='device_id',
    sort='started_at',
    indexes=postgres_indexes(
        ['session_key', 'customer_id'],
        [['device_id', 'started_at'], ['_load_number']],
    ),
) }}

with

events as (

    {{ rows_of_touched_devices(
        ref('int_events__grouped_into_sessions'),
        ['device_id', 'customer_id', 'session_key', 'session_started_at', 'occurred_at', '_load_number'],
        'session_started_at',
        rebuilt_days,
    ) }}

),

final as (

    select
        session_key,
        customer_id,
        device_id,
        session_started_at as started_at,
        min(occurred_at) as logged_in_at,
        max(occurred_at) as last_seen_at,
        count(*) as event_count,
        max(_load_number) as _load_number

    from events
    where
        session_key is not null
        and customer_id is not null
    group by
        session_key,
        customer_id,
        device_id,
        session_started_at

)

select * from final
