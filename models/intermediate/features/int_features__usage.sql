-- What the customer used in the thirty days that end with the feature date, and in the thirty before.
{{ config(indexes=postgres_indexes(['customer_id', 'feature_on'])) }}

with

population as (

    {{ new_feature_rows() }}

),

usage_days as (

    select * from {{ ref('int_usage__days_attributed') }}

),

first_day as (

    select {{ days_before('min(feature_on)', 59) }} as used_on
    from population

),

-- A day is one row before it is joined to the dates in whose windows it lies; and when there is no new date, no day.
days as (

    select
        usage_days.customer_id,
        usage_days.used_on,
        cast(sum(usage_days.duration_seconds) as bigint) as duration_seconds,
        cast(sum(usage_days.data_bytes) as bigint) as data_bytes,
        cast(sum(usage_days.message_count) as bigint) as message_count,
        {{ as_amount('sum(usage_days.rated_amount)') }} as rated_amount

    from usage_days
    inner join first_day
        on usage_days.used_on >= first_day.used_on
    group by
        usage_days.customer_id,
        usage_days.used_on

),

in_window as (

    select
        population.customer_id,
        population.feature_on,
        days.used_on >= {{ days_before('population.feature_on', 29) }} as is_recent,
        days.duration_seconds,
        days.data_bytes,
        days.message_count,
        days.rated_amount

    from population
    inner join days
        on
            population.customer_id = days.customer_id
            and population.feature_on >= days.used_on
            and days.used_on >= {{ days_before('population.feature_on', 59) }}

),

summed as (

    select
        customer_id,
        feature_on,
        sum(case when is_recent then 1 else 0 end) as active_day_count,
        sum(case when is_recent then duration_seconds else 0 end) as voice_seconds,
        sum(case when is_recent then data_bytes else 0 end) as data_bytes,
        sum(case when is_recent then message_count else 0 end) as message_count,
        sum(case when is_recent then rated_amount else 0 end) as rated_amount,
        sum(case when is_recent then 0 else duration_seconds end) as previous_voice_seconds,
        sum(case when is_recent then 0 else data_bytes end) as previous_data_bytes

    from in_window
    group by
        customer_id,
        feature_on

),

final as (

    select
        population.customer_id,
        population.feature_on,
        coalesce(summed.active_day_count, 0) as last_30_days_active_day_count,
        cast(coalesce(summed.voice_seconds, 0) as bigint) as last_30_days_voice_seconds,
        cast(coalesce(summed.data_bytes, 0) as bigint) as last_30_days_data_bytes,
        cast(coalesce(summed.message_count, 0) as bigint) as last_30_days_message_count,
        {{ as_amount('coalesce(summed.rated_amount, 0)') }} as last_30_days_rated_amount,
        cast(coalesce(summed.previous_voice_seconds, 0) as bigint) as previous_30_days_voice_seconds,
        cast(coalesce(summed.previous_data_bytes, 0) as bigint) as previous_30_days_data_bytes

    from population
    left join summed
        on
            population.customer_id = summed.customer_id
            and population.feature_on = summed.feature_on

)

select * from final
