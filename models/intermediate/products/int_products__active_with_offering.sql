with

products as (

    select * from {{ ref('int_products__latest_kept') }}

),

product_offerings as (

    select * from {{ ref('int_product_offerings__latest_kept') }}

),

final as (

    select
        products.product_id,
        products.customer_id,
        products.product_offering_id,
        products.product_name,
        product_offerings.offering_category,
        products.msisdn,
        products.recurring_price_amount,
        products.currency,
        products.started_at

    from products
    -- left: a product whose offering has not landed is still the customer's product
    left join product_offerings
        on products.product_offering_id = product_offerings.product_offering_id
    where products.product_status = 'active'

)

select * from final
