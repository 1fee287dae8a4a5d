with

consents as (

    select * from {{ source('crm', 'consents') }}

),

final as (

    select
        consent_id,
        customer_id,
        purpose as consent_purpose,
        status as consent_status,
        channel,

        -- times
        {{ to_utc_timestamp('valid_from') }} as valid_from_at,
        {{ to_utc_timestamp('last_update') }} as last_updated_at,

        -- where the row comes from
        _source_uri,
        _source_row,
        _dlt_load_id

    from consents

)

select * from final
