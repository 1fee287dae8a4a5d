with

top_ups as (

    select * from {{ ref('stg_billing__top_ups') }}

),

-- The billing system repeats lines: one row per top-up, the last landed.
ranked as (

    select
        *,
        row_number() over (
            partition by top_up_id
            order by
                _dlt_load_id desc,
                _source_uri desc,
                _source_row desc
        ) as version_rank

    from top_ups

),

final as (

    select
        top_up_id,
        customer_id,
        product_id,
        channel,
        top_up_amount,
        topped_up_at

    from ranked
    where version_rank = 1

)

select * from final
