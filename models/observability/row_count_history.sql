{{ config(sort='counted_at') }}

with

invocations as (

    select * from {{ source('run_log', 'invocations') }}

),

row_counts as (

    select * from {{ source('run_log', 'row_counts') }}

),

counted as (

    select
        row_counts.invocation_id,
        row_counts.relation_name,
        row_counts.row_count,
        invocations.ended_at as counted_at,
        lag(row_counts.row_count) over (
            partition by row_counts.relation_name
            order by
                invocations.ended_at,
                row_counts.invocation_id
        ) as previous_row_count

    from row_counts
    inner join invocations
        on row_counts.invocation_id = invocations.invocation_id

),

final as (

    select
        invocation_id,
        relation_name,
        counted_at,
        row_count,
        previous_row_count,
        row_count - previous_row_count as added_row_count,
        coalesce({{ has_lost_rows('row_count', 'previous_row_count') }}, false) as has_lost_rows

    from counted

)

select * from final
