-- fct_usage_daily joins usage to the inventory. A join that drops usage of unknown products, or that repeats it
-- for a product listed twice, would change the total; nothing else would show it.
with

calls as (

    select
        count(*) as usage_count,
        coalesce(sum(rated_amount), 0) as rated_amount

    from {{ ref('int_usage__deduplicated') }}

),

days as (

    select
        coalesce(sum(usage_count), 0) as usage_count,
        coalesce(sum(rated_amount), 0) as rated_amount

    from {{ ref('fct_usage_daily') }}

)

select
    calls.usage_count,
    days.usage_count as fact_usage_count,
    calls.rated_amount,
    days.rated_amount as fact_rated_amount

from calls
cross join days
where
    calls.usage_count <> days.usage_count
    or calls.rated_amount <> days.rated_amount
