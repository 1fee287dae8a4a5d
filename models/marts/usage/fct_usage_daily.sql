-- Read by time above all, and the largest table there is: sorted by day, so that a month reads a month. A table, though
-- a view would spare a copy: on Postgres a view falls with the inventory when that alone is built anew.
{{ config(dist='customer_id', sort='used_on') }}

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
