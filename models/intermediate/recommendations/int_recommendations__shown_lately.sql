with

recommendations as (

    select * from {{ ref('int_recommendations__consented') }}

),

events as (

    select * from {{ ref('int_events__deduplicated') }}
    where event_type = 'recommendation_shown'

),

as_of as (

    select * from {{ ref('int_reporting__as_of') }}

),

-- the seven days that end with the reporting day
final as (

    select
        recommendations.customer_id,
        count(*) as shown_count

    from events
    inner join recommendations
        on events.recommendation_id = recommendations.recommendation_id
    inner join as_of
        on
            cast(events.occurred_at as date)
            between {{ days_before('as_of.as_of_on', 6) }} and as_of.as_of_on
    group by recommendations.customer_id

)

select * from final
