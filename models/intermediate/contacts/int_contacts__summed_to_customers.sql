with

interactions as (

    select * from {{ ref('int_party_interactions__repeats_marked') }}

),

as_of as (

    select * from {{ ref('int_reporting__as_of') }}

),

in_window as (

    select interactions.*
    from interactions
    inner join as_of
        on
            cast(interactions.started_at as date)
            between {{ days_before('as_of.as_of_on', 89) }} and as_of.as_of_on
    where
        interactions.customer_id is not null
        and interactions.direction = 'inbound'

),

final as (

    select
        customer_id,
        count(*) as contact_count,
        sum(case when is_repeat then 1 else 0 end) as repeat_contact_count

    from in_window
    group by customer_id

)

select * from final
