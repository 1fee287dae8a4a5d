-- Only new loads are read, by a number that each is given when it is found. Were numbers given anew after their table
-- was lost, later loads would be taken for known, and their events missed. That no event is missed is asked by
-- source_reconciliation, of all that has landed; this says why one is.
-- Remedy: dbt build --full-refresh --select int_events__deduplicated+
with

loads as (

    select * from {{ ref('int_events__loads_numbered') }}

),

loads_of_events as (

    select
        _dlt_load_id,
        _load_number,
        count(*) as event_count

    from {{ ref('int_events__deduplicated') }}
    group by
        _dlt_load_id,
        _load_number

)

select
    loads_of_events._dlt_load_id,
    loads_of_events._load_number,
    loads_of_events.event_count

from loads_of_events
left join loads
    on
        loads_of_events._dlt_load_id = loads.load_id
        and loads_of_events._load_number = loads.load_number
where loads.load_id is null
