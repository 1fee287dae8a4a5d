-- The bridge could add up and still lose a customer: what it closes with on the reporting day is the plain sum of the
-- prices of everything in service then, counted without months.
with

products as (

    select * from {{ ref('int_products__in_service') }}

),

as_of as (

    select * from {{ ref('int_reporting__as_of') }}

),

in_service as (

    select coalesce(sum(products.recurring_price_amount), 0) as recurring_amount
    from products
    inner join as_of
        on
            products.service_started_on <= as_of.as_of_on
            and coalesce(products.service_ended_on > as_of.as_of_on, true)

),

closed as (

    select coalesce(sum(movements.closing_amount), 0) as closing_amount
    from {{ ref('fct_mrr_movements') }} as movements
    cross join as_of
    where movements.month_started_on = cast(date_trunc('month', as_of.as_of_on) as date)

)

select
    in_service.recurring_amount,
    closed.closing_amount

from in_service
cross join closed
where in_service.recurring_amount <> closed.closing_amount
