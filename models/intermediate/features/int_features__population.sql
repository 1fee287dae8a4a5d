-- Written once for each feature date and never again: docs/features.md.
{{ config(indexes=postgres_indexes(['customer_id', 'feature_on'])) }}

with

customer_months as (

    select * from {{ ref('int_customers__in_service_by_month') }}

),

months as (

    select * from {{ ref('int_calendar__months') }}

),

as_of as (

    select * from {{ ref('int_reporting__as_of') }}

),

-- the last one that is written; none, when the table is built for the first time
last_date as (

    {% if is_incremental() -%}
    select coalesce(max(feature_on), cast('0001-01-01' as date)) as feature_on
    from {{ this }}
    {%- else -%}
    select cast('0001-01-01' as date) as feature_on
    {%- endif %}

),

-- A month that is under way has no end yet.
feature_dates as (

    select
        months.month_started_on,
        months.month_ended_on as feature_on,
        as_of.as_of_on as known_as_of_on

    from months
    cross join as_of
    cross join last_date
    where
        months.is_complete
        and months.month_ended_on
        >= {{ dbt.dateadd('month', -(var('feature_history_months') | int), 'as_of.as_of_on') | trim }}
        and months.month_ended_on > last_date.feature_on

),

final as (

    select
        customer_months.customer_id,
        feature_dates.feature_on,
        feature_dates.known_as_of_on

    from feature_dates
    inner join customer_months
        on feature_dates.month_started_on = customer_months.month_started_on

)

select * from final
