-- Visits are built anew from shortly before the first new event on. That this is enough rests on what is asked here:
-- nothing in a visit is more than half an hour from what was before it, and no visit reaches over more than two days.
-- A build asks it of what is new since int_web_sessions__built last read from it: that model waits for the answer.
{%- set grouped = ref('int_events__grouped_into_sessions') -%}
{%- set last_number = last_number_read('int_web_sessions__built', grouped) or 0 %}

with

new_events as (

    select
        device_id,
        min(occurred_at) as first_occurred_at

    from {{ grouped }}
    where _load_number > {{ last_number }}
    group by device_id

),

events as (

    select
        grouped.session_key,
        grouped.session_started_at,
        grouped.occurred_at,
        lag(grouped.occurred_at) over (
            partition by grouped.session_key
            order by grouped.event_number
        ) as previous_occurred_at

    from {{ grouped }} as grouped
    inner join new_events
        on
            grouped.device_id = new_events.device_id
            -- a day more than is built anew
            and grouped.session_started_at >= {{ dbt.dateadd('day', -2, 'new_events.first_occurred_at') | trim }}
    where grouped.session_key is not null

)

select *
from events
where
    occurred_at > {{ dbt.dateadd('minute', 30, 'previous_occurred_at') | trim }}
    or occurred_at < previous_occurred_at
    or {{ dbt.datediff('session_started_at', 'occurred_at', 'day') }} > 1
