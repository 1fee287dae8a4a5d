with

bills as (

    select * from {{ ref('fct_bills') }}

),

pseudonym_key as (

    select * from {{ source('privacy', 'pseudonym_keys') }}

),

final as (

    select
        {{ pseudonym_of('bills.bill_no') }} as bill_hash,
        {{ pseudonym_of('bills.customer_id') }} as customer_hash,
        bills.billed_on,
        bills.period_started_on,
        bills.period_ended_on,
        bills.due_on,
        bills.due_amount,
        bills.tax_amount,
        bills.currency,
        bills.item_count,
        bills.recurring_amount,
        bills.usage_amount,
        bills.one_off_amount,
        bills.discount_amount,
        bills.payment_count,
        bills.paid_amount,
        bills.balance_amount,
        bills.last_paid_on,
        bills.is_settled,
        bills.is_settled_late,
        bills.is_overdue,
        bills.bill_state,
        bills.ebill_channel

    from bills
    cross join pseudonym_key

)

select * from final
