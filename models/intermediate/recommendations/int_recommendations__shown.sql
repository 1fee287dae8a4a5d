with

events as (

    select * from {{ ref('int_events__deduplicated') }}

),

final as (

    select
        recommendation_id,
        sum(case when event_type = 'recommendation_shown' then 1 else 0 end) as shown_count,
        sum(case when event_type = 'recommendation_clicked' then 1 else 0 end) as clicked_count,
        -- a click shows that it was shown, when the event that says so was lost
        min(occurred_at) as first_shown_at,
        min(case when event_type = 'recommendation_clicked' then occurred_at end) as first_clicked_at

    from events
    where
        event_type in ('recommendation_shown', 'recommendation_clicked')
        and recommendation_id is not null
    group by recommendation_id

)

select * from final
