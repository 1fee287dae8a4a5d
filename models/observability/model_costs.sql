{{ config(sort='ran_on') }}

with

statements as (

    {{ query_log() }}

),

final as (

    select
        node_id,
        split_part(node_id, '.', 3) as node_name,
        cast(started_at as date) as ran_on,
        count(*) as statement_count,
        sum(elapsed_seconds) as elapsed_seconds,
        sum(queue_seconds) as queue_seconds,
        max(elapsed_seconds) as longest_seconds

    from statements
    group by
        node_id,
        split_part(node_id, '.', 3),
        cast(started_at as date)

)

select * from final
