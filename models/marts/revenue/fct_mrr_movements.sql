-- Read by month over all customers; one customer's months are joined to the customer.
{{ config(dist='customer_id', sort='month_started_on') }}

with

customer_months as (

    select * from {{ ref('int_mrr__summed_to_customer_months') }}

),

months as (

    select * from {{ ref('int_calendar__months') }}

),

first_months as (

    select
        customer_id,
        min(month_started_on) as first_month_started_on

    from customer_months
    group by customer_id

),

-- What a month begins with is what the month before ended with. A customer who has left has one such month more.
openings as (

    select
        customer_months.customer_id,
        months.next_month_started_on as month_started_on,
        customer_months.recurring_amount

    from customer_months
    inner join months
        on customer_months.month_started_on = months.month_started_on

),

balances as (

    select
        coalesce(customer_months.customer_id, openings.customer_id) as customer_id,
        coalesce(customer_months.month_started_on, openings.month_started_on) as month_started_on,
        coalesce(openings.recurring_amount, 0) as opening_amount,
        coalesce(customer_months.recurring_amount, 0) as closing_amount

    from customer_months
    full outer join openings
        on
            customer_months.customer_id = openings.customer_id
            and customer_months.month_started_on = openings.month_started_on

),

classified as (

    select
        balances.customer_id,
        balances.month_started_on,
        months.is_complete,
        balances.opening_amount,
        balances.closing_amount,
        case
            when
                balances.opening_amount = 0
                and balances.month_started_on = first_months.first_month_started_on then 'new'
            when balances.opening_amount = 0 then 'reactivation'
            when balances.closing_amount = 0 then 'churn'
            when balances.closing_amount > balances.opening_amount then 'expansion'
            when balances.closing_amount < balances.opening_amount then 'contraction'
            else 'unchanged'
        end as movement_type

    from balances
    inner join first_months
        on balances.customer_id = first_months.customer_id
    -- the month after the last one has not begun: nobody has left in it yet
    inner join months
        on balances.month_started_on = months.month_started_on

),

final as (

    select
        customer_id,
        month_started_on,
        is_complete,
        movement_type,
        {{ as_amount('opening_amount') }} as opening_amount,
        {{ as_amount('closing_amount - opening_amount') }} as movement_amount,
        {{ as_amount('closing_amount') }} as closing_amount

    from classified

)

select * from final
