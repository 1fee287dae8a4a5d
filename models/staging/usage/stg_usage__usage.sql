with

usage as (

    select * from {{ source('usage', 'usage') }}

),

final as (

    select
        usage_id,
        product_id,
        msisdn,
        usage_type,
        status as usage_status,
        {{ to_utc_timestamp('usage_date') }} as used_at,

        -- how much; which of these is filled depends on the type
        duration_seconds,
        data_bytes,
        message_count,
        rated_amount,

        -- where
        is_roaming,
        visited_country as visited_country_code,

        -- where the row comes from
        _source_uri,
        _source_row,
        _dlt_load_id

    from usage

)

select * from final
