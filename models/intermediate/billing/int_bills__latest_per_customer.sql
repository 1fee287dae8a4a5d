with

bills as (

    select * from {{ ref('int_bills__with_balance') }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by customer_id
            order by
                billed_on desc,
                bill_no desc
        ) as bill_rank

    from bills

),

final as (

    select
        customer_id,
        bill_no,
        billed_on,
        due_on,
        due_amount,
        balance_amount

    from ranked
    where bill_rank = 1

)

select * from final
