{%- set rebuilt_days = 1 -%}
-- Read by visit and by device from a time on; the visit's events stay together.
{{ config(
    materialized='incremental',
    incremental_strategy='delete+insert',
    unique_key=['device_id', 'event_id'],
    dist='device_id',
    sort=['session_started_at', 'device_id'],
    indexes=postgres_indexes(['device_id', 'event_id'], [['device_id', 'session_started_at'], ['_load_number']]),
) }}

with

events as (

    {{ rows_of_touched_devices(
        ref('int_events__deduplicated'),
        [
            'event_id',
            'event_type',
            'device_id',
            'customer_id',
            'page_url',
            'referrer_url',
            'product_offering_id',
            'engaged_seconds',
            'order_amount',
            'utm_source',
            'utm_medium',
            'utm_campaign',
            'user_agent',
            'occurred_at',
            'sent_at',
            'received_at',
            '_load_number',
        ],
        'occurred_at',
        rebuilt_days,
        read_days=3,
    ) }}

),

user_agent_rules as (

    select * from {{ ref('user_agent_rules') }}

),

-- a browser introduces itself in the same words every time: the rules are asked once for each wording
user_agents as (

    select distinct user_agent
    from events
    where user_agent is not null

),

matched as (

    select
        user_agents.user_agent,
        user_agent_rules.device_kind,
        row_number() over (
            partition by user_agents.user_agent
            order by user_agent_rules.rule_number
        ) as match_rank

    from user_agents
    inner join user_agent_rules
        on strpos(lower(user_agents.user_agent), user_agent_rules.looks_for) > 0

),

-- What is no visitor's doing, or has no place in time, says so of itself: it never depends on what else has arrived.
judged as (

    select
        events.*,
        coalesce(matched.device_kind, 'unknown') as device_kind,
        case
            when matched.device_kind = 'bot' then 'bot_by_user_agent'
            when
                coalesce(events.received_at, events.sent_at)
                > {{ dbt.dateadd('day', var('web_late_days') | int, 'events.occurred_at') | trim }}
                then 'late'
            when
                events.occurred_at
                > {{ dbt.dateadd('minute', var('web_clock_ahead_minutes') | int, 'events.received_at') | trim }}
                then 'ahead_of_clock'
        end as set_aside_reason

    from events
    left join matched
        on
            events.user_agent = matched.user_agent
            and matched.match_rank = 1

),

-- when the same device was last heard of; ordered by when things happened, not by when they arrived
preceded as (

    select
        *,
        coalesce(utm_source, utm_medium, utm_campaign) is not null as has_campaign,
        coalesce(utm_source, '') || '|' || coalesce(utm_medium, '') || '|' || coalesce(utm_campaign, '') as campaign,
        lag(occurred_at) over (
            partition by device_id
            order by
                occurred_at,
                event_id
        ) as previous_occurred_at

    from judged
    where set_aside_reason is null

),

-- More than thirty minutes of silence end a visit; thirty minutes to the second do not.
silences as (

    select
        *,
        sum(
            case
                when occurred_at > {{ dbt.dateadd('minute', 30, 'previous_occurred_at') | trim }} then 1
                else 0
            end
        ) over (
            partition by device_id
            order by
                occurred_at,
                event_id
            rows between unbounded preceding and current row
        ) as stretch_number

    from preceded

),

stretches as (

    select
        *,
        min(occurred_at) over (partition by device_id, stretch_number) as stretch_started_at

    from silences

),

-- Midnight is no boundary, except for what does not end: when a whole day has passed without a silence, the visit is
-- cut at its end, and at the end of every day after it. No visit is longer than two days, and no event is further
-- than that from anything it can change.
cut as (

    select
        *,
        greatest({{ dbt.datediff('stretch_started_at', 'occurred_at', 'day') }}, 1) as day_number

    from stretches

),

-- the campaign before, if there was one since the visit began
campaigns as (

    select
        *,
        lag(campaign) over (
            partition by device_id, stretch_number, day_number, has_campaign
            order by
                occurred_at,
                event_id
        ) as previous_campaign

    from cut

),

-- Somebody who comes back through another campaign has come anew. One who stays, or follows the same link again,
-- has not. It is counted on through all of a device's days: what is told apart is only before and after.
arrivals as (

    select
        *,
        sum(
            case
                when has_campaign and (previous_campaign is null or previous_campaign <> campaign) then 1
                else 0
            end
        ) over (
            partition by device_id
            order by
                occurred_at,
                event_id
            rows between unbounded preceding and current row
        ) as arrival_number

    from campaigns

),

placed as (

    select
        *,
        row_number() over (
            partition by device_id, stretch_number, day_number, arrival_number
            order by
                occurred_at,
                event_id
        ) as event_number,
        first_value(event_id) over (
            partition by device_id, stretch_number, day_number, arrival_number
            order by
                occurred_at,
                event_id
            rows between unbounded preceding and unbounded following
        ) as first_event_id,
        min(occurred_at) over (
            partition by device_id, stretch_number, day_number, arrival_number
        ) as session_started_at,
        count(*) over (
            partition by device_id, stretch_number, day_number, arrival_number, date_trunc('minute', occurred_at)
        ) as minute_event_count

    from arrivals

),

paced as (

    select
        *,
        max(minute_event_count) over (
            partition by device_id, stretch_number, day_number, arrival_number
        ) as most_events_per_minute

    from placed

),

-- nobody clicks that fast
visits as (

    select
        event_id,
        event_type,
        device_id,
        customer_id,
        page_url,
        referrer_url,
        product_offering_id,
        engaged_seconds,
        order_amount,
        utm_source,
        utm_medium,
        utm_campaign,
        device_kind,
        occurred_at,
        event_number,
        md5(device_id || '|' || first_event_id) as session_key,
        session_started_at,
        case
            when most_events_per_minute > {{ var('web_bot_events_per_minute') | int }} then 'bot_by_rate'
        end as set_aside_reason,
        rebuilt_from_at,
        _load_number

    from paced

),

-- Beside the visits, and not joined to them again: a planner that knows little of what is new would take each event to
-- all others.
set_aside as (

    select
        event_id,
        event_type,
        device_id,
        customer_id,
        page_url,
        referrer_url,
        product_offering_id,
        engaged_seconds,
        order_amount,
        utm_source,
        utm_medium,
        utm_campaign,
        device_kind,
        occurred_at,
        cast(null as bigint) as event_number,
        cast(null as varchar(32)) as session_key,
        occurred_at as session_started_at,
        set_aside_reason,
        rebuilt_from_at,
        _load_number

    from judged
    where set_aside_reason is not null

),

unioned as (

    select * from visits
    union all
    select * from set_aside

),

final as (

    select
        event_id,
        event_type,
        device_id,
        customer_id,
        case when set_aside_reason is null then session_key end as session_key,
        case when set_aside_reason is null then event_number end as event_number,
        set_aside_reason,

        page_url,
        referrer_url,
        product_offering_id,
        engaged_seconds,
        order_amount,
        utm_source,
        utm_medium,
        utm_campaign,
        device_kind,

        occurred_at,
        session_started_at,
        _load_number

    from unioned
    where session_started_at >= rebuilt_from_at

)

select * from final
