-- Read by day; a guest has no customer to be distributed by.
{{ config(dist='product_order_id', sort='ordered_at') }}

with

product_orders as (

    select * from {{ ref('int_product_orders__latest_kept') }}

),

items as (

    select * from {{ ref('int_product_order_items__summed_to_orders') }}

),

final as (

    select
        product_orders.product_order_id,
        product_orders.customer_id,
        product_orders.customer_id is null as is_guest,
        product_orders.channel,
        product_orders.order_state,
        product_orders.external_id as web_order_id,

        -- when
        product_orders.ordered_at,
        product_orders.completed_at,
        {{ seconds_between('product_orders.ordered_at', 'product_orders.completed_at') }} as completion_seconds,

        -- what
        coalesce(items.item_count, 0) as item_count,
        coalesce(items.added_item_count, 0) as added_item_count,
        coalesce(items.deleted_item_count, 0) as deleted_item_count,
        {{ as_amount('coalesce(items.recurring_amount, 0)') }} as recurring_amount,
        {{ as_amount('coalesce(items.one_time_amount, 0)') }} as one_time_amount

    from product_orders
    left join items
        on product_orders.product_order_id = items.product_order_id

)

select * from final
