with

active_products as (

    select * from {{ ref('int_products__active_with_offering') }}

),

-- two subscriptions of the same kind are named once; their number is in another model
names as (

    select distinct
        customer_id,
        product_name

    from active_products
    where product_name is not null

),

final as (

    select
        customer_id,
        {{ dbt.listagg('product_name', "', '", 'order by product_name') | trim }} as active_product_names

    from names
    group by customer_id

)

select * from final
