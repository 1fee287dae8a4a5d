with

events as (

    select * from {{ ref('int_events__grouped_into_sessions') }}

),

first_events as (

    select * from events
    where event_number = 1

),

-- Who logged in. On a shared device two people may do so within one visit: it is the last one's.
logged_in as (

    select
        device_id,
        session_number,
        customer_id,
        row_number() over (
            partition by device_id, session_number
            order by event_number desc
        ) as login_rank

    from events
    where customer_id is not null

),

counted as (

    select
        device_id,
        session_number,
        min(occurred_at) as started_at,
        max(occurred_at) as ended_at,
        count(*) as event_count,
        sum(case when event_type = 'page_view' then 1 else 0 end) as page_view_count,
        sum(case when event_type = 'product_view' then 1 else 0 end) as product_view_count,
        sum(case when event_type = 'search' then 1 else 0 end) as search_count,
        sum(case when event_type = 'cart_add' then 1 else 0 end) as cart_add_count,
        sum(case when event_type = 'order_placed' then 1 else 0 end) as order_placed_count,
        sum(case when event_type = 'support_opened' then 1 else 0 end) as support_opened_count

    from events
    group by
        device_id,
        session_number

),

final as (

    select
        {{ hash_key('counted.device_id', 'counted.started_at') }} as session_key,
        counted.device_id,
        logged_in.customer_id,

        counted.started_at,
        counted.ended_at,
        {{ seconds_between('counted.started_at', 'counted.ended_at') }} as duration_seconds,

        counted.event_count,
        counted.page_view_count,
        counted.product_view_count,
        counted.search_count,
        counted.cart_add_count,
        counted.order_placed_count,
        counted.support_opened_count,

        -- how the visit began
        first_events.page_url as landing_page_url,
        first_events.utm_source,
        first_events.utm_campaign,
        -- 'Tablet' first: some tablets say 'Mobile' too
        case
            when first_events.user_agent is null then 'unknown'
            when first_events.user_agent like '%iPad%' or first_events.user_agent like '%Tablet%' then 'tablet'
            when first_events.user_agent like '%Mobi%' then 'phone'
            else 'computer'
        end as device_kind

    from counted
    inner join first_events
        on
            counted.device_id = first_events.device_id
            and counted.session_number = first_events.session_number
    left join logged_in
        on
            counted.device_id = logged_in.device_id
            and counted.session_number = logged_in.session_number
            and logged_in.login_rank = 1

)

select * from final
