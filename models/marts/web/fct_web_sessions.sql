-- Many visits have no customer: a distribution by customer would put all of those on one node. Devices spread.
{{ config(dist='device_id', sort='started_at') }}

with

web_sessions as (

    select * from {{ ref('int_web_sessions__built') }}

),

final as (

    select
        session_key,
        device_id,
        customer_id,
        customer_id is not null as is_logged_in,

        -- when
        started_at,
        ended_at,
        duration_seconds,

        -- what was done
        event_count,
        page_view_count,
        product_view_count,
        search_count,
        cart_add_count,
        order_placed_count,
        support_opened_count,
        order_placed_count > 0 as has_order,

        -- how it began
        landing_page_url,
        utm_source,
        utm_campaign,
        device_kind

    from web_sessions

)

select * from final
