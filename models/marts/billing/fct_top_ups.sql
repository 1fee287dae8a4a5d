{{ config(dist='customer_id', sort='topped_up_at') }}

with

top_ups as (

    select * from {{ ref('int_top_ups__deduplicated') }}

),

-- Without the voucher: whoever reads it could spend it.
final as (

    select
        top_up_id,
        customer_id,
        product_id,
        channel,
        topped_up_at,
        top_up_amount

    from top_ups

)

select * from final
