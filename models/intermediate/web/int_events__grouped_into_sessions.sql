with

events as (

    select * from {{ ref('int_events__deduplicated') }}

),

-- when the same device was last heard of; ordered by when things happened, not by when they arrived
preceded as (

    select
        *,
        lag(occurred_at) over (
            partition by device_id
            order by
                occurred_at,
                event_id
        ) as previous_occurred_at

    from events

),

-- More than thirty minutes of silence end a visit; thirty minutes to the second do not.
marked as (

    select
        *,
        case
            when previous_occurred_at is null then 1
            when occurred_at > {{ dbt.dateadd('minute', 30, 'previous_occurred_at') | trim }} then 1
            else 0
        end as session_start_count

    from preceded

),

numbered as (

    select
        *,
        sum(session_start_count) over (
            partition by device_id
            order by
                occurred_at,
                event_id
            rows between unbounded preceding and current row
        ) as session_number

    from marked

),

final as (

    select
        event_id,
        event_type,
        device_id,
        session_number,
        customer_id,
        page_url,
        utm_source,
        utm_campaign,
        user_agent,
        occurred_at,
        row_number() over (
            partition by device_id, session_number
            order by
                occurred_at,
                event_id
        ) as event_number

    from numbered

)

select * from final
