with

consents as (

    select * from {{ ref('stg_crm__consents') }}

),

-- Every change of mind is a record of its own. What counts is the last one that came into force.
ranked as (

    select
        *,
        row_number() over (
            partition by customer_id, consent_purpose
            order by
                valid_from_at desc,
                last_updated_at desc,
                consent_id desc,
                _dlt_load_id desc,
                _source_uri desc,
                _source_row desc
        ) as version_rank

    from consents

),

final as (

    select
        consent_id,
        customer_id,
        consent_purpose,
        consent_status,
        channel,
        valid_from_at,
        last_updated_at

    from ranked
    where version_rank = 1

)

select * from final
