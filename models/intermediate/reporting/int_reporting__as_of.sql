{%- set chosen_day = dbt.string_literal(var('as_of_on')) if var('as_of_on') else 'null' -%}

with

usage_days as (

    select * from {{ ref('int_usage__summed_to_days') }}

),

-- The last day that the usage feed has delivered, not today: when the feed is late the figures stand still
-- instead of sinking, and the same data gives the same result whenever it is built.
last_day as (

    select coalesce(cast({{ chosen_day }} as date), max(used_on)) as as_of_on
    from usage_days
    where usage_count > 0

),

final as (

    select
        last_day.as_of_on,
        {{ days_before('last_day.as_of_on', 29) }} as last_30_days_started_on

    from last_day

)

select * from final
