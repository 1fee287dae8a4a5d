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

-- A month at whose end the customer has nothing left, after one at whose end there was something.
followed as (

    select
        customer_months.customer_id,
        customer_months.product_count,
        months.next_month_started_on as churned_month_on,
        next_months.customer_id is null as has_nothing_left

    from customer_months
    inner join months
        on customer_months.month_started_on = months.month_started_on
    left join customer_months as next_months
        on
            customer_months.customer_id = next_months.customer_id
            and months.next_month_started_on = next_months.month_started_on

),

returned as (

    select
        customer_id,
        max(month_started_on) as last_month_started_on

    from customer_months
    group by customer_id

),

final as (

    select
        followed.customer_id,
        followed.churned_month_on,
        months.is_complete,
        cohorts.cohort_month_on,
        followed.product_count as lost_product_count,
        returned.last_month_started_on >= followed.churned_month_on as has_returned,
        -- CRM's reason is that of today: whoever came back has another
        case
            when returned.last_month_started_on < followed.churned_month_on then customers.status_reason
        end as status_reason

    from followed
    -- the month after the last one has not begun: nobody has left in it yet
    inner join months
        on followed.churned_month_on = months.month_started_on
    inner join cohorts
        on followed.customer_id = cohorts.customer_id
    inner join returned
        on followed.customer_id = returned.customer_id
    left join customers
        on followed.customer_id = customers.customer_id
    where followed.has_nothing_left

)

select * from final
