with

bills as (

    select * from {{ source('billing', 'bills') }}

),

final as (

    select
        bill_no,
        customer_id,
        customer_name,

        -- dates
        bill_date as billed_on,
        period_start as period_started_on,
        period_end as period_ended_on,
        payment_due_date as due_on,

        -- amounts
        amount_due as due_amount,
        tax_amount,
        currency,

        -- how it was sent
        state as bill_state,
        ebill_channel,

        -- where the row comes from
        _source_uri,
        _source_row,
        _dlt_load_id

    from bills

)

select * from final
