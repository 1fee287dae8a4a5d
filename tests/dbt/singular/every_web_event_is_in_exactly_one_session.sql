-- Sessions are counted from events by window functions and put together by joins: an event lost between two
-- sessions, or counted in both, would not be seen in any single session.
with

events as (

    select count(*) as event_count
    from {{ ref('int_events__deduplicated') }}

),

sessions as (

    select coalesce(sum(event_count), 0) as event_count
    from {{ ref('fct_web_sessions') }}

)

select
    events.event_count,
    sessions.event_count as session_event_count

from events
cross join sessions
where events.event_count <> sessions.event_count
