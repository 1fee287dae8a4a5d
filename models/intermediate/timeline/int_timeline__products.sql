with

products as (

    select * from {{ ref('int_products__latest_kept') }}
    -- what was cancelled or waits for its start has not happened
    where {{ has_come_into_service('product_status') }}

),

product_orders as (

    select * from {{ ref('int_product_orders__latest_kept') }}

),

started as (

    select
        customer_id,
        started_at as happened_at,
        'product_started' as entry_type,
        product_id as entity_id,
        'started ' || coalesce(product_name, product_id) as entry_text,
        recurring_price_amount as entry_amount

    from products

),

ended as (

    select
        customer_id,
        terminated_at as happened_at,
        'product_ended' as entry_type,
        product_id as entity_id,
        'ended ' || coalesce(product_name, product_id) as entry_text,
        recurring_price_amount as entry_amount

    from products
    where terminated_at is not null

),

ordered as (

    select
        customer_id,
        ordered_at as happened_at,
        'ordered' as entry_type,
        product_order_id as entity_id,
        'ordered by ' || channel || ', ' || order_state as entry_text,
        cast(null as numeric(18, 4)) as entry_amount

    from product_orders
    where customer_id is not null

),

final as (

    select * from started
    union all
    select * from ended
    union all
    select * from ordered

)

select * from final
