-- Read a feature date at a time by whoever trains, and joined by customer.
{{ config(dist='customer_id', sort=['feature_on', 'customer_id']) }}

with

population as (

    select * from {{ ref('int_features__population') }}

),

contract as (

    select * from {{ ref('int_features__contract') }}

),

usage as (

    select * from {{ ref('int_features__usage') }}

),

billing as (

    select * from {{ ref('int_features__billing') }}

),

care as (

    select * from {{ ref('int_features__care') }}

),

web as (

    select * from {{ ref('int_features__web') }}

),

consents as (

    select * from {{ ref('int_consents__pivoted_to_customers') }}

),

-- To learn from somebody is to profile them: only who had agreed to it then, and has not taken it back since.
final as (

    select
        population.customer_id,
        population.feature_on,
        population.known_as_of_on,

        -- what they had
        contract.tenure_days,
        contract.product_count,
        contract.recurring_amount,
        contract.last_90_days_started_product_count,
        contract.last_90_days_ended_product_count,
        contract.is_suspended,

        -- what they used
        usage.last_30_days_active_day_count,
        usage.last_30_days_voice_seconds,
        usage.last_30_days_data_bytes,
        usage.last_30_days_message_count,
        usage.last_30_days_rated_amount,
        usage.previous_30_days_voice_seconds,
        usage.previous_30_days_data_bytes,

        -- what they owed
        billing.last_90_days_billed_amount,
        billing.balance_amount,
        billing.overdue_amount,
        billing.last_180_days_late_bill_count,
        billing.last_180_days_dunning_notice_count,

        -- how content they were
        care.last_90_days_contact_count,
        care.last_90_days_repeat_contact_count,
        care.open_ticket_count,
        care.last_survey_score,
        care.days_since_survey,

        -- when they looked in
        web.last_30_days_session_count,
        web.days_since_session

    from population
    inner join contract
        on
            population.customer_id = contract.customer_id
            and population.feature_on = contract.feature_on
    inner join usage
        on
            population.customer_id = usage.customer_id
            and population.feature_on = usage.feature_on
    inner join billing
        on
            population.customer_id = billing.customer_id
            and population.feature_on = billing.feature_on
    inner join care
        on
            population.customer_id = care.customer_id
            and population.feature_on = care.feature_on
    inner join web
        on
            population.customer_id = web.customer_id
            and population.feature_on = web.feature_on
    inner join consents
        on population.customer_id = consents.customer_id
    where
        contract.has_consented_profiling
        and consents.has_consented_profiling

)

select * from final
