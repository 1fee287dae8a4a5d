with

events as (

    select * from {{ ref('stg_events__events') }}

),

-- The stream delivers at least once: one row per event, the last landed.
ranked as (

    select
        *,
        row_number() over (
            partition by event_id
            order by
                _dlt_load_id desc,
                _source_uri desc,
                _source_row desc
        ) as version_rank

    from events

),

final as (

    select
        event_id,
        event_type,
        schema_version,
        device_id,
        customer_id,
        page_url,
        referrer_url,
        product_offering_id,
        search_term,
        utm_source,
        utm_campaign,
        ip_prefix,
        user_agent,
        occurred_at,
        sent_at

    from ranked
    where version_rank = 1

)

select * from final
