-- A view: it is read when somebody asks why a visit is missing.
{{ config(materialized='view') }}

with

events as (

    select * from {{ ref('int_events__grouped_into_sessions') }}

),

final as (

    select
        event_id,
        device_id,
        event_type,
        set_aside_reason,
        occurred_at

    from events
    where set_aside_reason in ('bot_by_user_agent', 'bot_by_rate')

)

select * from final
