with

node_runs as (

    select * from {{ ref('dbt_node_runs') }}

),

-- A test that was skipped has no outcome.
outcomes as (

    select
        node_id,
        node_name,
        invocation_id,
        invoked_at,
        message,
        run_status <> 'pass' as has_failed,
        row_number() over (
            partition by node_id
            order by
                invoked_at desc,
                invocation_id desc
        ) as run_rank

    from node_runs
    where
        resource_type in ('test', 'unit_test')
        and run_status <> 'skipped'

),

recent as (

    select
        *,
        lag(has_failed) over (
            partition by node_id
            order by
                invoked_at,
                invocation_id
        ) as had_failed_before

    from outcomes
    where run_rank <= 30

),

final as (

    select
        node_id,
        node_name,
        count(*) as run_count,
        sum(case when has_failed then 1 else 0 end) as failed_run_count,
        sum(case when has_failed <> had_failed_before then 1 else 0 end) as flip_count,
        -- once is a fault that came or went; there and back again is a test that nobody will believe
        sum(case when has_failed <> had_failed_before then 1 else 0 end) >= 2 as is_flaky,
        max(invoked_at) as last_run_at,
        max(case when has_failed then invoked_at end) as last_failed_at,
        max(case when run_rank = 1 then message end) as last_message

    from recent
    group by
        node_id,
        node_name

)

select * from final
