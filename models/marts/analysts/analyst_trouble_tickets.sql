with

trouble_tickets as (

    select * from {{ ref('fct_trouble_tickets') }}

),

pseudonym_key as (

    select * from {{ source('privacy', 'pseudonym_keys') }}

),

final as (

    select
        {{ pseudonym_of('trouble_tickets.trouble_ticket_id') }} as trouble_ticket_hash,
        {{ pseudonym_of('trouble_tickets.customer_id') }} as customer_hash,
        trouble_tickets.ticket_type,
        trouble_tickets.severity,
        trouble_tickets.ticket_status,
        trouble_tickets.channel,
        trouble_tickets.created_at,
        trouble_tickets.first_responded_at,
        trouble_tickets.first_response_seconds,
        trouble_tickets.resolved_at,
        trouble_tickets.resolution_seconds,
        trouble_tickets.is_open,
        trouble_tickets.reopened_count

    from trouble_tickets
    cross join pseudonym_key

)

select * from final
