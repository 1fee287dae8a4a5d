-- The published file has 830 lines that cost 3,395.28 in all, over five months.
with

totals as (

    select
        sum(line_count) as line_count,
        sum(cost_amount) as cost_amount,
        count(distinct billing_month) as month_count

    from {{ ref('phone_spend_by_month_and_item') }}

)

select *
from totals
where
    line_count <> 830
    or cost_amount <> 3395.28
    or month_count <> 5
