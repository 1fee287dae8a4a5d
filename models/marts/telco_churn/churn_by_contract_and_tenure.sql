with

customers as (

    select * from {{ ref('stg_files__telco_customers') }}

),

banded as (

    select
        *,
        case
            when tenure_months <= 12 then '0-12'
            when tenure_months <= 24 then '13-24'
            when tenure_months <= 48 then '25-48'
            else '49-72'
        end as tenure_band

    from customers

),

summed as (

    select
        contract_type,
        tenure_band,
        count(*) as customer_count,
        sum(case when has_churned then 1 else 0 end) as churned_customer_count,
        {{ as_amount('sum(monthly_charge_amount)') }} as monthly_charge_amount,
        -- a sum of nothing known is not known: the eleven who have not been billed yet stay null
        {{ as_amount('sum(total_charge_amount)') }} as total_charge_amount,
        sum(case when total_charge_amount is null then 1 else 0 end) as unbilled_customer_count

    from banded
    group by
        contract_type,
        tenure_band

),

final as (

    select
        contract_type,
        tenure_band,
        customer_count,
        churned_customer_count,
        {{ share_of('churned_customer_count', 'customer_count') }} as churn_share,
        monthly_charge_amount,
        total_charge_amount,
        unbilled_customer_count

    from summed

)

select * from final
