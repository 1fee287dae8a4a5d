-- Of products, not of customers: whose a product is may change, and all its months follow (fct_usage_monthly).
{{ config(
    materialized='incremental',
    incremental_strategy='rebuild_months',
    dist='product_id',
    sort='month_started_on',
    indexes=postgres_indexes(['month_started_on', 'product_id', 'usage_type', 'is_roaming'], [['_load_number']]),
) }}

-- depends_on: {{ ref('int_usage__days_touched') }}

with

usage_days as (

    select * from {{ ref('int_usage__summed_to_days') }}
    where usage_count > 0

),

{% if is_incremental() -%}
touched_months as (

    {{ touched_months() }}

),

-- chooses nothing, but lets the engine pass over what is older
span_of_touched_months as (

    select
        min(month_started_on) as first_day,
        {{ dbt.dateadd('month', 1, 'max(month_started_on)') | trim }} as end_day

    from touched_months

),

{% endif -%}
days as (

    select
        usage_days.*,
        -- Postgres would take a date for a time with a zone, and look it up for every row
        cast(date_trunc('month', cast(used_on as timestamp)) as date) as month_started_on

    from usage_days
    {% if is_incremental() -%}
    where
        used_on >= (select span_of_touched_months.first_day from span_of_touched_months)
        and used_on < (select span_of_touched_months.end_day from span_of_touched_months)
    {%- endif %}

),

final as (

    select
        days.month_started_on,
        days.product_id,
        days.usage_type,
        days.is_roaming,
        cast(sum(days.usage_count) as bigint) as usage_count,
        cast(sum(days.duration_seconds) as bigint) as duration_seconds,
        cast(sum(days.data_bytes) as bigint) as data_bytes,
        cast(sum(days.message_count) as bigint) as message_count,
        {{ as_amount('sum(days.rated_amount)') }} as rated_amount,
        max(days._load_number) as _load_number

    from days
    {% if is_incremental() -%}
    inner join touched_months
        on days.month_started_on = touched_months.month_started_on
    {% endif -%}
    group by
        days.month_started_on,
        days.product_id,
        days.usage_type,
        days.is_roaming

)

select * from final
