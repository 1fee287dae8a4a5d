{{ config(sort='landed_at') }}

with

invocations as (

    select * from {{ source('run_log', 'invocations') }}

),

source_loads as (

    select * from {{ source('run_log', 'source_loads') }}

),

final as (

    select
        source_loads.source_name,
        source_loads.load_id,
        source_loads.invocation_id,
        source_loads.landed_at,
        invocations.ended_at as modelled_at,
        {{ seconds_between('source_loads.landed_at', 'invocations.ended_at') }} as delay_seconds

    from source_loads
    inner join invocations
        on source_loads.invocation_id = invocations.invocation_id

)

select * from final
