-- A table although one mart is nearly the same: the day that all reports count from hangs on it, and it is the
-- only place that reads every call.
with

usage as (

    select * from {{ ref('int_usage__deduplicated') }}

),

products as (

    select * from {{ ref('int_products__latest_kept') }}

),

summed as (

    select
        cast(used_at as date) as used_on,
        product_id,
        usage_type,
        is_roaming,
        count(*) as usage_count,
        cast(coalesce(sum(duration_seconds), 0) as bigint) as duration_seconds,
        cast(coalesce(sum(data_bytes), 0) as bigint) as data_bytes,
        cast(coalesce(sum(message_count), 0) as bigint) as message_count,
        -- what is not rated yet costs nothing yet
        {{ as_amount('coalesce(sum(rated_amount), 0)') }} as rated_amount

    from usage
    group by
        cast(used_at as date),
        product_id,
        usage_type,
        is_roaming

),

final as (

    select
        summed.used_on,
        summed.product_id,
        summed.usage_type,
        summed.is_roaming,
        products.customer_id,
        summed.usage_count,
        summed.duration_seconds,
        summed.data_bytes,
        summed.message_count,
        summed.rated_amount

    from summed
    -- left: usage of a product that is not in the inventory is money without a customer, not no money
    left join products
        on summed.product_id = products.product_id

)

select * from final
