-- Kept through a full refresh: of which days an archive was that has been replaced since, nothing else knows.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    full_refresh=false,
    sort='_load_number',
    indexes=postgres_indexes(['_load_number', 'delivery_uri', 'used_on'], [['delivery_uri']]),
) }}

-- Each step reads the records by itself: what is named once and read twice, Postgres writes down in between.
with

deliveries as (

    select * from {{ ref('stg_usage__deliveries') }}
    where resource_name = 'usage'

),

new_loads as (

    {{ new_loads(ref('int_usage__loads_numbered')) }}

),

-- chooses nothing, but lets the engine pass over what is older
span_of_new_loads as (

    select
        min(load_id) as first_load_id,
        max(load_id) as last_load_id,
        max(load_number) as last_load_number

    from new_loads

),

-- rows that have come; the fragment of an address names the file within the archive
brought as (

    select distinct
        new_loads.load_number as _load_number,
        split_part(records._source_uri, '#', 1) as delivery_uri,
        cast(records.used_at as date) as used_on

    from {{ ref('stg_usage__usage') }} as records
    inner join new_loads
        on records._dlt_load_id = new_loads.load_id
    where
        records._dlt_load_id >= (select span_of_new_loads.first_load_id from span_of_new_loads)
        and records._dlt_load_id <= (select span_of_new_loads.last_load_id from span_of_new_loads)

),

-- what is known of earlier deliveries; nothing, when it is built for the first time
known as (

    {% if is_incremental() -%}
    select distinct
        delivery_uri,
        used_on

    from {{ this }}
    {%- else -%}
    select
        delivery_uri,
        used_on

    from brought
    where false
    {%- endif %}

),

-- rows that have gone: an archive that is sent again takes the place of its earlier version, however few rows it has
taken as (

    select
        new_loads.load_number as _load_number,
        known.delivery_uri,
        known.used_on

    from deliveries
    inner join new_loads
        on deliveries._dlt_load_id = new_loads.load_id
    inner join known
        on deliveries.delivery_uri = known.delivery_uri

),

-- Versions of one record hardly ever lie on different days. Where they do, each archive that has one touches the days
-- of all: whichever of them comes or goes, another may be the one that counts.
moved_records as (

    select usage_id
    from {{ ref('stg_usage__usage') }}
    {% if is_incremental() -%}
    where
        usage_id in (
            select records.usage_id
            from {{ ref('stg_usage__usage') }} as records
            inner join new_loads
                on records._dlt_load_id = new_loads.load_id
            where
                records._dlt_load_id >= (select span_of_new_loads.first_load_id from span_of_new_loads)
                and records._dlt_load_id <= (select span_of_new_loads.last_load_id from span_of_new_loads)
        )
    {% endif -%}
    group by usage_id
    having min(cast(used_at as date)) < max(cast(used_at as date))

),

moved_versions as (

    select
        records.usage_id,
        split_part(records._source_uri, '#', 1) as delivery_uri,
        cast(records.used_at as date) as used_on

    from {{ ref('stg_usage__usage') }} as records
    inner join moved_records as moved
        on records.usage_id = moved.usage_id
    -- chooses nothing, but spares the engine from looking for none
    where (select count(*) from moved_records) > 0

),

spread as (

    select
        span_of_new_loads.last_load_number as _load_number,
        places.delivery_uri,
        days.used_on

    from moved_versions as places
    inner join moved_versions as days
        on places.usage_id = days.usage_id
    cross join span_of_new_loads

),

touched as (

    select
        _load_number,
        delivery_uri,
        used_on,
        0 as is_moved

    from brought
    union all
    select
        _load_number,
        delivery_uri,
        used_on,
        0 as is_moved

    from taken
    union all
    select
        _load_number,
        delivery_uri,
        used_on,
        1 as is_moved

    from spread

),

final as (

    select
        _load_number,
        delivery_uri,
        used_on,
        max(is_moved) = 1 as has_moved_records

    from touched
    group by
        _load_number,
        delivery_uri,
        used_on

)

select * from final
