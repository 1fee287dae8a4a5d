with

products as (

    select * from {{ ref('int_products__latest_kept') }}

),

as_of as (

    select * from {{ ref('int_reporting__as_of') }}

),

digits as (

    {% for digit in range(10) %}
    select {{ digit }} as digit
    {{ "union all" if not loop.last }}
    {% endfor %}

),

-- 0 to 999: eighty years of months
numbers as (

    select hundreds.digit * 100 + tens.digit * 10 + ones.digit as month_number
    from digits as hundreds
    cross join digits as tens
    cross join digits as ones

),

first_month as (

    select cast(date_trunc('month', min(started_at)) as date) as month_started_on
    from products

),

months as (

    select
        cast(
            {{ dbt.dateadd('month', 'numbers.month_number', 'first_month.month_started_on') }} as date
        ) as month_started_on

    from first_month
    cross join numbers

),

bounded as (

    select
        months.month_started_on,
        cast({{ dbt.dateadd('month', 1, 'months.month_started_on') }} as date) as next_month_started_on,
        as_of.as_of_on

    from months
    inner join as_of
        on months.month_started_on <= as_of.as_of_on

),

final as (

    select
        month_started_on,
        next_month_started_on,

        -- The month that is under way ends, for now, with the reporting day.
        case
            when next_month_started_on > as_of_on then as_of_on
            else {{ days_before('next_month_started_on', 1) }}
        end as month_ended_on,
        {{ days_before('next_month_started_on', 1) }} <= as_of_on as is_complete

    from bounded

)

select * from final
