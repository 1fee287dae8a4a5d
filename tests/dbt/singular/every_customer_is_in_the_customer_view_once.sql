-- Eleven joins: one that is not one-to-one repeats a customer, an inner one loses some.
with

customers as (

    select count(distinct customer_id) as customer_count
    from {{ ref('stg_crm__customers') }}

),

customer_view as (

    select count(*) as customer_count
    from {{ ref('customer_view') }}

)

select
    customers.customer_count,
    customer_view.customer_count as customer_view_count

from customers
cross join customer_view
where customers.customer_count <> customer_view.customer_count
