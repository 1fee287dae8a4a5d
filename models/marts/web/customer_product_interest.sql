-- Read by customer, and joined to other things by customer: both keys are the customer.
{{ config(dist='customer_id', sort='customer_id') }}

with

web_sessions as (

    select * from {{ ref('fct_web_sessions') }}

),

offerings as (

    select * from {{ ref('int_web_sessions__offerings_counted') }}

),

interest_weights as (

    select * from {{ ref('interest_weights') }}

),

consents as (

    select * from {{ ref('int_consents__pivoted_to_customers') }}

),

as_of as (

    select * from {{ ref('int_reporting__as_of') }}

),

-- Who has not said yes to profiling has no row here, and neither has anybody whom we do not know. A visit that is only
-- taken to be the customer's counts: that is what the consent was asked for.
consented as (

    select
        web_sessions.session_key,
        web_sessions.stitched_customer_id as customer_id,
        as_of.as_of_on,
        -- of what has happened since the reporting day, nothing has faded
        greatest({{ dbt.datediff('web_sessions.started_at', 'as_of.as_of_on', 'day') }}, 0) as age_days

    from web_sessions
    inner join consents
        on web_sessions.stitched_customer_id = consents.customer_id
    cross join as_of
    where
        consents.has_consented_profiling
        and web_sessions.started_at
        >= {{ dbt.dateadd('day', -(var('interest_window_days') | int), 'as_of.as_of_on') | trim }}

),

weighed as (

    select
        consented.customer_id,
        offerings.product_offering_id,
        consented.as_of_on,
        consented.session_key,
        offerings.event_type,
        offerings.event_count,
        offerings.last_occurred_at,
        -- rounded before it is added up: then the order of the addends does not show in the sum
        cast(
            offerings.event_count
            * interest_weights.interest_weight
            * power(
                cast(0.5 as double precision),
                consented.age_days / cast({{ var('interest_half_life_days') | int }} as double precision)
            ) as numeric(18, 8)
        ) as interest_score

    from consented
    inner join offerings
        on consented.session_key = offerings.session_key
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
        max(last_occurred_at) as last_interest_at

    from weighed
    group by
        customer_id,
        product_offering_id,
        as_of_on

)

select * from final
