with

product_order_items as (

    select * from {{ ref('int_product_order_items__latest_kept') }}

),

final as (

    select
        product_order_id,
        count(*) as item_count,
        sum(case when item_action = 'add' then 1 else 0 end) as added_item_count,
        sum(case when item_action = 'delete' then 1 else 0 end) as deleted_item_count,

        -- What the order changes: what is added costs, what is deleted no longer does.
        {{ as_amount(
            "sum(case item_action when 'add' then 1 when 'delete' then -1 else 0 end"
            ~ " * quantity * coalesce(recurring_price_amount, 0))"
        ) }} as recurring_amount,
        {{ as_amount(
            "sum(case when item_action = 'add' then quantity * coalesce(one_time_price_amount, 0) else 0 end)"
        ) }} as one_time_amount

    from product_order_items
    group by product_order_id

)

select * from final
