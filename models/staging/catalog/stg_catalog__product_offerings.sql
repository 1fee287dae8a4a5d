with

product_offerings as (

    select * from {{ source('catalog', 'product_offerings') }}

),

final as (

    select
        product_offering_id,
        name as offering_name,
        category as offering_category,
        lifecycle_status,
        is_bundle,

        -- prices, tax included
        recurring_price_amount,
        one_time_price_amount,
        currency,

        -- times
        {{ to_utc_timestamp('valid_from') }} as valid_from_at,
        {{ to_utc_timestamp('valid_to') }} as valid_to_at,
        {{ to_utc_timestamp('last_update') }} as last_updated_at,

        -- where the row comes from
        _source_uri,
        _source_row,
        _dlt_load_id

    from product_offerings

)

select * from final
