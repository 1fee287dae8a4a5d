{{ config(dist='all', sort='month_started_on') }}

with

movements as (

    select * from {{ ref('fct_mrr_movements') }}

),

-- each movement in the column of its type
spread as (

    select
        month_started_on,
        is_complete,
        movement_type,
        opening_amount,
        closing_amount,
        case when movement_type = 'new' then movement_amount else 0 end as new_amount,
        case when movement_type = 'reactivation' then movement_amount else 0 end as reactivation_amount,
        case when movement_type = 'expansion' then movement_amount else 0 end as expansion_amount,
        case when movement_type = 'contraction' then movement_amount else 0 end as contraction_amount,
        case when movement_type = 'churn' then movement_amount else 0 end as churn_amount

    from movements

),

final as (

    select
        month_started_on,
        bool_and(is_complete) as is_complete,

        -- the bridge from one month's end to the next
        {{ as_amount('sum(opening_amount)') }} as opening_amount,
        {{ as_amount('sum(new_amount)') }} as new_amount,
        {{ as_amount('sum(reactivation_amount)') }} as reactivation_amount,
        {{ as_amount('sum(expansion_amount)') }} as expansion_amount,
        {{ as_amount('sum(contraction_amount)') }} as contraction_amount,
        {{ as_amount('sum(churn_amount)') }} as churn_amount,
        {{ as_amount('sum(closing_amount)') }} as closing_amount,

        -- the same in customers
        sum(case when opening_amount > 0 then 1 else 0 end) as opening_customer_count,
        sum(case when movement_type in ('new', 'reactivation') then 1 else 0 end) as gained_customer_count,
        sum(case when movement_type = 'churn' then 1 else 0 end) as churned_customer_count,
        sum(case when closing_amount > 0 then 1 else 0 end) as closing_customer_count

    from spread
    group by month_started_on

)

select * from final
