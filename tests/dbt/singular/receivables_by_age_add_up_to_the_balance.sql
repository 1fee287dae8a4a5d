-- A bill that falls between two buckets, or into two, would make finance and care quote different debts.
with

ageing as (

    select * from {{ ref('fct_receivables_ageing') }}

),

summed as (

    select
        customer_id,
        balance_amount,
        not_due_amount
        + overdue_1_30_amount
        + overdue_31_60_amount
        + overdue_61_90_amount
        + overdue_over_90_amount
        + overpaid_amount
        + unallocated_amount as aged_amount

    from ageing

)

select
    customer_id,
    balance_amount,
    aged_amount

from summed
where aged_amount <> balance_amount
