with

consents as (

    select * from {{ ref('stg_crm__consents') }}

),

-- Two decisions with the same beginning: the one that was recorded last is what the customer has decided.
ranked as (

    select
        *,
        row_number() over (
            partition by customer_id, consent_purpose, valid_from_at
            order by
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
        customer_id,
        consent_purpose,
        consent_status,
        channel,
        valid_from_at,
        lead(valid_from_at) over (
            partition by customer_id, consent_purpose
            order by valid_from_at
        ) as valid_to_at

    from ranked
    where version_rank = 1

)

select * from final
