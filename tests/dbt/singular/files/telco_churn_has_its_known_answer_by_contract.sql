-- Counted from the published file by hand, outside the warehouse.
with

known as (

    select
        'Month-to-month' as contract_type,
        1655 as churned_customer_count,
        3875 as customer_count
    union all
    select
        'One year' as contract_type,
        166 as churned_customer_count,
        1473 as customer_count
    union all
    select
        'Two year' as contract_type,
        48 as churned_customer_count,
        1695 as customer_count

),

modelled as (

    select
        contract_type,
        sum(churned_customer_count) as churned_customer_count,
        sum(customer_count) as customer_count

    from {{ ref('churn_by_contract_and_tenure') }}
    group by contract_type

)

select
    known.contract_type as known_contract_type,
    modelled.contract_type,
    modelled.churned_customer_count,
    modelled.customer_count

from known
full outer join modelled
    on known.contract_type = modelled.contract_type
where
    known.contract_type is null
    or modelled.contract_type is null
    or known.churned_customer_count <> modelled.churned_customer_count
    or known.customer_count <> modelled.customer_count
