with

party_interactions as (

    select * from {{ ref('int_party_interactions__deduplicated') }}

),

trouble_tickets as (

    select * from {{ ref('int_trouble_tickets__latest_kept') }}

),

interactions_as_contacts as (

    select
        party_interaction_id as contact_id,
        'interaction' as contact_kind,
        customer_id,
        started_at as contacted_at,
        channel,
        reason

    from party_interactions

),

tickets_as_contacts as (

    select
        trouble_ticket_id as contact_id,
        'trouble_ticket' as contact_kind,
        customer_id,
        created_at as contacted_at,
        channel,
        ticket_name as reason

    from trouble_tickets

),

final as (

    select * from interactions_as_contacts
    union all
    select * from tickets_as_contacts

)

select * from final
