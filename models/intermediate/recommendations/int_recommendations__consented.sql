with

recommendations as (

    select * from {{ ref('int_product_recommendations__deduplicated') }}

),

consents as (

    select * from {{ ref('int_consents__followed') }}
    where consent_purpose = 'profiling'

),

-- A recommendation is profiling: it takes the customer's consent at the time. Never asked is no.
final as (

    select
        recommendations.recommendation_id,
        recommendations.customer_id,
        recommendations.product_offering_id,
        recommendations.model_version,
        recommendations.placement,
        recommendations.item_rank,
        recommendations.recommendation_score,
        recommendations.is_holdout,
        recommendations.recommended_at,
        coalesce(consents.consent_status = 'granted', false) as has_consented

    from recommendations
    left join consents
        on
            recommendations.customer_id = consents.customer_id
            and {{ valid_at('consents', 'recommendations.recommended_at') }}

)

select * from final
