with

bills as (

    select * from {{ ref('int_bills__deduplicated') }}

),

payments as (

    select * from {{ ref('int_payments__summed_to_bills') }}

),

as_of as (

    select * from {{ ref('int_reporting__as_of') }}

),

balances as (

    select
        bills.bill_no,
        bills.customer_id,
        bills.billed_on,
        bills.due_on,
        bills.due_amount,
        coalesce(payments.payment_count, 0) as payment_count,
        {{ as_amount('coalesce(payments.paid_amount, 0)') }} as paid_amount,
        {{ as_amount('bills.due_amount - coalesce(payments.paid_amount, 0)') }} as balance_amount,
        payments.last_paid_on

    from bills
    left join payments
        on bills.bill_no = payments.bill_no

),

final as (

    select
        balances.bill_no,
        balances.customer_id,
        balances.billed_on,
        balances.due_on,
        balances.due_amount,
        balances.payment_count,
        balances.paid_amount,
        balances.balance_amount,
        balances.last_paid_on,

        -- paid too much is settled too
        balances.balance_amount <= 0 as is_settled,
        -- on the due day itself there is still time; no usage feed yet, no day to be late by
        coalesce(balances.balance_amount > 0 and balances.due_on < as_of.as_of_on, false) as is_overdue,
        -- settled, but by a payment after the due date
        coalesce(balances.balance_amount <= 0 and balances.last_paid_on > balances.due_on, false) as is_settled_late

    from balances
    cross join as_of

)

select * from final
