with

bills as (

    select * from {{ ref('int_bills__with_balance') }}

),

payments as (

    select * from {{ ref('int_payments__deduplicated') }}

),

billed as (

    select
        customer_id,
        count(*) as bill_count,
        {{ as_amount('sum(due_amount)') }} as billed_amount,
        {{ as_amount('sum(case when is_overdue then balance_amount else 0 end)') }} as overdue_amount

    from bills
    group by customer_id

),

-- Straight from the payments, not through the bills: a payment may come before its bill (a late file) or for
-- a bill that was rejected, and the customer has paid it all the same.
paid as (

    select
        customer_id,
        {{ as_amount('sum(paid_amount)') }} as paid_amount

    from payments
    group by customer_id

),

either as (

    select customer_id from billed
    union all
    select customer_id from paid

),

customers as (

    select distinct customer_id from either

),

final as (

    select
        customers.customer_id,
        coalesce(billed.bill_count, 0) as bill_count,
        {{ as_amount('coalesce(billed.billed_amount, 0)') }} as billed_amount,
        {{ as_amount('coalesce(paid.paid_amount, 0)') }} as paid_amount,
        {{ as_amount('coalesce(billed.billed_amount, 0) - coalesce(paid.paid_amount, 0)') }} as balance_amount,
        {{ as_amount('coalesce(billed.overdue_amount, 0)') }} as overdue_amount

    from customers
    left join billed
        on customers.customer_id = billed.customer_id
    left join paid
        on customers.customer_id = paid.customer_id

)

select * from final
