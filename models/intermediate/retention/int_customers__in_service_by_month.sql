with

products as (

    select * from {{ ref('int_products__latest_kept') }}
    -- ordered and never in service is not yet a customership
    where {{ has_come_into_service('product_status') }}

),

months as (

    select * from {{ ref('int_calendar__months') }}

),

-- With or without a monthly price: a prepaid customer is one, too.
final as (

    select
        products.customer_id,
        months.month_started_on,
        count(*) as product_count

    from products
    inner join months
        on
            cast(products.started_at as date) <= months.month_ended_on
            and (
                products.terminated_at is null
                or cast(products.terminated_at as date) > months.month_ended_on
            )
    group by
        products.customer_id,
        months.month_started_on

)

select * from final
