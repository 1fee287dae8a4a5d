with

product_orders as (

    select * from {{ ref('stg_orders__product_orders') }}

),

-- The collection is fetched whole whenever it has changed: an order's last change wins.
ranked as (

    select
        *,
        row_number() over (
            partition by product_order_id
            order by
                last_updated_at desc,
                _dlt_load_id desc,
                _source_uri desc,
                _source_row desc
        ) as version_rank

    from product_orders

),

final as (

    select
        product_order_id,
        customer_id,
        email_address,
        phone_number,
        channel,
        order_state,
        external_id,
        ordered_at,
        completed_at,
        last_updated_at

    from ranked
    where version_rank = 1

)

select * from final
