with

web_sessions as (

    select * from {{ ref('int_web_sessions__built') }}

),

-- Visits in which the customer was logged in: what a device does before is not surely theirs.
final as (

    select
        customer_id,
        started_at as happened_at,
        'visit' as entry_type,
        session_key as entity_id,
        'visited by ' || device_kind
        || case when order_placed_count > 0 then ', ordered' else '' end
        || case when support_opened_count > 0 then ', looked for help' else '' end as entry_text,
        cast(null as numeric(18, 4)) as entry_amount

    from web_sessions
    where customer_id is not null

)

select * from final
