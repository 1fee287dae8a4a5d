with

web_sessions as (

    select * from {{ ref('fct_web_sessions') }}

),

pseudonym_key as (

    select * from {{ source('privacy', 'pseudonym_keys') }}

),

final as (

    select
        {{ pseudonym_of('web_sessions.session_key') }} as session_hash,
        {{ pseudonym_of('web_sessions.device_id') }} as device_hash,
        {{ pseudonym_of('web_sessions.customer_id') }} as customer_hash,
        web_sessions.is_logged_in,
        {{ pseudonym_of('web_sessions.stitched_customer_id') }} as stitched_customer_hash,
        web_sessions.stitched_by,
        web_sessions.started_at,
        web_sessions.ended_at,
        web_sessions.duration_seconds,
        web_sessions.engaged_seconds,
        web_sessions.event_count,
        web_sessions.page_view_count,
        web_sessions.product_view_count,
        web_sessions.search_count,
        web_sessions.cart_add_count,
        web_sessions.cart_checkout_count,
        web_sessions.order_placed_count,
        web_sessions.order_amount,
        web_sessions.recommendation_clicked_count,
        web_sessions.support_opened_count,
        web_sessions.has_order,
        web_sessions.is_bounce,
        web_sessions.channel,
        web_sessions.referrer_host,
        web_sessions.utm_source,
        web_sessions.utm_medium,
        web_sessions.utm_campaign,
        web_sessions.device_kind

    from web_sessions
    cross join pseudonym_key

)

select * from final
