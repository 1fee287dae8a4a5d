with

product_order_items as (

    select * from {{ ref('stg_orders__product_order_items') }}

),

-- The collection is fetched whole whenever it has changed: the last landed counts.
ranked as (

    select
        *,
        row_number() over (
            partition by product_order_item_id
            order by
                _dlt_load_id desc,
                _source_uri desc,
                _source_row desc
        ) as version_rank

    from product_order_items

),

final as (

    select
        product_order_item_id,
        product_order_id,
        item_number,
        product_id,
        product_offering_id,
        item_action,
        quantity,
        recurring_price_amount,
        one_time_price_amount,
        currency

    from ranked
    where version_rank = 1

)

select * from final
