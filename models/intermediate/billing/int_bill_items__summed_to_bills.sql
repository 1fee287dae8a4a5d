with

bill_items as (

    select * from {{ ref('int_bill_items__deduplicated') }}

),

final as (

    select
        bill_no,
        count(*) as item_count,
        {{ as_amount("sum(case when charge_type = 'recurring' then item_amount else 0 end)") }} as recurring_amount,
        {{ as_amount("sum(case when charge_type = 'usage' then item_amount else 0 end)") }} as usage_amount,
        {{ as_amount("sum(case when charge_type = 'one_off' then item_amount else 0 end)") }} as one_off_amount,
        {{ as_amount("sum(case when charge_type = 'discount' then item_amount else 0 end)") }} as discount_amount

    from bill_items
    group by bill_no

)

select * from final
