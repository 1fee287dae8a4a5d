-- How often the customer looked in at the web shop, as of the feature date.
{{ config(indexes=postgres_indexes(['customer_id', 'feature_on'])) }}

with

population as (

    {{ new_feature_rows() }}

),

-- Visits by their login. Whose the others are is concluded from logins before and after them, and those after were not
-- known.
logins as (

    select * from {{ ref('int_web_sessions__logins_counted') }}

),

seen as (

    select
        population.customer_id,
        population.feature_on,
        sum(
            case
                when cast(logins.logged_in_at as date) >= {{ days_before('population.feature_on', 29) }} then 1
                else 0
            end
        ) as session_count,
        max(logins.logged_in_at) as last_logged_in_at

    from population
    inner join logins
        on
            population.customer_id = logins.customer_id
            and population.feature_on >= cast(logins.logged_in_at as date)
    group by
        population.customer_id,
        population.feature_on

),

final as (

    select
        population.customer_id,
        population.feature_on,
        coalesce(seen.session_count, 0) as last_30_days_session_count,
        {{ days_between('cast(seen.last_logged_in_at as date)', 'population.feature_on') }} as days_since_session

    from population
    left join seen
        on
            population.customer_id = seen.customer_id
            and population.feature_on = seen.feature_on

)

select * from final
