-- What the customer was billed, paid and owed, as of the feature date.
{{ config(indexes=postgres_indexes(['customer_id', 'feature_on'])) }}

with

population as (

    {{ new_feature_rows() }}

),

bills as (

    select * from {{ ref('int_bills__deduplicated') }}

),

payments as (

    select * from {{ ref('int_payments__deduplicated') }}

),

dunning_notices as (

    select * from {{ ref('int_dunning_notices__deduplicated') }}

),

bills_then as (

    select
        population.customer_id,
        population.feature_on,
        bills.bill_no,
        bills.billed_on,
        bills.due_on,
        bills.due_amount

    from population
    inner join bills
        on
            population.customer_id = bills.customer_id
            and population.feature_on >= bills.billed_on

),

payments_then as (

    select
        bills_then.feature_on,
        bills_then.bill_no,
        sum(payments.paid_amount) as paid_amount,
        sum(case when payments.paid_on <= bills_then.due_on then payments.paid_amount else 0 end) as paid_in_time_amount

    from bills_then
    inner join payments
        on
            bills_then.bill_no = payments.bill_no
            and bills_then.feature_on >= payments.paid_on
    group by
        bills_then.feature_on,
        bills_then.bill_no

),

-- On the due day itself there is still time.
judged as (

    select
        bills_then.customer_id,
        bills_then.feature_on,
        bills_then.billed_on,
        bills_then.due_on,
        bills_then.due_amount,
        bills_then.due_amount - coalesce(payments_then.paid_amount, 0) as open_amount,
        bills_then.due_on < bills_then.feature_on as is_due,
        bills_then.due_amount > coalesce(payments_then.paid_in_time_amount, 0) as is_late

    from bills_then
    left join payments_then
        on
            bills_then.feature_on = payments_then.feature_on
            and bills_then.bill_no = payments_then.bill_no

),

billed as (

    select
        customer_id,
        feature_on,
        sum(due_amount) as billed_amount,
        sum(case when billed_on >= {{ days_before('feature_on', 89) }} then due_amount else 0 end)
            as recent_billed_amount,
        sum(case when is_due and open_amount > 0 then open_amount else 0 end) as overdue_amount,
        sum(case when is_due and is_late and due_on >= {{ days_before('feature_on', 179) }} then 1 else 0 end)
            as late_bill_count

    from judged
    group by
        customer_id,
        feature_on

),

-- All that they had paid, for a bill that we know or not: like the balance that an agent sees.
paid as (

    select
        population.customer_id,
        population.feature_on,
        sum(payments.paid_amount) as paid_amount

    from population
    inner join payments
        on
            population.customer_id = payments.customer_id
            and population.feature_on >= payments.paid_on
    group by
        population.customer_id,
        population.feature_on

),

dunned as (

    select
        population.customer_id,
        population.feature_on,
        count(*) as dunning_notice_count

    from population
    inner join dunning_notices
        on
            population.customer_id = dunning_notices.customer_id
            and population.feature_on >= dunning_notices.noticed_on
            and dunning_notices.noticed_on >= {{ days_before('population.feature_on', 179) }}
    group by
        population.customer_id,
        population.feature_on

),

final as (

    select
        population.customer_id,
        population.feature_on,
        {{ as_amount('coalesce(billed.recent_billed_amount, 0)') }} as last_90_days_billed_amount,
        {{ as_amount('coalesce(billed.billed_amount, 0) - coalesce(paid.paid_amount, 0)') }} as balance_amount,
        {{ as_amount('coalesce(billed.overdue_amount, 0)') }} as overdue_amount,
        coalesce(billed.late_bill_count, 0) as last_180_days_late_bill_count,
        coalesce(dunned.dunning_notice_count, 0) as last_180_days_dunning_notice_count

    from population
    left join billed
        on
            population.customer_id = billed.customer_id
            and population.feature_on = billed.feature_on
    left join paid
        on
            population.customer_id = paid.customer_id
            and population.feature_on = paid.feature_on
    left join dunned
        on
            population.customer_id = dunned.customer_id
            and population.feature_on = dunned.feature_on

)

select * from final
