{%- set rebuilt_days = 1 -%}
-- Joined to visits by device and asked for by time, like them.
{{ config(
    materialized='incremental',
    incremental_strategy='rebuild_devices',
    unique_key='session_key',
    meta={'rebuilt_days': rebuilt_days, 'rebuilt_by': 'started_at'},
    dist='device_id',
    sort='started_at',
    indexes=postgres_indexes(['session_key'], [['device_id', 'started_at'], ['_load_number']]),
) }}

with

events as (

    {{ rows_of_touched_devices(
        ref('int_events__grouped_into_sessions'),
        [
            'event_type',
            'device_id',
            'session_key',
            'event_number',
            'session_started_at',
            'occurred_at',
            '_load_number',
        ],
        'session_started_at',
        rebuilt_days,
    ) }}

),

steps as (

    select
        *,
        min(case when event_type = 'product_view' then event_number end) over (
            partition by session_key
        ) as viewed_event_number

    from events
    where
        session_key is not null
        and event_type in ('product_view', 'cart_add', 'cart_checkout', 'order_placed')

),

-- A step counts when the one before it has been taken; an order needs no checkout, since some sites have none.
carts as (

    select
        *,
        min(case when event_type = 'cart_add' and event_number > viewed_event_number then event_number end) over (
            partition by session_key
        ) as added_event_number

    from steps

),

orders as (

    select
        *,
        min(case when event_type = 'order_placed' and event_number > added_event_number then event_number end) over (
            partition by session_key
        ) as ordered_event_number

    from carts

),

-- a checkout after the order is the next one's
checkouts as (

    select
        *,
        min(
            case
                when
                    event_type = 'cart_checkout'
                    and event_number > added_event_number
                    and (ordered_event_number is null or event_number < ordered_event_number)
                    then event_number
            end
        ) over (partition by session_key) as checked_out_event_number

    from orders

),

timed as (

    select
        session_key,
        device_id,
        session_started_at as started_at,
        min(case when event_number = viewed_event_number then occurred_at end) as product_viewed_at,
        min(case when event_number = added_event_number then occurred_at end) as cart_added_at,
        min(case when event_number = checked_out_event_number then occurred_at end) as checked_out_at,
        min(case when event_number = ordered_event_number then occurred_at end) as ordered_at,
        max(_load_number) as _load_number

    from checkouts
    where viewed_event_number is not null
    group by
        session_key,
        device_id,
        session_started_at

),

final as (

    select
        session_key,
        device_id,
        started_at,
        product_viewed_at,
        cart_added_at,
        checked_out_at,
        ordered_at,
        case
            when ordered_at is not null then 'ordered'
            when checked_out_at is not null then 'checked_out'
            when cart_added_at is not null then 'cart_added'
            else 'product_viewed'
        end as furthest_step,
        ordered_at is not null as has_order,
        {{ seconds_between('product_viewed_at', 'cart_added_at') }} as seconds_to_cart,
        {{ seconds_between('product_viewed_at', 'ordered_at') }} as seconds_to_order,
        _load_number

    from timed

)

select * from final
