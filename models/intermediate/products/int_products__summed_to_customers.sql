with

active_products as (

    select * from {{ ref('int_products__active_with_offering') }}

),

final as (

    select
        customer_id,
        count(*) as active_product_count,
        -- a product without a price of its own (inside a bundle) adds nothing
        {{ as_amount('coalesce(sum(recurring_price_amount), 0)') }} as recurring_amount,
        min(started_at) as first_started_at

    from active_products
    group by customer_id

)

select * from final
