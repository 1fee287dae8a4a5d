{#- The table has not suddenly become much smaller than the last run left it: a join that drops half of the customers
    breaks no key and no contract. When the loss is meant, say so once: `--vars 'allow_lost_rows: true'`. -#}
{% test has_not_lost_rows(model, least_kept_share=0.5, smallest_count=1000) %}

with

invocations as (

    select * from {{ source('run_log', 'invocations') }}

),

row_counts as (

    select * from {{ source('run_log', 'row_counts') }}
    where relation_name = '{{ model.schema }}.{{ model.identifier }}'

),

ranked as (

    select
        row_counts.row_count,
        row_number() over (
            order by
                invocations.ended_at desc,
                invocations.invocation_id desc
        ) as count_rank

    from row_counts
    inner join invocations
        on row_counts.invocation_id = invocations.invocation_id

),

counted as (

    select count(*) as row_count
    from {{ model }}

)

select
    counted.row_count,
    ranked.row_count as previous_row_count

from counted
cross join ranked
where
    ranked.count_rank = 1
    and not {{ 'true' if var('allow_lost_rows') else 'false' }}
    and {{ has_lost_rows('counted.row_count', 'ranked.row_count', least_kept_share, smallest_count) }}

{% endtest %}
