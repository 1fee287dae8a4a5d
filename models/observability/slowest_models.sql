with

node_runs as (

    select * from {{ ref('dbt_node_runs') }}

),

-- What was built, newest first: a model that was slow last spring is no worry today.
ranked as (

    select
        *,
        row_number() over (
            partition by node_id
            order by
                invoked_at desc,
                invocation_id desc
        ) as run_rank

    from node_runs
    where
        resource_type in ('model', 'snapshot', 'seed')
        and run_status = 'success'

),

recent as (

    select * from ranked
    where run_rank <= 30

),

summed as (

    select
        node_id,
        node_name,
        count(*) as run_count,
        avg(execution_seconds) as average_seconds,
        max(execution_seconds) as longest_seconds,
        max(case when run_rank = 1 then execution_seconds end) as last_seconds,
        max(started_at) as last_started_at

    from recent
    group by
        node_id,
        node_name

),

total as (

    select sum(average_seconds) as average_seconds
    from summed

),

final as (

    select
        summed.node_id,
        summed.node_name,
        summed.run_count,
        summed.average_seconds,
        summed.longest_seconds,
        summed.last_seconds,
        summed.last_started_at,
        -- of a build in which every model takes its average
        {{ share_of('summed.average_seconds', 'total.average_seconds') }} as build_time_share

    from summed
    cross join total

)

select * from final
