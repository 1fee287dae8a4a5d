with

trouble_tickets as (

    select * from {{ ref('int_trouble_tickets__latest_kept') }}

),

final as (

    select
        customer_id,
        count(*) as ticket_count,
        -- resolved is not open: the customer has an answer, closing it is our own paperwork
        sum(case when ticket_status in ('acknowledged', 'inProgress') then 1 else 0 end) as open_ticket_count

    from trouble_tickets
    group by customer_id

)

select * from final
