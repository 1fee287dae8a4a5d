-- These views put a hash in the place of a name, with a key of which there is one. That the key of their rows is as
-- unique as the facts' is asked by counting: to compute the hash of every row again would say no more.
with

shown as (

    select
        'analyst_usage_daily' as view_name,
        count(*) as shown_count

    from {{ ref('analyst_usage_daily') }}
    union all
    select
        'analyst_web_sessions' as view_name,
        count(*) as shown_count

    from {{ ref('analyst_web_sessions') }}

),

facts as (

    select
        'analyst_usage_daily' as view_name,
        count(*) as fact_count

    from {{ ref('fct_usage_daily') }}
    union all
    select
        'analyst_web_sessions' as view_name,
        count(*) as fact_count

    from {{ ref('fct_web_sessions') }}

)

select
    shown.view_name,
    shown.shown_count,
    facts.fact_count

from shown
inner join facts
    on shown.view_name = facts.view_name
where shown.shown_count <> facts.fact_count
