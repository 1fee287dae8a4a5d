{{ config(dist='customer_id', sort='created_at') }}

with

trouble_tickets as (

    select * from {{ ref('int_trouble_tickets__latest_kept') }}

),

followed as (

    select * from {{ ref('int_trouble_tickets__followed') }}

),

final as (

    select
        trouble_tickets.trouble_ticket_id,
        trouble_tickets.customer_id,
        trouble_tickets.ticket_name,
        trouble_tickets.ticket_type,
        trouble_tickets.severity,
        trouble_tickets.ticket_status,
        trouble_tickets.channel,

        -- how long it took
        trouble_tickets.created_at,
        followed.first_responded_at,
        {{ seconds_between('trouble_tickets.created_at', 'followed.first_responded_at') }} as first_response_seconds,
        trouble_tickets.resolved_at,
        {{ seconds_between('trouble_tickets.created_at', 'trouble_tickets.resolved_at') }} as resolution_seconds,

        -- resolved is not open: the customer has an answer
        trouble_tickets.ticket_status in ('acknowledged', 'inProgress') as is_open,
        followed.reopened_count

    from trouble_tickets
    inner join followed
        on trouble_tickets.trouble_ticket_id = followed.trouble_ticket_id

)

select * from final
