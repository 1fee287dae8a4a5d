-- Read by time above all, and the largest table there is: sorted by day, so that a month reads a month.
{{ config(dist='customer_id', sort='used_on') }}

with

usage_days as (

    select * from {{ ref('int_usage__summed_to_days') }}

),

final as (

    select
        used_on,
        product_id,
        usage_type,
        is_roaming,
        customer_id,
        usage_count,
        duration_seconds,
        data_bytes,
        message_count,
        rated_amount

    from usage_days

)

select * from final
