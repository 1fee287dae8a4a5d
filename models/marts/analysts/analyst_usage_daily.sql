with

usage as (

    select * from {{ ref('fct_usage_daily') }}

),

pseudonym_key as (

    select * from {{ source('privacy', 'pseudonym_keys') }}

),

final as (

    select
        usage.used_on,
        {{ pseudonym_of('usage.product_id') }} as product_hash,
        usage.usage_type,
        usage.is_roaming,
        {{ pseudonym_of('usage.customer_id') }} as customer_hash,
        usage.usage_count,
        usage.duration_seconds,
        usage.data_bytes,
        usage.message_count,
        usage.rated_amount

    from usage
    cross join pseudonym_key

)

select * from final
