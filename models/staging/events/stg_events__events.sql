with

events as (

    select * from {{ source('events', 'events') }}

),

final as (

    select
        event_id,
        event_type,
        event_name,
        schema_version,
        site_id,
        device_id,
        customer_id,

        -- what was looked at
        page_url,
        referrer as referrer_url,
        product_offering_id,
        search_term,
        engaged_seconds,
        recommendation_id,
        properties,

        -- what was ordered
        order_id,
        order_amount,

        -- where the visitor came from
        utm_source,
        utm_medium,
        utm_campaign,
        ip as ip_prefix,
        user_agent,

        -- times
        {{ to_utc_timestamp('occurred_at') }} as occurred_at,
        {{ to_utc_timestamp('sent_at') }} as sent_at,
        {{ to_utc_timestamp('received_at') }} as received_at,

        -- where the row comes from
        _source_uri,
        _source_row,
        _dlt_load_id

    from events

)

select * from final
