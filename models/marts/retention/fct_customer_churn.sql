{{ config(dist='customer_id', sort='churned_month_on') }}

with

customer_months as (

    select * from {{ ref('int_customers__in_service_by_month') }}

),

cohorts as (

    select * from {{ ref('int_customers__first_in_service') }}

),

months as (

    select * from {{ ref('int_calendar__months') }}

),

customers as (

    select * from {{ ref('int_customers__latest_kept') }}

),

in_order as (

    select
        customer_id,
        month_started_on,
        product_count,
        lead(month_started_on) over (
            partition by customer_id
            order by month_started_on asc
        ) as next_in_service_on,
        max(month_started_on) over (partition by customer_id) as last_in_service_on

    from customer_months

),

-- A month at whose end there was something, before one at whose end the customer has nothing left.
left_after as (

    select
        in_order.customer_id,
        in_order.product_count,
        in_order.last_in_service_on,
        months.next_month_started_on as churned_month_on

    from in_order
    inner join months
        on in_order.month_started_on = months.month_started_on
    where
        in_order.next_in_service_on is null
        or in_order.next_in_service_on > months.next_month_started_on

),

final as (

    select
        left_after.customer_id,
        left_after.churned_month_on,
        months.is_complete,
        cohorts.cohort_month_on,
        left_after.product_count as lost_product_count,
        left_after.last_in_service_on >= left_after.churned_month_on as has_returned,
        -- CRM's reason is that of today: whoever came back has another
        case
            when left_after.last_in_service_on < left_after.churned_month_on then customers.status_reason
        end as status_reason

    from left_after
    -- the month after the last one has not begun: nobody has left in it yet
    inner join months
        on left_after.churned_month_on = months.month_started_on
    inner join cohorts
        on left_after.customer_id = cohorts.customer_id
    left join customers
        on left_after.customer_id = customers.customer_id

)

select * from final
