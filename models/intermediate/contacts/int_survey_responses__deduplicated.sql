with

survey_responses as (

    select * from {{ ref('stg_contacts__survey_responses') }}

),

-- The contact centre repeats lines: one row per answer, the last landed.
ranked as (

    select
        *,
        row_number() over (
            partition by survey_response_id
            order by
                _dlt_load_id desc,
                _source_uri desc,
                _source_row desc
        ) as version_rank

    from survey_responses

),

final as (

    select
        survey_response_id,
        customer_id,
        survey_name,
        survey_score,
        survey_comment,
        channel,
        related_party_interaction_id,
        responded_at

    from ranked
    where version_rank = 1

)

select * from final
