with

product_offerings as (

    select * from {{ ref('stg_catalog__product_offerings') }}

),

-- The catalogue is fetched whole whenever it has changed; the last version of each offering counts.
ranked as (

    select
        *,
        row_number() over (
            partition by product_offering_id
            order by
                last_updated_at desc,
                _dlt_load_id desc,
                _source_uri desc,
                _source_row desc
        ) as version_rank

    from product_offerings

),

final as (

    select
        product_offering_id,
        offering_name,
        offering_category,
        lifecycle_status,
        is_bundle,
        recurring_price_amount,
        one_time_price_amount,
        currency,
        valid_from_at,
        valid_to_at,
        last_updated_at

    from ranked
    where version_rank = 1

)

select * from final
