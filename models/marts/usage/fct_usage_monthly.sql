{{ config(dist='customer_id', sort='month_started_on') }}

with

usage_months as (

    select * from {{ ref('int_usage__summed_to_months') }}

),

products as (

    select * from {{ ref('int_products__latest_kept') }}

),

-- Usage of a product that the inventory does not have is nobody's, and stays in fct_usage_daily.
attributed as (

    select
        usage_months.*,
        products.customer_id

    from usage_months
    inner join products
        on usage_months.product_id = products.product_id

),

final as (

    select
        customer_id,
        month_started_on,
        usage_type,
        is_roaming,
        cast(sum(usage_count) as bigint) as usage_count,
        cast(sum(duration_seconds) as bigint) as duration_seconds,
        cast(sum(data_bytes) as bigint) as data_bytes,
        cast(sum(message_count) as bigint) as message_count,
        {{ as_amount('sum(rated_amount)') }} as rated_amount

    from attributed
    group by
        customer_id,
        month_started_on,
        usage_type,
        is_roaming

)

select * from final
