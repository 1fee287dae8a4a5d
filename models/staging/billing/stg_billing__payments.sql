with

payments as (

    select * from {{ source('billing', 'payments') }}

),

final as (

    select
        payment_id,
        bill_no,
        customer_id,
        payment_date as paid_on,
        amount as paid_amount,
        method as payment_method,

        -- where the row comes from
        _source_uri,
        _source_row,
        _dlt_load_id

    from payments

)

select * from final
