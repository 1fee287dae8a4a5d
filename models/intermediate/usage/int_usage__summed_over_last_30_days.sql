with

usage_days as (

    select * from {{ ref('int_usage__days_attributed') }}

),

as_of as (

    select * from {{ ref('int_reporting__as_of') }}

),

in_window as (

    select usage_days.*
    from usage_days
    inner join as_of
        on usage_days.used_on between as_of.last_30_days_started_on and as_of.as_of_on
    where usage_days.customer_id is not null

),

final as (

    select
        customer_id,
        cast(sum(duration_seconds) as bigint) as duration_seconds,
        cast(sum(data_bytes) as bigint) as data_bytes,
        cast(sum(message_count) as bigint) as message_count,
        {{ as_amount('sum(rated_amount)') }} as rated_amount

    from in_window
    group by customer_id

)

select * from final
