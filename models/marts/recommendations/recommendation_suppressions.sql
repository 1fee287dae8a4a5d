{{ config(dist='all', sort='model_version') }}

with

recommendations as (

    select * from {{ ref('int_recommendations__consented') }}

),

final as (

    select
        model_version,
        count(*) as recommendation_count,
        sum(case when has_consented then 0 else 1 end) as no_consent_count

    from recommendations
    group by model_version

)

select * from final
