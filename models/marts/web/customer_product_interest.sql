-- Read by customer, and joined to other things by customer: both keys are the customer. What has not changed since the
-- last run stays: docs/web-sessions.md says how that is known.
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    pre_hook='{{ forget_changed_interest() }}',
    dist='customer_id',
    sort='customer_id',
    indexes=postgres_indexes(['customer_id', 'product_offering_id']),
) }}

with

web_sessions as (

    select * from {{ ref('int_web_sessions__consented') }}

),

{% if is_incremental() %}
known as (

    select distinct customer_id
    from {{ this }}

),
{% endif %}

fingerprints as (

    select
        fingerprinted.customer_id,
        fingerprinted.interest_fingerprint

    from {{ ref('int_web_sessions__fingerprinted_per_customer') }} as fingerprinted
    {% if is_incremental() %}
    left join known
        on fingerprinted.customer_id = known.customer_id
    where known.customer_id is null
    {% endif %}

),

offerings as (

    select * from {{ ref('int_web_sessions__offerings_counted') }}

),

interest_weights as (

    select * from {{ ref('interest_weights') }}

),

weighed as (

    select
        web_sessions.customer_id,
        offerings.product_offering_id,
        web_sessions.as_of_on,
        fingerprints.interest_fingerprint,
        web_sessions.session_key,
        offerings.event_type,
        offerings.event_count,
        offerings.last_occurred_at,
        -- rounded before it is added up: then the order of the addends does not show in the sum
        cast(
            offerings.event_count
            * interest_weights.interest_weight
            * power(
                cast(0.5 as double precision),
                web_sessions.age_days / cast({{ var('interest_half_life_days') | int }} as double precision)
            ) as numeric(18, 8)
        ) as interest_score

    from web_sessions
    inner join fingerprints
        on web_sessions.customer_id = fingerprints.customer_id
    inner join offerings
        on web_sessions.session_key = offerings.session_key
    inner join interest_weights
        on offerings.event_type = interest_weights.event_type

),

final as (

    select
        customer_id,
        product_offering_id,
        as_of_on,
        cast(sum(interest_score) as numeric(18, 4)) as interest_score,
        count(distinct session_key) as session_count,
        cast(sum(case when event_type = 'product_view' then event_count else 0 end) as bigint) as product_view_count,
        cast(sum(case when event_type = 'cart_add' then event_count else 0 end) as bigint) as cart_add_count,
        cast(sum(case when event_type = 'order_placed' then event_count else 0 end) as bigint) as order_placed_count,
        max(last_occurred_at) as last_interest_at,
        interest_fingerprint as _interest_fingerprint

    from weighed
    group by
        customer_id,
        product_offering_id,
        as_of_on,
        interest_fingerprint

)

select * from final
