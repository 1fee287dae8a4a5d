with

survey_responses as (

    select * from {{ source('contacts', 'survey_responses') }}

),

final as (

    select
        survey_response_id,
        customer_id,

        -- the answer
        survey as survey_name,
        score as survey_score,
        comment as survey_comment,
        channel,
        related_party_interaction_id,
        {{ to_utc_timestamp('responded_at') }} as responded_at,

        -- where the row comes from
        _source_uri,
        _source_row,
        _dlt_load_id

    from survey_responses

)

select * from final
