{{ config(dist='customer_id', sort='customer_id') }}

with

aged_bills as (

    select * from {{ ref('int_bills__aged') }}

),

balances as (

    select * from {{ ref('int_bills__summed_to_customers') }}

),

as_of as (

    select * from {{ ref('int_reporting__as_of') }}

),

spread as (

    select
        customer_id,
        case when ageing_bucket = 'not_due' then balance_amount else 0 end as not_due_amount,
        case when ageing_bucket = '1-30' then balance_amount else 0 end as overdue_1_30_amount,
        case when ageing_bucket = '31-60' then balance_amount else 0 end as overdue_31_60_amount,
        case when ageing_bucket = '61-90' then balance_amount else 0 end as overdue_61_90_amount,
        case when ageing_bucket = 'over_90' then balance_amount else 0 end as overdue_over_90_amount,
        case when ageing_bucket = 'overpaid' then balance_amount else 0 end as overpaid_amount,
        balance_amount,
        days_overdue

    from aged_bills

),

summed as (

    select
        customer_id,
        sum(not_due_amount) as not_due_amount,
        sum(overdue_1_30_amount) as overdue_1_30_amount,
        sum(overdue_31_60_amount) as overdue_31_60_amount,
        sum(overdue_61_90_amount) as overdue_61_90_amount,
        sum(overdue_over_90_amount) as overdue_over_90_amount,
        sum(overpaid_amount) as overpaid_amount,
        sum(balance_amount) as bills_balance_amount,
        max(case when balance_amount > 0 then days_overdue end) as oldest_days_overdue

    from spread
    group by customer_id

),

final as (

    select
        balances.customer_id,
        as_of.as_of_on,

        -- what is owed, by how long it has been due
        {{ as_amount('coalesce(summed.not_due_amount, 0)') }} as not_due_amount,
        {{ as_amount('coalesce(summed.overdue_1_30_amount, 0)') }} as overdue_1_30_amount,
        {{ as_amount('coalesce(summed.overdue_31_60_amount, 0)') }} as overdue_31_60_amount,
        {{ as_amount('coalesce(summed.overdue_61_90_amount, 0)') }} as overdue_61_90_amount,
        {{ as_amount('coalesce(summed.overdue_over_90_amount, 0)') }} as overdue_over_90_amount,

        -- what we owe: bills paid too much, and payments whose bill has not landed
        {{ as_amount('coalesce(summed.overpaid_amount, 0)') }} as overpaid_amount,
        {{ as_amount('balances.balance_amount - coalesce(summed.bills_balance_amount, 0)') }} as unallocated_amount,

        {{ as_amount('balances.balance_amount') }} as balance_amount,
        -- 0 while nothing is late
        case when summed.oldest_days_overdue > 0 then summed.oldest_days_overdue else 0 end as oldest_days_overdue

    from balances
    cross join as_of
    left join summed
        on balances.customer_id = summed.customer_id

)

select * from final
