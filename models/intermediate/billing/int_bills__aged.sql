with

bills as (

    select * from {{ ref('int_bills__with_balance') }}

),

as_of as (

    select * from {{ ref('int_reporting__as_of') }}

),

open_bills as (

    select
        bills.customer_id,
        bills.bill_no,
        bills.balance_amount,
        -- on the due day itself a bill is not late
        {{ days_between('bills.due_on', 'as_of.as_of_on') }} as days_overdue

    from bills
    cross join as_of
    where bills.balance_amount <> 0

),

final as (

    select
        customer_id,
        bill_no,
        balance_amount,
        days_overdue,
        case
            when balance_amount < 0 then 'overpaid'
            -- no usage feed yet, no day to be late by
            when days_overdue is null or days_overdue <= 0 then 'not_due'
            when days_overdue <= 30 then '1-30'
            when days_overdue <= 60 then '31-60'
            when days_overdue <= 90 then '61-90'
            else 'over_90'
        end as ageing_bucket

    from open_bills

)

select * from final
