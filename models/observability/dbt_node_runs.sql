{{ config(sort='invoked_at') }}

with

invocations as (

    select * from {{ source('run_log', 'invocations') }}

),

node_results as (

    select * from {{ source('run_log', 'node_results') }}

),

final as (

    select
        node_results.invocation_id,
        node_results.node_id,

        -- 'model.majakka.customer_view', 'test.majakka.<name>.<hash>'
        split_part(node_results.node_id, '.', 3) as node_name,
        node_results.resource_type,
        node_results.materialization,

        -- how it ended
        node_results.status as run_status,
        node_results.execution_seconds,
        node_results.affected_count,
        node_results.failure_count,
        node_results.message,

        invocations.started_at as invoked_at,
        -- a node that was skipped never started
        node_results.started_at

    from node_results
    inner join invocations
        on node_results.invocation_id = invocations.invocation_id

)

select * from final
