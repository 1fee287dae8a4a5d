with

party_interactions as (

    select * from {{ ref('stg_contacts__party_interactions') }}

),

-- The contact centre repeats lines: one row per interaction, the last landed.
ranked as (

    select
        *,
        row_number() over (
            partition by party_interaction_id
            order by
                _dlt_load_id desc,
                _source_uri desc,
                _source_row desc
        ) as version_rank

    from party_interactions

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
        interaction_status,
        description,
        started_at,
        ended_at

    from ranked
    where version_rank = 1

)

select * from final
