-- Joined by customer, read by month.
{{ config(dist='customer_id', sort='paid_on') }}

with

payments as (

    select * from {{ ref('int_payments__deduplicated') }}

),

bills as (

    select * from {{ ref('int_bills__deduplicated') }}

),

final as (

    select
        payments.payment_id,
        payments.bill_no,
        payments.customer_id,
        payments.paid_on,
        payments.paid_amount,
        payments.payment_method,

        -- against the bill, when it has landed
        bills.due_on,
        {{ days_between('bills.due_on', 'payments.paid_on') }} as days_after_due,
        payments.paid_on > bills.due_on as is_late

    from payments
    left join bills
        on payments.bill_no = bills.bill_no

)

select * from final
