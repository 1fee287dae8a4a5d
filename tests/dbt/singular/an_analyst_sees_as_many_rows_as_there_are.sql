-- These views put a hash in the place of a name, with a key of which there is one. That the key of their rows is as
-- unique as the facts' is asked by counting: to compute the hash of every row again would say no more.
with

counted as (

    select
        'analyst_usage_daily' as view_name,
        (select count(*) from {{ ref('analyst_usage_daily') }}) as shown_count,
        (select count(*) from {{ ref('fct_usage_daily') }}) as fact_count
    union all
    select
        'analyst_web_sessions' as view_name,
        (select count(*) from {{ ref('analyst_web_sessions') }}) as shown_count,
        (select count(*) from {{ ref('fct_web_sessions') }}) as fact_count

)

select
    view_name,
    shown_count,
    fact_count

from counted
where shown_count <> fact_count
