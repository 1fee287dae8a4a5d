-- What a recommender asks before it recommends anything to anybody.
{{ config(dist='customer_id', sort='customer_id') }}

with

customers as (

    select * from {{ ref('int_customers__latest_kept') }}

),

consents as (

    select * from {{ ref('int_consents__pivoted_to_customers') }}

),

shown_lately as (

    select * from {{ ref('int_recommendations__shown_lately') }}

),

known as (

    select
        customers.customer_id,
        customers.customer_status,
        coalesce(consents.has_consented_profiling, false) as has_consented_profiling,
        coalesce(shown_lately.shown_count, 0) as last_7_days_shown_count

    from customers
    left join consents
        on customers.customer_id = consents.customer_id
    left join shown_lately
        on customers.customer_id = shown_lately.customer_id

),

judged as (

    select
        customer_id,
        last_7_days_shown_count,
        case
            when not has_consented_profiling then 'no_consent'
            when customer_status <> 'active' then 'not_active'
            when last_7_days_shown_count >= 5 then 'shown_often_enough'
        end as suppression_reason

    from known

),

final as (

    select
        customer_id,
        suppression_reason is null as is_eligible,
        suppression_reason,
        last_7_days_shown_count

    from judged

)

select * from final
