with

payments as (

    select * from {{ ref('fct_payments') }}

),

pseudonym_key as (

    select * from {{ source('privacy', 'pseudonym_keys') }}

),

final as (

    select
        {{ pseudonym_of('payments.payment_id') }} as payment_hash,
        {{ pseudonym_of('payments.bill_no') }} as bill_hash,
        {{ pseudonym_of('payments.customer_id') }} as customer_hash,
        payments.paid_on,
        payments.paid_amount,
        payments.payment_method,
        payments.due_on,
        payments.days_after_due,
        payments.is_late

    from payments
    cross join pseudonym_key

)

select * from final
