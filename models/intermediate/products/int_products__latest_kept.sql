-- Postgres plans better by a key that is known to be one, and leaves out joins that only might have found something.
{{ config(indexes=postgres_indexes(['product_id'])) }}

with

products as (

    select * from {{ ref('stg_catalog__products') }}

),

-- The inventory has no time of change: the last landed is the latest known.
ranked as (

    select
        *,
        row_number() over (
            partition by product_id
            order by
                _dlt_load_id desc,
                _source_uri desc,
                _source_row desc
        ) as version_rank

    from products

),

final as (

    select
        product_id,
        customer_id,
        product_offering_id,
        product_name,
        product_status,
        msisdn,
        recurring_price_amount,
        currency,
        started_at,
        terminated_at

    from ranked
    where version_rank = 1

)

select * from final
