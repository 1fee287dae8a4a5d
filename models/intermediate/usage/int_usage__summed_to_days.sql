-- The only place that reads every record, and it reads those of touched days: docs/usage.md says why that is enough.
-- Sorted by day, so that a month reads a month.
{{ config(
    materialized='incremental',
    incremental_strategy='rebuild_days',
    dist='product_id',
    sort='used_on',
    indexes=postgres_indexes(['used_on', 'product_id', 'usage_type', 'is_roaming'], [['_load_number']]),
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

-- chooses nothing, but lets the engine pass over what is older
span_of_touched_days as (

    select
        cast(min(used_on) as timestamp) as first_used_at,
        {{ dbt.dateadd('day', 1, 'max(used_on)') | trim }} as end_at

    from touched_days

),

-- days on which a record has a version, and another version on another day
moved_days as (

    select distinct days_touched.used_on
    from {{ days_touched }} as days_touched
    inner join touched_days
        on days_touched.used_on = touched_days.used_on
    where days_touched.has_moved_records

),

moved_records as (

    select distinct records.usage_id
    from {{ ref('stg_usage__usage') }} as records
    inner join moved_days as moved
        on cast(records.used_at as date) = moved.used_on
    -- chooses nothing, but spares the engine from looking for none
    where (select count(*) from moved_days) > 0

),

{% endif -%}
-- each step reads the records by itself: what is named once and read twice, Postgres writes down in between
delivered as (

    select
        records.*,
        cast(records.used_at as date) as used_on,
        loads.load_number

    from {{ ref('stg_usage__usage') }} as records
    inner join loads
        on records._dlt_load_id = loads.load_id
    {% if is_incremental() -%}
    inner join touched_days
        on cast(records.used_at as date) = touched_days.used_on
    where
        records.used_at >= (select span_of_touched_days.first_used_at from span_of_touched_days)
        and records.used_at < (select span_of_touched_days.end_at from span_of_touched_days)
    union all
    select
        records.*,
        cast(records.used_at as date) as used_on,
        loads.load_number

    from {{ ref('stg_usage__usage') }} as records
    inner join loads
        on records._dlt_load_id = loads.load_id
    inner join moved_records
        on records.usage_id = moved_records.usage_id
    left join touched_days
        on cast(records.used_at as date) = touched_days.used_on
    where
        touched_days.used_on is null
        and (select count(*) from moved_days) > 0
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
