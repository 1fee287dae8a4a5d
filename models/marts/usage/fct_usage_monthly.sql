{{ config(dist='customer_id', sort='month_started_on') }}

with

usage_days as (

    select * from {{ ref('int_usage__days_attributed') }}

),

-- Usage of a product that the inventory does not have is nobody's, and stays in fct_usage_daily.
months as (

    select
        usage_days.*,
        cast(date_trunc('month', used_on) as date) as month_started_on

    from usage_days
    where customer_id is not null

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

    from months
    group by
        customer_id,
        month_started_on,
        usage_type,
        is_roaming

)

select * from final
