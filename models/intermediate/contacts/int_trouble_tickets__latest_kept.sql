with

trouble_tickets as (

    select * from {{ ref('stg_contacts__trouble_tickets') }}

),

-- A ticket is sent again each day that it changes: the last change wins.
ranked as (

    select
        *,
        row_number() over (
            partition by trouble_ticket_id
            order by
                last_updated_at desc,
                _dlt_load_id desc,
                _source_uri desc,
                _source_row desc
        ) as version_rank

    from trouble_tickets

),

final as (

    select
        trouble_ticket_id,
        customer_id,
        ticket_name,
        ticket_type,
        severity,
        ticket_status,
        channel,
        created_at,
        resolved_at,
        last_updated_at

    from ranked
    where version_rank = 1

)

select * from final
