with

products as (

    select * from {{ ref('int_products__in_service') }}

),

months as (

    select * from {{ ref('int_calendar__months') }}

),

-- What is in service at the end of a month is its recurring revenue; what came and went within it is not.
final as (

    select
        products.customer_id,
        months.month_started_on,
        count(*) as product_count,
        {{ as_amount('sum(products.recurring_price_amount)') }} as recurring_amount

    from products
    inner join months
        on
            products.service_started_on <= months.month_ended_on
            and (products.service_ended_on is null or products.service_ended_on > months.month_ended_on)
    group by
        products.customer_id,
        months.month_started_on

)

select * from final
