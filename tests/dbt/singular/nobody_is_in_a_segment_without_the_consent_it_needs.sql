-- Members are kept from build to build: who withdraws a consent has to be out with the next one. Asked of the history
-- of consents, which the segments are not made from.
with

members as (

    select * from {{ ref('segment_members') }}
    where is_current

),

segments as (

    select * from {{ ref('segments') }}

),

consents as (

    select * from {{ ref('consents_history') }}
    where
        is_current
        and is_granted

)

select
    members.customer_id,
    members.segment_id,
    segments.needs_consent_purpose

from members
inner join segments
    on members.segment_id = segments.segment_id
left join consents
    on
        members.customer_id = consents.customer_id
        and segments.needs_consent_purpose = consents.consent_purpose
where
    segments.needs_consent_purpose is not null
    and consents.customer_id is null
