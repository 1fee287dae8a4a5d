with

phone_data as (

    select * from {{ source('files', 'phone_data') }}

),

final as (

    select
        user_id,
        {{ parse_day_first_timestamp('date') }} as started_at,
        month as billing_month,
        item,
        network,
        network_type,
        -- seconds of a call, megabytes of data, one of a text message
        cast(duration as numeric(18, 4)) as quantity,
        cast(total_cost as numeric(18, 4)) as cost_amount,

        -- where the row comes from
        _source_uri,
        _source_row,
        _dlt_load_id

    from phone_data

)

select * from final
