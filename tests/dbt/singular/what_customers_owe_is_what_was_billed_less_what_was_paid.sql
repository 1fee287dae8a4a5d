-- The balance of each customer is put together from two sides that may each be missing; over all customers it
-- must come to the plain difference of the two totals.
with

billed as (

    select coalesce(sum(due_amount), 0) as billed_amount
    from {{ ref('int_bills__deduplicated') }}

),

paid as (

    select coalesce(sum(paid_amount), 0) as paid_amount
    from {{ ref('int_payments__deduplicated') }}

),

owed as (

    select coalesce(sum(balance_amount), 0) as balance_amount
    from {{ ref('int_bills__summed_to_customers') }}

)

select
    billed.billed_amount,
    paid.paid_amount,
    owed.balance_amount

from billed
cross join paid
cross join owed
where owed.balance_amount <> billed.billed_amount - paid.paid_amount
