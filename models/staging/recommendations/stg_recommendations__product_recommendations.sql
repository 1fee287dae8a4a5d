with

product_recommendations as (

    select * from {{ source('recommendations', 'product_recommendations') }}

),

final as (

    select
        recommendation_id,
        customer_id,
        product_offering_id,

        -- who recommends it, and where
        model_version,
        placement,
        item_rank,
        score as recommendation_score,
        is_holdout,
        {{ to_utc_timestamp('recommended_at') }} as recommended_at,

        -- where the row comes from
        _source_uri,
        _source_row,
        _dlt_load_id

    from product_recommendations

)

select * from final
