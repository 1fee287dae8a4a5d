with

payments as (

    select * from {{ ref('stg_billing__payments') }}

),

-- A payment that is counted twice is money that nobody paid: one row per payment, the last landed.
ranked as (

    select
        *,
        row_number() over (
            partition by payment_id
            order by
                _dlt_load_id desc,
                _source_uri desc,
                _source_row desc
        ) as version_rank

    from payments

),

final as (

    select
        payment_id,
        bill_no,
        customer_id,
        paid_on,
        paid_amount,
        payment_method

    from ranked
    where version_rank = 1

)

select * from final
