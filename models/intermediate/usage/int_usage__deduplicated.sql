-- A view: its one reader adds it up by day at once, and a second copy of every call is not worth its disk.
{{ config(materialized='view') }}

with

usage as (

    select * from {{ ref('stg_usage__usage') }}

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

    from usage

),

final as (

    select
        usage_id,
        product_id,
        msisdn,
        usage_type,
        usage_status,
        used_at,
        duration_seconds,
        data_bytes,
        message_count,
        rated_amount,
        is_roaming,
        visited_country_code

    from ranked
    where version_rank = 1

)

select * from final
