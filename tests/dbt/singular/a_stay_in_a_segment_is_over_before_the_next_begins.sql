-- Entries and exits are written by one build after another. Two stays that overlap would count a member twice, and an
-- exit before its entry is no stay.
with

stays as (

    select
        customer_id,
        segment_id,
        entered_on,
        exited_on,
        lead(entered_on) over (
            partition by customer_id, segment_id
            order by entered_on
        ) as next_entered_on

    from {{ ref('segment_members') }}

)

select
    customer_id,
    segment_id,
    entered_on,
    exited_on,
    next_entered_on

from stays
where
    exited_on <= entered_on
    or next_entered_on < exited_on
    or (next_entered_on is not null and exited_on is null)
