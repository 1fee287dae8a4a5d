with

customers as (

    select * from {{ source('crm', 'customers') }}

),

final as (

    select
        customer_id,
        engaged_party_id as party_id,

        -- the person
        given_name,
        family_name,
        birth_date as born_on,
        language,

        -- the customership
        status as customer_status,
        status_reason,
        customer_since as customer_since_on,

        -- times
        {{ to_utc_timestamp('last_update') }} as last_updated_at,

        -- where the row comes from
        _source_uri,
        _source_row,
        _dlt_load_id

    from customers

)

select * from final
