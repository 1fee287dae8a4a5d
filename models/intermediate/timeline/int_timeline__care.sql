with

interactions as (

    select * from {{ ref('int_party_interactions__repeats_marked') }}

),

trouble_tickets as (

    select * from {{ ref('int_trouble_tickets__latest_kept') }}

),

survey_responses as (

    select * from {{ ref('int_survey_responses__deduplicated') }}

),

talked as (

    select
        customer_id,
        started_at as happened_at,
        'contact' as entry_type,
        party_interaction_id as entity_id,
        direction
        || ' by ' || channel
        || coalesce(', ' || reason, '')
        || case when is_repeat then ', again' else '' end as entry_text,
        cast(null as numeric(18, 4)) as entry_amount

    from interactions
    where customer_id is not null

),

opened as (

    select
        customer_id,
        created_at as happened_at,
        'ticket_opened' as entry_type,
        trouble_ticket_id as entity_id,
        severity || ' ticket' || coalesce(': ' || ticket_name, '') as entry_text,
        cast(null as numeric(18, 4)) as entry_amount

    from trouble_tickets

),

resolved as (

    select
        customer_id,
        resolved_at as happened_at,
        'ticket_resolved' as entry_type,
        trouble_ticket_id as entity_id,
        'resolved' || coalesce(': ' || ticket_name, '') as entry_text,
        cast(null as numeric(18, 4)) as entry_amount

    from trouble_tickets
    where resolved_at is not null

),

answered as (

    select
        customer_id,
        responded_at as happened_at,
        'survey_answered' as entry_type,
        survey_response_id as entity_id,
        survey_name || ': ' || cast(survey_score as varchar(2)) || ' of 10' as entry_text,
        cast(null as numeric(18, 4)) as entry_amount

    from survey_responses

),

final as (

    select * from talked
    union all
    select * from opened
    union all
    select * from resolved
    union all
    select * from answered

)

select * from final
