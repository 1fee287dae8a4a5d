-- Only new loads are read, by a number that each is given when it is found. Were a load passed over, or its number
-- given anew after the table of numbers was lost, its events would be missed, and nothing else would show it.
-- Remedy: dbt build --full-refresh --select int_events__deduplicated+
with

loads as (

    select * from {{ ref('int_events__loads_numbered') }}

),

delivered as (

    select * from {{ ref('stg_events__events') }}

),

modelled as (

    select * from {{ ref('int_events__deduplicated') }}

),

delivered_events as (

    select
        delivered.device_id,
        delivered.event_id

    from delivered
    inner join loads
        on delivered._dlt_load_id = loads.load_id

)

select
    delivered_events.device_id,
    delivered_events.event_id,
    modelled._dlt_load_id,
    modelled._load_number

from delivered_events
left join modelled
    on
        delivered_events.device_id = modelled.device_id
        and delivered_events.event_id = modelled.event_id
left join loads
    on
        modelled._dlt_load_id = loads.load_id
        and modelled._load_number = loads.load_number
where loads.load_id is null
