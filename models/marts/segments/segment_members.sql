-- Joined to what is known of customers, one segment at a time.
{{ config(dist='customer_id', sort=['segment_id', 'customer_id']) }}

with

memberships as (

    select * from {{ ref('int_segments__memberships') }}

),

final as (

    select
        customer_id,
        segment_id,
        entered_on,
        exited_on,
        exited_on is null as is_current

    from memberships
    -- in and out on one day, by a build that a later one has corrected: they never were members
    where
        exited_on is null
        or exited_on > entered_on

)

select * from final
