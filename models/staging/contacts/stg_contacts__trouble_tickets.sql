with

trouble_tickets as (

    select * from {{ source('contacts', 'trouble_tickets') }}

),

final as (

    select
        trouble_ticket_id,
        customer_id,
        name as ticket_name,
        ticket_type,
        severity,
        status as ticket_status,
        channel,

        -- times
        {{ to_utc_timestamp('creation_date') }} as created_at,
        {{ to_utc_timestamp('resolution_date') }} as resolved_at,
        {{ to_utc_timestamp('last_update') }} as last_updated_at,

        -- where the row comes from
        _source_uri,
        _source_row,
        _dlt_load_id

    from trouble_tickets

)

select * from final
