with

recommendations as (

    select * from {{ ref('int_recommendations__consented') }}

),

shown as (

    select * from {{ ref('int_recommendations__shown') }}

),

product_orders as (

    select * from {{ ref('int_product_orders__latest_kept') }}

),

items as (

    select * from {{ ref('int_product_order_items__latest_kept') }}

),

-- Two weeks count from the first showing. Nothing is shown to the control group: theirs count from the day on which
-- the others could have been shown it.
counted_from as (

    select
        recommendations.recommendation_id,
        recommendations.customer_id,
        recommendations.product_offering_id,
        case
            when recommendations.is_holdout then recommendations.recommended_at
            else shown.first_shown_at
        end as counted_from_at

    from recommendations
    left join shown
        on recommendations.recommendation_id = shown.recommendation_id

),

ordered as (

    select
        product_orders.customer_id,
        items.product_offering_id,
        product_orders.ordered_at

    from product_orders
    inner join items
        on product_orders.product_order_id = items.product_order_id
    where
        items.item_action = 'add'
        and product_orders.order_state not in ('cancelled', 'failed')

),

final as (

    select
        counted_from.recommendation_id,
        min(ordered.ordered_at) as first_ordered_at

    from counted_from
    inner join ordered
        on
            counted_from.customer_id = ordered.customer_id
            and counted_from.product_offering_id = ordered.product_offering_id
            and counted_from.counted_from_at <= ordered.ordered_at
            and {{ dbt.dateadd('day', 14, 'counted_from.counted_from_at') | trim }} >= ordered.ordered_at
    group by counted_from.recommendation_id

)

select * from final
