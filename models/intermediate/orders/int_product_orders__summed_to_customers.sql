with

product_orders as (

    select * from {{ ref('int_product_orders__latest_kept') }}

),

final as (

    select
        customer_id,
        count(*) as order_count,
        sum(case when order_state in ('acknowledged', 'inProgress') then 1 else 0 end) as open_order_count,
        max(ordered_at) as last_ordered_at

    from product_orders
    -- a guest's order is nobody's until somebody is found for it
    where customer_id is not null
    group by customer_id

)

select * from final
