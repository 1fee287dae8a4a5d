{%- set rebuilt_days = (var('web_stitching_days') | int) + 1 -%}
-- Many visits have no customer: a distribution by customer would put all of those on one node. Devices spread, and
-- what is joined to visits is spread by them, too. Reports ask for a span of time.
{{ config(
    materialized='incremental',
    incremental_strategy='rebuild_devices',
    unique_key='session_key',
    meta={'rebuilt_days': rebuilt_days, 'rebuilt_by': 'started_at'},
    dist='device_id',
    sort='started_at',
    indexes=postgres_indexes(['session_key'], [['device_id', 'started_at'], ['stitched_customer_id'], ['_load_number']]),
) }}

with

web_sessions as (

    {{ rows_of_touched_devices(
        ref('int_web_sessions__built'),
        [
            'session_key',
            'device_id',
            'customer_id',
            'started_at',
            'ended_at',
            'duration_seconds',
            'engaged_seconds',
            'event_count',
            'page_view_count',
            'product_view_count',
            'search_count',
            'cart_add_count',
            'cart_checkout_count',
            'order_placed_count',
            'order_amount',
            'recommendation_clicked_count',
            'support_opened_count',
            'is_bounce',
            'landing_page_url',
            'exit_page_url',
            'channel',
            'referrer_host',
            'utm_source',
            'utm_medium',
            'utm_campaign',
            'device_kind',
            '_load_number',
        ],
        'started_at',
        rebuilt_days,
    ) }}

),

stitched as (

    select * from {{ ref('int_devices__stitched_to_customers') }}

),

final as (

    select
        web_sessions.session_key,
        web_sessions.device_id,

        -- who it was, and who it is taken to have been
        web_sessions.customer_id,
        web_sessions.customer_id is not null as is_logged_in,
        coalesce(web_sessions.customer_id, stitched.customer_id) as stitched_customer_id,
        case
            when web_sessions.customer_id is not null then 'login'
            when stitched.customer_id is null then null
            when stitched.logged_in_at <= web_sessions.started_at then 'earlier_login'
            else 'later_login'
        end as stitched_by,

        -- when
        web_sessions.started_at,
        web_sessions.ended_at,
        web_sessions.duration_seconds,
        web_sessions.engaged_seconds,

        -- what was done
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
        web_sessions.order_placed_count > 0 as has_order,
        web_sessions.is_bounce,

        -- how it began and ended
        web_sessions.landing_page_url,
        web_sessions.exit_page_url,
        web_sessions.channel,
        web_sessions.referrer_host,
        web_sessions.utm_source,
        web_sessions.utm_medium,
        web_sessions.utm_campaign,
        web_sessions.device_kind,
        web_sessions._load_number

    from web_sessions
    left join stitched
        on
            web_sessions.device_id = stitched.device_id
            and web_sessions.started_at >= stitched.valid_from_at
            and web_sessions.started_at < stitched.valid_to_at

)

select * from final
