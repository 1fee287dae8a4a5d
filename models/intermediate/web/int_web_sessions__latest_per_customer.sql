with

web_sessions as (

    select * from {{ ref('int_web_sessions__built') }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by customer_id
            order by
                started_at desc,
                session_key desc
        ) as session_rank

    from web_sessions
    where customer_id is not null

),

final as (

    select
        customer_id,
        session_key,
        device_id,
        device_kind,
        started_at,
        landing_page_url

    from ranked
    where session_rank = 1

)

select * from final
