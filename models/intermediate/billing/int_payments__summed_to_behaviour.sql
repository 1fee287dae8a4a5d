with

bills as (

    select * from {{ ref('int_bills__with_balance') }}

),

dunning_notices as (

    select * from {{ ref('int_dunning_notices__deduplicated') }}

),

-- A bill says something about a payer when it is settled, or when it is overdue.
judged as (

    select
        customer_id,
        bill_no,
        is_settled_late or is_overdue as is_late,
        is_overdue,
        case when is_settled_late then {{ days_between('due_on', 'last_paid_on') }} end as settled_days_late

    from bills
    where
        is_settled
        or is_overdue

),

paid as (

    select
        customer_id,
        count(*) as judged_bill_count,
        sum(case when is_late then 1 else 0 end) as late_bill_count,
        avg(cast(settled_days_late as double precision)) as average_days_late

    from judged
    group by customer_id

),

-- Where dunning has got to with what is still overdue; a notice about a bill that is settled now is history.
dunned as (

    select
        dunning_notices.customer_id,
        max(dunning_notices.dunning_level) as dunning_level,
        max(dunning_notices.noticed_on) as last_noticed_on

    from dunning_notices
    inner join judged
        on dunning_notices.bill_no = judged.bill_no
    where judged.is_overdue
    group by dunning_notices.customer_id

),

final as (

    select
        paid.customer_id,
        paid.judged_bill_count,
        paid.late_bill_count,
        {{ share_of('paid.late_bill_count', 'paid.judged_bill_count') }} as late_bill_share,
        paid.average_days_late,
        coalesce(dunned.dunning_level, 0) as dunning_level,
        dunned.last_noticed_on

    from paid
    left join dunned
        on paid.customer_id = dunned.customer_id

)

select * from final
