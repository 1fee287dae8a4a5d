-- Touched days are summed again, touched months from them, and the facts join the inventory. A month that was passed
-- over, a join that drops usage of unknown products, or that repeats it for a product listed twice, would change the
-- totals. Nothing else would show either. That the days have all that has landed is asked by source_reconciliation, and
-- that their key is unique, of int_usage__summed_to_days: where the fact has as many rows, so is its own.
-- Remedy for months: dbt build --full-refresh --select int_usage__summed_to_days+
with

summed as (

    select
        sum(case when usage_count > 0 then 1 else 0 end) as day_count,
        coalesce(sum(usage_count), 0) as usage_count,
        coalesce(sum(rated_amount), 0) as rated_amount

    from {{ ref('int_usage__summed_to_days') }}

),

months as (

    select
        coalesce(sum(usage_count), 0) as usage_count,
        coalesce(sum(rated_amount), 0) as rated_amount

    from {{ ref('int_usage__summed_to_months') }}

),

facts as (

    select
        count(*) as day_count,
        coalesce(sum(usage_count), 0) as usage_count,
        coalesce(sum(rated_amount), 0) as rated_amount

    from {{ ref('fct_usage_daily') }}

),

-- the view before the fact table has its rows, no more and no fewer
attributed as (

    select count(*) as day_count
    from {{ ref('int_usage__days_attributed') }}

)

select
    summed.day_count,
    attributed.day_count as attributed_day_count,
    facts.day_count as fact_day_count,
    summed.usage_count,
    months.usage_count as month_usage_count,
    facts.usage_count as fact_usage_count,
    summed.rated_amount,
    months.rated_amount as month_rated_amount,
    facts.rated_amount as fact_rated_amount

from summed
cross join months
cross join attributed
cross join facts
where
    summed.day_count <> attributed.day_count
    or summed.day_count <> facts.day_count
    or summed.usage_count <> months.usage_count
    or summed.usage_count <> facts.usage_count
    or summed.rated_amount <> months.rated_amount
    or summed.rated_amount <> facts.rated_amount
