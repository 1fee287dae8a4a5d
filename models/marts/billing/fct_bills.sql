-- Joined by customer, read by month.
{{ config(dist='customer_id', sort='billed_on') }}

with

bills as (

    select * from {{ ref('int_bills__deduplicated') }}

),

balances as (

    select * from {{ ref('int_bills__with_balance') }}

),

bill_items as (

    select * from {{ ref('int_bill_items__summed_to_bills') }}

),

final as (

    select
        bills.bill_no,
        bills.customer_id,

        -- when
        bills.billed_on,
        bills.period_started_on,
        bills.period_ended_on,
        bills.due_on,

        -- what was charged
        bills.due_amount,
        bills.tax_amount,
        bills.currency,
        coalesce(bill_items.item_count, 0) as item_count,
        {{ as_amount('coalesce(bill_items.recurring_amount, 0)') }} as recurring_amount,
        {{ as_amount('coalesce(bill_items.usage_amount, 0)') }} as usage_amount,
        {{ as_amount('coalesce(bill_items.one_off_amount, 0)') }} as one_off_amount,
        {{ as_amount('coalesce(bill_items.discount_amount, 0)') }} as discount_amount,

        -- what was paid
        balances.payment_count,
        balances.paid_amount,
        balances.balance_amount,
        balances.last_paid_on,
        balances.is_settled,
        balances.is_settled_late,
        balances.is_overdue,

        -- how it was sent
        bills.bill_state,
        bills.ebill_channel

    from bills
    inner join balances
        on bills.bill_no = balances.bill_no
    left join bill_items
        on bills.bill_no = bill_items.bill_no

)

select * from final
