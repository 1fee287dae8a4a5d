with

trouble_tickets as (

    select * from {{ ref('stg_contacts__trouble_tickets') }}

),

-- The ticket is sent anew each day that it changes, and lines are repeated: each change once.
changes as (

    select distinct
        trouble_ticket_id,
        last_updated_at,
        ticket_status

    from trouble_tickets

),

preceded as (

    select
        *,
        lag(ticket_status) over (
            partition by trouble_ticket_id
            order by
                last_updated_at,
                ticket_status
        ) as previous_status

    from changes

),

final as (

    select
        trouble_ticket_id,

        -- Acknowledged is a machine's answer. Somebody has begun when it says so, or when it is already done.
        min(case when ticket_status <> 'acknowledged' then last_updated_at end) as first_responded_at,
        sum(
            case
                when
                    previous_status in ('resolved', 'closed')
                    and ticket_status in ('acknowledged', 'inProgress') then 1
                else 0
            end
        ) as reopened_count

    from preceded
    group by trouble_ticket_id

)

select * from final
