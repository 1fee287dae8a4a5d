-- A point-in-time join counts on one version for each moment: a gap loses facts, an overlap doubles them.
with

periods as (

    select
        customer_id,
        valid_from_at,
        valid_to_at,
        lead(valid_from_at) over (
            partition by customer_id
            order by valid_from_at
        ) as next_valid_from_at

    from {{ ref('dim_customers_history') }}

)

select
    customer_id,
    valid_from_at,
    valid_to_at,
    next_valid_from_at

from periods
where
    valid_to_at <= valid_from_at
    or coalesce(valid_to_at <> next_valid_from_at, valid_to_at is not null or next_valid_from_at is not null)
