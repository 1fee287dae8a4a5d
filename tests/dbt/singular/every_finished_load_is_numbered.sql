-- New loads are looked for back to a week before the last one that was found: a load that was stamped by a clock which
-- is wrong by more than that would be passed over. A day's grace, for loads that commit while this runs.
-- Remedy: insert the load's id, the next number and its end into int_events__loads_numbered, and run the models.
with

loads as (

    select * from {{ ref('stg_events__loads') }}

),

numbered_loads as (

    select * from {{ ref('int_events__loads_numbered') }}

),

last_numbered as (

    select max(finished_at) as finished_at
    from numbered_loads

)

select
    loads.load_id,
    loads.finished_at

from loads
cross join last_numbered
left join numbered_loads
    on loads.load_id = numbered_loads.load_id
where
    loads.load_status = 0
    and loads.finished_at < {{ dbt.dateadd('day', -1, 'last_numbered.finished_at') | trim }}
    and numbered_loads.load_id is null
