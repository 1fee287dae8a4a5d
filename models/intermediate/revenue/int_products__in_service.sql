with

products as (

    select * from {{ ref('int_products__latest_kept') }}

),

-- What was ordered and never came into service has no revenue. A suspended product has: its contract runs on, and
-- the inventory does not say since when it is suspended.
final as (

    select
        product_id,
        customer_id,
        product_offering_id,
        recurring_price_amount,
        cast(started_at as date) as service_started_on,
        -- the first day without it
        cast(terminated_at as date) as service_ended_on

    from products
    where
        {{ has_come_into_service('product_status') }}
        and recurring_price_amount > 0

)

select * from final
