with

survey_responses as (

    select * from {{ ref('int_survey_responses__deduplicated') }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by customer_id
            order by
                responded_at desc,
                survey_response_id desc
        ) as response_rank

    from survey_responses

),

final as (

    select
        customer_id,
        survey_response_id,
        survey_name,
        survey_score,
        responded_at

    from ranked
    where response_rank = 1

)

select * from final
