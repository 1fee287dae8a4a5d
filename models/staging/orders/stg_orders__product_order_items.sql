with

product_order_items as (

    select * from {{ source('orders', 'product_order_items') }}

),

final as (

    select
        product_order_item_id,
        product_order_id,
        item_number,
        product_id,
        product_offering_id,
        action as item_action,

        -- how many, and the price of one, tax included
        quantity,
        recurring_price_amount,
        one_time_price_amount,
        currency,

        -- where the row comes from
        _source_uri,
        _source_row,
        _dlt_load_id

    from product_order_items

)

select * from final
