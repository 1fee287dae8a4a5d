with

products as (

    select * from {{ source('catalog', 'products') }}

),

final as (

    select
        product_id,
        customer_id,
        product_offering_id,
        name as product_name,
        status as product_status,
        msisdn,

        -- price, tax included
        recurring_price_amount,
        currency,

        -- times
        {{ to_utc_timestamp('start_date') }} as started_at,
        {{ to_utc_timestamp('termination_date') }} as terminated_at,

        -- where the row comes from
        _source_uri,
        _source_row,
        _dlt_load_id

    from products

)

select * from final
