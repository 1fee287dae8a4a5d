-- What a retention period has deleted from the raw table is to be gone from what was made of it. Incremental models
-- only add: after `ingest privacy retention` they are built from the beginning. This tells whoever forgot it.
-- Remedy: dbt build --full-refresh --select int_events__deduplicated+
with

modelled as (

    select * from {{ ref('int_events__deduplicated') }}

),

delivered as (

    select * from {{ ref('stg_events__events') }}

),

delivered_events as (

    select distinct
        device_id,
        event_id

    from delivered

)

select
    modelled.device_id,
    modelled.event_id

from modelled
left join delivered_events
    on
        modelled.device_id = delivered_events.device_id
        and modelled.event_id = delivered_events.event_id
where delivered_events.event_id is null
