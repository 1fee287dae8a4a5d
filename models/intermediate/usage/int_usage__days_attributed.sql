-- A view: whose a product is may change, and all its days follow, without being written again.
{{ config(materialized='view', bind=false) }}

with

-- Of a day and product there may be nothing but rows that other versions have replaced.
usage_days as (

    select * from {{ ref('int_usage__summed_to_days') }}
    where usage_count > 0

),

products as (

    select * from {{ ref('int_products__latest_kept') }}

),

final as (

    select
        usage_days.used_on,
        usage_days.product_id,
        usage_days.usage_type,
        usage_days.is_roaming,
        products.customer_id,
        usage_days.usage_count,
        usage_days.duration_seconds,
        usage_days.data_bytes,
        usage_days.message_count,
        usage_days.rated_amount

    from usage_days
    -- left: usage of a product that is not in the inventory is money without a customer, not no money
    left join products
        on usage_days.product_id = products.product_id

)

select * from final
