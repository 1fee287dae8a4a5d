{{ config(dist='all', sort='month_started_on') }}

with

survey_responses as (

    select * from {{ ref('fct_survey_responses') }}

),

summed as (

    select
        survey_name,
        cast(date_trunc('month', responded_at) as date) as month_started_on,
        count(*) as response_count,
        sum(case when nps_class = 'promoter' then 1 else 0 end) as promoter_count,
        sum(case when nps_class = 'detractor' then 1 else 0 end) as detractor_count

    from survey_responses
    group by
        survey_name,
        cast(date_trunc('month', responded_at) as date)

),

final as (

    select
        survey_name,
        month_started_on,
        response_count,
        promoter_count,
        detractor_count,
        -- from -100, all detractors, to 100, all promoters
        cast(
            round(100.0 * (promoter_count - detractor_count) / response_count, 1) as numeric(18, 4)
        ) as net_promoter_score

    from summed

)

select * from final
