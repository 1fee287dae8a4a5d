with

phone_bill_lines as (

    select * from {{ ref('stg_files__phone_bill_lines') }}

),

final as (

    select
        billing_month,
        item,
        count(*) as line_count,
        count(distinct user_id) as user_count,
        cast(sum(quantity) as numeric(18, 4)) as quantity,
        {{ as_amount('sum(cost_amount)') }} as cost_amount

    from phone_bill_lines
    group by
        billing_month,
        item

)

select * from final
