with

customer_months as (

    select * from {{ ref('int_customers__in_service_by_month') }}

),

final as (

    select
        customer_id,
        min(month_started_on) as cohort_month_on

    from customer_months
    group by customer_id

)

select * from final
