with

events as (

    select * from {{ ref('int_events__deduplicated') }}

),

-- A login is the only proof of who uses a device. A household may share one: the pair is the grain.
final as (

    select
        device_id,
        customer_id,
        min(occurred_at) as first_seen_at,
        max(occurred_at) as last_seen_at,
        count(*) as event_count

    from events
    where customer_id is not null
    group by
        device_id,
        customer_id

)

select * from final
