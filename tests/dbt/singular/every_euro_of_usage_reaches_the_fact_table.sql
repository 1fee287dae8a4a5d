-- Only touched days are summed again, and fct_usage_daily joins them to the inventory. A day that was passed over, or
-- that has outlived its rows, would change the number of rows as delivered; a join that drops usage of unknown
-- products, or that repeats it for a product listed twice, would change the totals. Nothing else would show either.
-- Remedy for days: dbt build --full-refresh --select int_usage__summed_to_days+
with

loads as (

    select * from {{ ref('int_usage__loads_numbered') }}

),

delivered as (

    select count(*) as version_count
    from {{ ref('stg_usage__usage') }} as records
    inner join loads
        on records._dlt_load_id = loads.load_id

),

summed as (

    select
        sum(case when usage_count > 0 then 1 else 0 end) as day_count,
        coalesce(sum(version_count), 0) as version_count,
        coalesce(sum(usage_count), 0) as usage_count,
        coalesce(sum(rated_amount), 0) as rated_amount

    from {{ ref('int_usage__summed_to_days') }}

),

facts as (

    select
        count(*) as day_count,
        coalesce(sum(usage_count), 0) as usage_count,
        coalesce(sum(rated_amount), 0) as rated_amount

    from {{ ref('fct_usage_daily') }}

),

-- the views on both sides of the fact table have its rows, no more and no fewer
attributed as (

    select count(*) as day_count
    from {{ ref('int_usage__days_attributed') }}

),

pseudonymous as (

    select count(*) as day_count
    from {{ ref('analyst_usage_daily') }}

)

select
    delivered.version_count,
    summed.version_count as summed_version_count,
    summed.day_count,
    attributed.day_count as attributed_day_count,
    facts.day_count as fact_day_count,
    pseudonymous.day_count as pseudonymous_day_count,
    summed.usage_count,
    facts.usage_count as fact_usage_count,
    summed.rated_amount,
    facts.rated_amount as fact_rated_amount

from delivered
cross join summed
cross join attributed
cross join facts
cross join pseudonymous
where
    delivered.version_count <> summed.version_count
    or summed.day_count <> attributed.day_count
    or summed.day_count <> facts.day_count
    or summed.day_count <> pseudonymous.day_count
    or summed.usage_count <> facts.usage_count
    or summed.rated_amount <> facts.rated_amount
