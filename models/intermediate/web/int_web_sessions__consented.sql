-- A table, although it is read twice only: on Postgres a view falls with the visits when those are built from nothing.
{{ config(dist='customer_id', sort='customer_id') }}

with

web_sessions as (

    select * from {{ ref('fct_web_sessions') }}

),

consents as (

    select * from {{ ref('int_consents__pivoted_to_customers') }}

),

as_of as (

    select * from {{ ref('int_reporting__as_of') }}

),

-- Who has not said yes to profiling is not here, and neither is anybody whom we do not know. A visit that is only taken
-- to be the customer's counts: that is what the consent was asked for.
final as (

    select
        web_sessions.session_key,
        web_sessions.stitched_customer_id as customer_id,
        as_of.as_of_on,
        -- of what has happened since the reporting day, nothing has faded
        greatest({{ dbt.datediff('web_sessions.started_at', 'as_of.as_of_on', 'day') }}, 0) as age_days,
        web_sessions.event_count,
        web_sessions._load_number

    from web_sessions
    inner join consents
        on web_sessions.stitched_customer_id = consents.customer_id
    cross join as_of
    where
        consents.has_consented_profiling
        and web_sessions.started_at
        >= {{ dbt.dateadd('day', -(var('interest_window_days') | int), 'as_of.as_of_on') | trim }}

)

select * from final
