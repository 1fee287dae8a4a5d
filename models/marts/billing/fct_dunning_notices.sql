{{ config(dist='customer_id', sort='noticed_on') }}

with

dunning_notices as (

    select * from {{ ref('int_dunning_notices__deduplicated') }}

),

bills as (

    select * from {{ ref('int_bills__with_balance') }}

),

final as (

    select
        dunning_notices.dunning_notice_id,
        dunning_notices.customer_id,
        dunning_notices.bill_no,
        dunning_notices.dunning_level,
        dunning_notices.noticed_on,
        dunning_notices.fee_amount,

        -- what it was about, when the bill has landed
        bills.due_on,
        bills.due_amount,
        bills.balance_amount,
        coalesce(bills.is_overdue, false) as is_still_overdue

    from dunning_notices
    left join bills
        on dunning_notices.bill_no = bills.bill_no

)

select * from final
