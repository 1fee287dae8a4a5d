-- The published file has 7,043 customers, of whom 1,869 have left; eleven have a blank in place of total charges.
-- A row lost in landing, or a blank taken for a zero, shows here first.
with

totals as (

    select
        sum(customer_count) as customer_count,
        sum(churned_customer_count) as churned_customer_count,
        sum(unbilled_customer_count) as unbilled_customer_count

    from {{ ref('churn_by_contract_and_tenure') }}

)

select *
from totals
where
    customer_count <> 7043
    or churned_customer_count <> 1869
    or unbilled_customer_count <> 11
