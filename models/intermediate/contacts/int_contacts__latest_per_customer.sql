with

contacts as (

    select * from {{ ref('int_contacts__unioned') }}

),

-- A call that opened a ticket at the same second: the call comes first, it is what the customer remembers.
ranked as (

    select
        *,
        row_number() over (
            partition by customer_id
            order by
                contacted_at desc,
                contact_kind asc,
                contact_id desc
        ) as contact_rank,
        max(case when contact_kind = 'interaction' then contacted_at end) over (
            partition by customer_id
        ) as last_interaction_at

    from contacts
    -- whose contact it was where nobody was looked up is for the identity models to say
    where customer_id is not null

),

final as (

    select
        customer_id,
        contact_id,
        contact_kind,
        contacted_at,
        channel,
        reason,
        last_interaction_at

    from ranked
    where contact_rank = 1

)

select * from final
