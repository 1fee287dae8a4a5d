with

party_interactions as (

    select * from {{ source('contacts', 'party_interactions') }}

),

final as (

    select
        party_interaction_id,
        customer_id,
        email_address,
        phone_number,
        direction,
        channel,
        reason,
        status as interaction_status,
        description,

        -- times
        {{ to_utc_timestamp('start_date_time') }} as started_at,
        {{ to_utc_timestamp('end_date_time') }} as ended_at,

        -- where the row comes from
        _source_uri,
        _source_row,
        _dlt_load_id

    from party_interactions

)

select * from final
