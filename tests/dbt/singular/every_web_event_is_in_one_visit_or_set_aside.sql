-- Visits are cut out of a device's events by window functions, a few devices at a time, and put together by joins: an
-- event lost between two visits, or counted in both, would not be seen in any single one.
with

events as (

    select count(*) as event_count
    from {{ ref('int_events__deduplicated') }}

),

sessions as (

    select coalesce(sum(event_count), 0) as event_count
    from {{ ref('fct_web_sessions') }}

),

bots as (

    select count(*) as event_count
    from {{ ref('int_events__bots_set_aside') }}

),

late_events as (

    select count(*) as event_count
    from {{ ref('int_events__late_set_aside') }}

)

select
    events.event_count,
    sessions.event_count as session_event_count,
    bots.event_count as bot_event_count,
    late_events.event_count as late_event_count

from events
cross join sessions
cross join bots
cross join late_events
where events.event_count <> sessions.event_count + bots.event_count + late_events.event_count
