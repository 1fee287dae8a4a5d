-- A view of the largest table there is, which is sorted by day: a second copy would be written with every build.
{{ config(materialized='view', bind=false) }}

with

usage_days as (

    select * from {{ ref('int_usage__days_attributed') }}

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
