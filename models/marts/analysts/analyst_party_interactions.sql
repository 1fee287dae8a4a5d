with

party_interactions as (

    select * from {{ ref('fct_party_interactions') }}

),

pseudonym_key as (

    select * from {{ source('privacy', 'pseudonym_keys') }}

),

final as (

    select
        {{ pseudonym_of('party_interactions.party_interaction_id') }} as party_interaction_hash,
        {{ pseudonym_of('party_interactions.customer_id') }} as customer_hash,
        party_interactions.is_attributed,
        party_interactions.direction,
        party_interactions.channel,
        party_interactions.reason,
        party_interactions.interaction_status,
        party_interactions.started_at,
        party_interactions.ended_at,
        party_interactions.duration_seconds,
        party_interactions.is_repeat,
        party_interactions.has_repeat

    from party_interactions
    cross join pseudonym_key

)

select * from final
