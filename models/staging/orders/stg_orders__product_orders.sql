with

product_orders as (

    select * from {{ source('orders', 'product_orders') }}

),

final as (

    select
        product_order_id,
        customer_id,

        -- a guest's, in place of a customer
        email_address,
        phone_number,

        -- the order
        channel,
        state as order_state,
        external_id,

        -- times
        {{ to_utc_timestamp('order_date') }} as ordered_at,
        {{ to_utc_timestamp('completion_date') }} as completed_at,
        {{ to_utc_timestamp('last_update') }} as last_updated_at,

        -- where the row comes from
        _source_uri,
        _source_row,
        _dlt_load_id

    from product_orders

)

select * from final
