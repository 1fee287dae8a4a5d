-- The only place that reads every record, and it reads those of touched days: docs/usage.md says why that is enough.
-- Sorted by day, so that a month reads a month.
{{ config(
    materialized='incremental',
    incremental_strategy='rebuild_days',
    dist='product_id',
    sort='used_on',
    indexes=postgres_indexes(['used_on', 'product_id', 'usage_type', 'is_roaming']),
) }}

{%- set days_touched = ref('int_usage__days_touched') -%}

with

loads as (

    select * from {{ ref('int_usage__loads_numbered') }}

),

{% if is_incremental() -%}
touched_days as (

    {{ touched_days() }}

),

-- reads the records by itself: what is named once and read twice, Postgres writes down in between
touched_records as (

    select distinct records.usage_id
    from {{ ref('stg_usage__usage') }} as records
    inner join touched_days
        on cast(records.used_at as date) = touched_days.used_on

),

{% endif -%}
delivered as (

    select
        records.*,
        cast(records.used_at as date) as used_on,
        loads.load_number

    from {{ ref('stg_usage__usage') }} as records
    inner join loads
        on records._dlt_load_id = loads.load_id
    {% if is_incremental() -%}
    inner join touched_records
        on records.usage_id = touched_records.usage_id
    {%- endif %}

),

-- The rating system repeats records: one row per record, the last landed. A rated one stays rated, though it may
-- have landed before the archive in which the record was first received.
ranked as (

    select
        *,
        row_number() over (
            partition by usage_id
            order by
                case when usage_status = 'rated' then 0 else 1 end asc,
                _dlt_load_id desc,
                _source_uri desc,
                _source_row desc
        ) as version_rank

    from delivered

),

versions as (

    select ranked.*
    from ranked
    {% if is_incremental() -%}
    inner join touched_days
        on ranked.used_on = touched_days.used_on
    {%- endif %}

),

-- Rows that another version has replaced are counted where they are, and nowhere else: with them, the days have as many
-- rows as have landed. A day and product may have no others.
final as (

    select
        used_on,
        product_id,
        usage_type,
        is_roaming,
        sum(case when version_rank = 1 then 1 else 0 end) as usage_count,
        cast(coalesce(sum(case when version_rank = 1 then duration_seconds end), 0) as bigint) as duration_seconds,
        cast(coalesce(sum(case when version_rank = 1 then data_bytes end), 0) as bigint) as data_bytes,
        cast(coalesce(sum(case when version_rank = 1 then message_count end), 0) as bigint) as message_count,
        -- what is not rated yet costs nothing yet
        {{ as_amount('coalesce(sum(case when version_rank = 1 then rated_amount end), 0)') }} as rated_amount,
        count(*) as version_count,
        max(load_number) as _load_number

    from versions
    group by
        used_on,
        product_id,
        usage_type,
        is_roaming

)

select * from final
