{{ config(dist='all', sort='cohort_month_on') }}

with

customer_months as (

    select * from {{ ref('int_customers__in_service_by_month') }}

),

cohorts as (

    select * from {{ ref('int_customers__first_in_service') }}

),

months as (

    select * from {{ ref('int_calendar__months') }}

),

sizes as (

    select
        cohort_month_on,
        count(*) as cohort_customer_count

    from cohorts
    group by cohort_month_on

),

-- every month that a cohort has seen, also one in which nobody of it was left
seen as (

    select
        sizes.cohort_month_on,
        months.month_started_on,
        months.is_complete,
        sizes.cohort_customer_count

    from sizes
    inner join months
        on sizes.cohort_month_on <= months.month_started_on

),

still_there as (

    select
        cohorts.cohort_month_on,
        customer_months.month_started_on,
        count(*) as active_customer_count

    from customer_months
    inner join cohorts
        on customer_months.customer_id = cohorts.customer_id
    group by
        cohorts.cohort_month_on,
        customer_months.month_started_on

),

final as (

    select
        seen.cohort_month_on,
        seen.month_started_on,
        seen.is_complete,
        cast(
            12 * (extract(year from seen.month_started_on) - extract(year from seen.cohort_month_on))
            + extract(month from seen.month_started_on) - extract(month from seen.cohort_month_on) as integer
        ) as months_since_joining,
        seen.cohort_customer_count,
        coalesce(still_there.active_customer_count, 0) as active_customer_count,
        {{ share_of('coalesce(still_there.active_customer_count, 0)', 'seen.cohort_customer_count') }}
            as retention_share

    from seen
    left join still_there
        on
            seen.cohort_month_on = still_there.cohort_month_on
            and seen.month_started_on = still_there.month_started_on

)

select * from final
