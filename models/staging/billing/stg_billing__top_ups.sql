with

top_ups as (

    select * from {{ source('billing', 'top_ups') }}

),

final as (

    select
        top_up_id,
        customer_id,
        product_id,
        channel,
        voucher,
        amount as top_up_amount,
        {{ to_utc_timestamp('top_up_date') }} as topped_up_at,

        -- where the row comes from
        _source_uri,
        _source_row,
        _dlt_load_id

    from top_ups

)

select * from final
