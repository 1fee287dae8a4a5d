-- Joined to the features, and kept apart from them: what is to be foretold must not be at hand where it is foretold.
{{ config(dist='customer_id', sort=['feature_on', 'customer_id']) }}

with

population as (

    select * from {{ ref('int_features__population') }}

),

products as (

    select * from {{ ref('int_products__latest_kept') }}
    where {{ has_come_into_service('product_status') }}

),

product_orders as (

    select * from {{ ref('int_product_orders__latest_kept') }}

),

items as (

    select * from {{ ref('int_product_order_items__latest_kept') }}

),

dunning_notices as (

    select * from {{ ref('int_dunning_notices__deduplicated') }}

),

as_of as (

    select * from {{ ref('int_reporting__as_of') }}

),

-- Sixty days from the feature date on, and only where they are over: before that, nobody has not left.
horizons as (

    select
        population.customer_id,
        population.feature_on,
        cast({{ dbt.dateadd('day', 60, 'population.feature_on') | trim }} as date) as horizon_ended_on

    from population
    inner join as_of
        on population.feature_on <= {{ days_before('as_of.as_of_on', 60) }}

),

-- who still has something when they are over
still_there as (

    select distinct
        horizons.customer_id,
        horizons.feature_on

    from horizons
    inner join products
        on
            horizons.customer_id = products.customer_id
            and horizons.horizon_ended_on >= cast(products.started_at as date)
            and (
                products.terminated_at is null
                or cast(products.terminated_at as date) > horizons.horizon_ended_on
            )

),

orders_of_more as (

    select
        product_orders.customer_id,
        cast(product_orders.ordered_at as date) as ordered_on

    from product_orders
    inner join items
        on product_orders.product_order_id = items.product_order_id
    where
        items.item_action = 'add'
        and product_orders.order_state not in ('cancelled', 'failed')

),

ordered as (

    select distinct
        horizons.customer_id,
        horizons.feature_on

    from horizons
    inner join orders_of_more
        on
            horizons.customer_id = orders_of_more.customer_id
            and horizons.feature_on < orders_of_more.ordered_on
            and horizons.horizon_ended_on >= orders_of_more.ordered_on

),

dunned as (

    select distinct
        horizons.customer_id,
        horizons.feature_on

    from horizons
    inner join dunning_notices
        on
            horizons.customer_id = dunning_notices.customer_id
            and horizons.feature_on < dunning_notices.noticed_on
            and horizons.horizon_ended_on >= dunning_notices.noticed_on

),

final as (

    select
        horizons.customer_id,
        horizons.feature_on,
        horizons.horizon_ended_on,
        still_there.customer_id is null as has_churned_next_60_days,
        ordered.customer_id is not null as has_ordered_next_60_days,
        dunned.customer_id is not null as has_been_dunned_next_60_days

    from horizons
    left join still_there
        on
            horizons.customer_id = still_there.customer_id
            and horizons.feature_on = still_there.feature_on
    left join ordered
        on
            horizons.customer_id = ordered.customer_id
            and horizons.feature_on = ordered.feature_on
    left join dunned
        on
            horizons.customer_id = dunned.customer_id
            and horizons.feature_on = dunned.feature_on

)

select * from final
