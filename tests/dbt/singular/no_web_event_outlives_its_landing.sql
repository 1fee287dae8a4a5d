-- What a retention period has deleted from the raw table is to be gone from what was made of it. Incremental models
-- only add: after `ingest privacy retention` they are built from the beginning. This tells whoever forgot it.
-- Remedy: dbt build --full-refresh --select int_events__deduplicated+
with

modelled as (

    select * from {{ ref('int_events__deduplicated') }}

),

delivered as (

    select * from {{ ref('stg_events__events') }}

)

select
    modelled.device_id,
    modelled.event_id

from modelled
left join delivered
    on
        modelled.device_id = delivered.device_id
        and modelled.event_id = delivered.event_id
where delivered.event_id is null
