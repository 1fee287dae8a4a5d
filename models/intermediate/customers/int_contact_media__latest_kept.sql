with

contact_media as (

    select * from {{ ref('stg_crm__contact_media') }}

),

-- CRM sends a contact medium again whenever it changes, for instance when its validity ends.
ranked as (

    select
        *,
        row_number() over (
            partition by contact_medium_id
            order by
                last_updated_at desc,
                _dlt_load_id desc,
                _source_uri desc,
                _source_row desc
        ) as version_rank

    from contact_media

),

final as (

    select
        contact_medium_id,
        customer_id,
        contact_type,
        is_preferred,
        phone_number,
        email_address,
        street_line,
        city,
        post_code,
        country_code,
        valid_from_at,
        valid_to_at,
        last_updated_at

    from ranked
    where version_rank = 1

)

select * from final
