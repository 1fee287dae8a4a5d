{{ config(dist='customer_id', sort='recommended_at') }}

with

recommendations as (

    select * from {{ ref('int_recommendations__consented') }}

),

shown as (

    select * from {{ ref('int_recommendations__shown') }}

),

ordered as (

    select * from {{ ref('int_recommendations__ordered') }}

),

as_of as (

    select * from {{ ref('int_reporting__as_of') }}

),

final as (

    select
        recommendations.recommendation_id,
        recommendations.customer_id,
        recommendations.product_offering_id,

        -- who recommended it, and where
        recommendations.model_version,
        recommendations.placement,
        recommendations.item_rank,
        recommendations.recommendation_score,
        recommendations.is_holdout,
        recommendations.recommended_at,

        -- what became of it
        coalesce(shown.shown_count, 0) as shown_count,
        shown.first_shown_at,
        coalesce(shown.clicked_count, 0) as clicked_count,
        shown.first_clicked_at,
        ordered.first_ordered_at,
        case
            when recommendations.is_holdout then 'withheld'
            when shown.first_shown_at is null then 'not_presented'
            when ordered.first_ordered_at is not null then 'accepted'
            -- there is still time: two weeks have not passed
            when {{ days_between('shown.first_shown_at', 'as_of.as_of_on') }} < 14 then 'presented'
            when shown.clicked_count > 0 then 'declined'
            else 'ignored'
        end as recommendation_outcome,
        ordered.first_ordered_at is not null as has_ordered

    from recommendations
    cross join as_of
    left join shown
        on recommendations.recommendation_id = shown.recommendation_id
    left join ordered
        on recommendations.recommendation_id = ordered.recommendation_id
    -- without consent nothing may be learned from it, either
    where recommendations.has_consented

)

select * from final
