-- Visits are built anew from shortly before the first new event on. That this is enough rests on what is asked here:
-- nothing in a visit is more than half an hour from what was before it, and no visit reaches over more than two days.
with

events as (

    select
        session_key,
        session_started_at,
        occurred_at,
        lag(occurred_at) over (
            partition by session_key
            order by event_number
        ) as previous_occurred_at

    from {{ ref('int_events__grouped_into_sessions') }}
    where session_key is not null

)

select *
from events
where
    occurred_at > {{ dbt.dateadd('minute', 30, 'previous_occurred_at') | trim }}
    or occurred_at < previous_occurred_at
    or {{ dbt.datediff('session_started_at', 'occurred_at', 'day') }} > 1
