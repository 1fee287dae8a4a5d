{{ config(dist='customer_id', sort='responded_at') }}

with

survey_responses as (

    select * from {{ ref('int_survey_responses__deduplicated') }}

),

interactions as (

    select * from {{ ref('int_party_interactions__repeats_marked') }}

),

-- Without the comment: people write names and numbers into it.
final as (

    select
        survey_responses.survey_response_id,
        survey_responses.customer_id,
        survey_responses.survey_name,
        survey_responses.survey_score,
        {{ nps_class('survey_responses.survey_score') }} as nps_class,
        survey_responses.survey_comment is not null as has_comment,
        survey_responses.channel,
        survey_responses.responded_at,

        -- the contact that it was about, if it was about one
        survey_responses.related_party_interaction_id,
        interactions.channel as contact_channel,
        interactions.reason as contact_reason,
        interactions.has_repeat

    from survey_responses
    left join interactions
        on survey_responses.related_party_interaction_id = interactions.party_interaction_id

)

select * from final
