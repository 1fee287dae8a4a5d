{{ config(sort='started_at') }}

with

invocations as (

    select * from {{ source('run_log', 'invocations') }}

),

node_results as (

    select * from {{ source('run_log', 'node_results') }}

),

counted as (

    select
        invocation_id,
        count(*) as node_count,
        sum(case when status in ('error', 'fail', 'runtime error') then 1 else 0 end) as failed_node_count,
        sum(case when status = 'skipped' then 1 else 0 end) as skipped_node_count

    from node_results
    group by invocation_id

),

final as (

    select
        invocations.invocation_id,
        invocations.command,
        invocations.target_name,
        invocations.dbt_version,
        invocations.started_at,
        invocations.ended_at,
        {{ seconds_between('invocations.started_at', 'invocations.ended_at') }} as duration_seconds,

        -- a selection that matched nothing has no results
        coalesce(counted.node_count, 0) as node_count,
        coalesce(counted.failed_node_count, 0) as failed_node_count,
        coalesce(counted.skipped_node_count, 0) as skipped_node_count,
        coalesce(counted.failed_node_count, 0) = 0 as is_green

    from invocations
    left join counted
        on invocations.invocation_id = counted.invocation_id

)

select * from final
