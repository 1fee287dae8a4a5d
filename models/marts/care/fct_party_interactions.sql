-- Some interactions are nobody's: by customer those would all lie on one node.
{{ config(dist='party_interaction_id', sort='started_at') }}

with

interactions as (

    select * from {{ ref('int_party_interactions__repeats_marked') }}

),

-- Without what was said: agents read it in the contact centre, and whoever counts contacts does not need it.
final as (

    select
        party_interaction_id,
        customer_id,
        is_attributed,
        direction,
        channel,
        reason,
        interaction_status,
        started_at,
        ended_at,
        {{ seconds_between('started_at', 'ended_at') }} as duration_seconds,
        is_repeat,
        has_repeat

    from interactions

)

select * from final
