with

party_interactions as (

    select * from {{ ref('int_party_interactions__deduplicated') }}

),

attributed as (

    select * from {{ ref('int_identity__contacts_attributed') }}
    where contact_kind = 'interaction'

),

-- Who called without saying who they are is somebody, when the number that they called from is somebody's.
identified as (

    select
        party_interactions.party_interaction_id,
        coalesce(party_interactions.customer_id, attributed.customer_id) as customer_id,
        party_interactions.customer_id is null and attributed.customer_id is not null as is_attributed,
        party_interactions.direction,
        party_interactions.channel,
        party_interactions.reason,
        party_interactions.interaction_status,
        party_interactions.started_at,
        party_interactions.ended_at

    from party_interactions
    left join attributed
        on party_interactions.party_interaction_id = attributed.contact_id

),

-- What we did is no contact of the customer's: calls of ours neither repeat nor are repeated.
neighbours as (

    select
        party_interaction_id,
        lag(started_at) over (
            partition by customer_id, reason
            order by
                started_at,
                party_interaction_id
        ) as previous_started_at,
        lead(started_at) over (
            partition by customer_id, reason
            order by
                started_at,
                party_interaction_id
        ) as next_started_at

    from identified
    where
        direction = 'inbound'
        and customer_id is not null
        and reason is not null

),

final as (

    select
        identified.party_interaction_id,
        identified.customer_id,
        identified.is_attributed,
        identified.direction,
        identified.channel,
        identified.reason,
        identified.interaction_status,
        identified.started_at,
        identified.ended_at,

        -- the same customer about the same thing: to the second seven days after counts, later does not
        coalesce(
            identified.started_at <= {{ dbt.dateadd('day', 7, 'neighbours.previous_started_at') | trim }}, false
        ) as is_repeat,
        coalesce(
            neighbours.next_started_at <= {{ dbt.dateadd('day', 7, 'identified.started_at') | trim }}, false
        ) as has_repeat

    from identified
    left join neighbours
        on identified.party_interaction_id = neighbours.party_interaction_id

)

select * from final
