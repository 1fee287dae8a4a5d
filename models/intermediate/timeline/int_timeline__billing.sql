with

bills as (

    select * from {{ ref('int_bills__with_balance') }}

),

payments as (

    select * from {{ ref('int_payments__deduplicated') }}

),

dunning_notices as (

    select * from {{ ref('int_dunning_notices__deduplicated') }}

),

top_ups as (

    select * from {{ ref('int_top_ups__deduplicated') }}

),

billed as (

    select
        customer_id,
        cast(billed_on as timestamp) as happened_at,
        'bill_sent' as entry_type,
        bill_no as entity_id,
        'bill ' || bill_no as entry_text,
        due_amount as entry_amount

    from bills

),

-- The day after the due day, for bills that are overdue now: a lateness that is over is told by its payment.
became_overdue as (

    select
        customer_id,
        cast({{ dbt.dateadd('day', 1, 'due_on') | trim }} as timestamp) as happened_at,
        'bill_overdue' as entry_type,
        bill_no as entity_id,
        'bill ' || bill_no || ' not paid in time' as entry_text,
        balance_amount as entry_amount

    from bills
    where is_overdue

),

paid as (

    select
        customer_id,
        cast(paid_on as timestamp) as happened_at,
        'payment' as entry_type,
        payment_id as entity_id,
        'paid bill ' || bill_no as entry_text,
        paid_amount as entry_amount

    from payments

),

dunned as (

    select
        customer_id,
        cast(noticed_on as timestamp) as happened_at,
        'dunning_notice' as entry_type,
        dunning_notice_id as entity_id,
        case dunning_level
            when 1 then 'reminder'
            when 2 then 'second reminder'
            else 'collection'
        end || ' for bill ' || bill_no as entry_text,
        fee_amount as entry_amount

    from dunning_notices

),

topped_up as (

    select
        customer_id,
        topped_up_at as happened_at,
        'top_up' as entry_type,
        top_up_id as entity_id,
        'topped up by ' || channel as entry_text,
        top_up_amount as entry_amount

    from top_ups

),

final as (

    select * from billed
    union all
    select * from became_overdue
    union all
    select * from paid
    union all
    select * from dunned
    union all
    select * from topped_up

)

select * from final
