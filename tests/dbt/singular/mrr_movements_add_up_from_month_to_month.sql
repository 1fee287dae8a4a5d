-- A bridge that does not add up is the first thing that finance finds: what a month opens with, and its five kinds of
-- movement, come to what it closes with, and the next month opens with that.
with

months as (

    select * from {{ ref('mrr_by_month') }}

),

followed as (

    select
        month_started_on,
        opening_amount,
        closing_amount,
        closing_customer_count,
        opening_amount
        + new_amount
        + reactivation_amount
        + expansion_amount
        + contraction_amount
        + churn_amount as bridged_amount,
        opening_customer_count + gained_customer_count - churned_customer_count as bridged_customer_count,
        lag(closing_amount) over (order by month_started_on) as previous_closing_amount

    from months

)

select *
from followed
where
    bridged_amount <> closing_amount
    or bridged_customer_count <> closing_customer_count
    or opening_amount <> coalesce(previous_closing_amount, 0)
