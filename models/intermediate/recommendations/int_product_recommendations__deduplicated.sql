with

product_recommendations as (

    select * from {{ ref('stg_recommendations__product_recommendations') }}

),

-- A run of a model may be written twice: one row per recommendation, the last landed.
ranked as (

    select
        *,
        row_number() over (
            partition by recommendation_id
            order by
                _dlt_load_id desc,
                _source_uri desc,
                _source_row desc
        ) as version_rank

    from product_recommendations

),

final as (

    select
        recommendation_id,
        customer_id,
        product_offering_id,
        model_version,
        placement,
        item_rank,
        recommendation_score,
        is_holdout,
        recommended_at

    from ranked
    where version_rank = 1

)

select * from final
