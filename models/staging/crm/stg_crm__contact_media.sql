with

contact_media as (

    select * from {{ source('crm', 'contact_media') }}

),

final as (

    select
        contact_medium_id,
        customer_id,
        contact_type,
        preferred as is_preferred,

        -- the address; which of these is filled depends on the type
        phone_number,
        email_address,
        street1 as street_line,
        city,
        post_code,
        country as country_code,

        -- times
        {{ to_utc_timestamp('valid_from') }} as valid_from_at,
        {{ to_utc_timestamp('valid_to') }} as valid_to_at,
        {{ to_utc_timestamp('last_update') }} as last_updated_at,

        -- where the row comes from
        _source_uri,
        _source_row,
        _dlt_load_id

    from contact_media

)

select * from final
