with

product_orders as (

    select * from {{ ref('fct_product_orders') }}

),

pseudonym_key as (

    select * from {{ source('privacy', 'pseudonym_keys') }}

),

final as (

    select
        {{ pseudonym_of('product_orders.product_order_id') }} as product_order_hash,
        {{ pseudonym_of('product_orders.customer_id') }} as customer_hash,
        product_orders.is_guest,
        product_orders.channel,
        product_orders.order_state,
        product_orders.ordered_at,
        product_orders.completed_at,
        product_orders.completion_seconds,
        product_orders.item_count,
        product_orders.added_item_count,
        product_orders.deleted_item_count,
        product_orders.recurring_amount,
        product_orders.one_time_amount

    from product_orders
    cross join pseudonym_key

)

select * from final
