{%- set rebuilt_days = 1 -%}
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

all_events as (

    {{ rows_of_touched_devices(
        ref('int_events__grouped_into_sessions'),
        [
            'event_type',
            'device_id',
            'customer_id',
            'session_key',
            'event_number',
            'page_url',
            'referrer_url',
            'engaged_seconds',
            'order_amount',
            'utm_source',
            'utm_medium',
            'utm_campaign',
            'device_kind',
            'occurred_at',
            '_load_number',
        ],
        'session_started_at',
        rebuilt_days,
    ) }}

),

channel_rules as (

    select * from {{ ref('channel_rules') }}

),

events as (

    select
        *,
        lead(occurred_at) over (
            partition by session_key
            order by event_number
        ) as next_occurred_at

    from all_events
    where session_key is not null

),

counted as (

    select
        session_key,
        device_id,
        min(occurred_at) as started_at,
        max(occurred_at) as ended_at,
        count(*) as event_count,
        sum(case when event_type = 'page_view' then 1 else 0 end) as page_view_count,
        sum(case when event_type = 'product_view' then 1 else 0 end) as product_view_count,
        sum(case when event_type = 'search' then 1 else 0 end) as search_count,
        sum(case when event_type = 'cart_add' then 1 else 0 end) as cart_add_count,
        sum(case when event_type = 'cart_checkout' then 1 else 0 end) as cart_checkout_count,
        sum(case when event_type = 'order_placed' then 1 else 0 end) as order_placed_count,
        sum(case when event_type = 'order_placed' then order_amount end) as order_amount,
        sum(case when event_type = 'recommendation_clicked' then 1 else 0 end) as recommendation_clicked_count,
        sum(case when event_type = 'support_opened' then 1 else 0 end) as support_opened_count,
        -- what happens by itself is nothing that the visitor did
        sum(case when event_type in ('page_ping', 'recommendation_shown') then 0 else 1 end) as action_count,
        sum(case when event_type = 'page_ping' then engaged_seconds end) as pinged_seconds,
        sum(
            case
                when next_occurred_at is null then 0
                else least(
                    {{ seconds_between('occurred_at', 'next_occurred_at') }},
                    {{ var('web_engaged_gap_seconds') | int }}
                )
            end
        ) as gap_seconds,
        min(case when page_url is not null then event_number end) as landing_event_number,
        max(case when page_url is not null then event_number end) as exit_event_number,
        max(case when customer_id is not null then event_number end) as login_event_number,
        max(_load_number) as _load_number

    from events
    group by
        session_key,
        device_id

),

-- What single events say of the whole visit. Its origin is that of its first event: a campaign that came later would
-- have begun a visit of its own. On a shared device two people may log in within one visit: it is the last one's.
told as (

    select
        events.session_key,
        max(case when events.event_number = 1 then events.device_kind end) as device_kind,
        max(case when events.event_number = 1 then events.utm_source end) as utm_source,
        max(case when events.event_number = 1 then events.utm_medium end) as utm_medium,
        max(case when events.event_number = 1 then events.utm_campaign end) as utm_campaign,
        max(case when events.event_number = 1 then events.referrer_url end) as referrer_url,
        max(case when events.event_number = counted.landing_event_number then events.page_url end) as landing_page_url,
        max(case when events.event_number = counted.exit_event_number then events.page_url end) as exit_page_url,
        max(case when events.event_number = counted.login_event_number then events.customer_id end) as customer_id

    from events
    inner join counted
        on events.session_key = counted.session_key
    group by events.session_key

),

origins as (

    select
        *,
        -- of https://www.google.fi:443/search what stands between '//' and '/', without the port
        nullif(
            lower(split_part(split_part(split_part(referrer_url, '//', 2), '/', 1), ':', 1)), ''
        ) as referrer_host

    from told

),

-- the rules are asked once for each origin, however many visits have it
signs as (

    select distinct
        'utm_medium' as tested_field,
        lower(utm_medium) as origin
    from origins
    where utm_medium is not null
    union all
    select distinct
        'utm_source' as tested_field,
        lower(utm_source) as origin
    from origins
    where utm_source is not null
    union all
    select distinct
        'referrer_host' as tested_field,
        referrer_host as origin
    from origins
    where referrer_host is not null

),

-- 'google' is a part of www.google.fi, and no part of notgoogle.example
matched as (

    select
        signs.tested_field,
        signs.origin,
        channel_rules.channel,
        row_number() over (
            partition by signs.tested_field, signs.origin
            order by channel_rules.rule_number
        ) as match_rank

    from signs
    inner join channel_rules
        on
            signs.tested_field = channel_rules.tested_field
            and strpos('.' || signs.origin || '.', '.' || channel_rules.looks_for || '.') > 0

),

-- a campaign says best where its visitors come from: its medium first, then its source, then the page before
channelled as (

    select
        origins.*,
        case
            when by_medium.channel is not null then by_medium.channel
            when by_source.channel is not null then by_source.channel
            when coalesce(origins.utm_source, origins.utm_medium, origins.utm_campaign) is not null then 'other'
            when by_host.channel is not null then by_host.channel
            when origins.referrer_host is not null then 'referral'
            else 'direct'
        end as channel

    from origins
    left join matched as by_medium
        on
            by_medium.tested_field = 'utm_medium'
            and lower(origins.utm_medium) = by_medium.origin
            and by_medium.match_rank = 1
    left join matched as by_source
        on
            by_source.tested_field = 'utm_source'
            and lower(origins.utm_source) = by_source.origin
            and by_source.match_rank = 1
    left join matched as by_host
        on
            by_host.tested_field = 'referrer_host'
            and origins.referrer_host = by_host.origin
            and by_host.match_rank = 1

),

final as (

    select
        counted.session_key,
        counted.device_id,
        channelled.customer_id,

        counted.started_at,
        counted.ended_at,
        {{ seconds_between('counted.started_at', 'counted.ended_at') }} as duration_seconds,
        -- what the pings say, if there are any; nobody reads for longer than the visit lasts
        cast(
            least(
                coalesce(counted.pinged_seconds, counted.gap_seconds),
                {{ seconds_between('counted.started_at', 'counted.ended_at') }}
            ) as bigint
        ) as engaged_seconds,

        counted.event_count,
        counted.page_view_count,
        counted.product_view_count,
        counted.search_count,
        counted.cart_add_count,
        counted.cart_checkout_count,
        counted.order_placed_count,
        {{ as_amount('coalesce(counted.order_amount, 0)') }} as order_amount,
        counted.recommendation_clicked_count,
        counted.support_opened_count,
        counted.action_count <= 1 as is_bounce,

        -- how the visit began and ended
        channelled.landing_page_url,
        channelled.exit_page_url,
        channelled.channel,
        channelled.referrer_host,
        channelled.utm_source,
        channelled.utm_medium,
        channelled.utm_campaign,
        channelled.device_kind,
        counted._load_number

    from counted
    inner join channelled
        on counted.session_key = channelled.session_key

)

select * from final
