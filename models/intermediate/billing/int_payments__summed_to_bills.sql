with

payments as (

    select * from {{ ref('int_payments__deduplicated') }}

),

final as (

    select
        bill_no,
        count(*) as payment_count,
        {{ as_amount('sum(paid_amount)') }} as paid_amount,
        max(paid_on) as last_paid_on

    from payments
    group by bill_no

)

select * from final
