with

consents as (

    select * from {{ ref('stg_crm__consents') }}

),

suppressions as (

    select * from {{ ref('recommendation_suppressions') }}

),

bots as (

    select * from {{ ref('int_events__bots_set_aside') }}

),

late_events as (

    select * from {{ ref('int_events__late_set_aside') }}

),

-- Two records of one decision, with the same beginning: the history holds the one that was recorded last.
overruled_consents as (

    select
        count(distinct consent_id)
        - count(distinct {{ hash_key("customer_id || '|' || consent_purpose", 'valid_from_at') }}) as excluded_count

    from consents

),

set_aside as (

    select set_aside_reason from bots
    union all
    select set_aside_reason from late_events

),

counted as (

    select
        'crm' as source_name,
        'consents' as resource_name,
        'overruled' as exclusion_reason,
        excluded_count

    from overruled_consents
    union all
    select
        'recommendations' as source_name,
        'product_recommendations' as resource_name,
        'no_consent' as exclusion_reason,
        cast(coalesce(sum(no_consent_count), 0) as bigint) as excluded_count

    from suppressions
    union all
    select
        'events' as source_name,
        'events' as resource_name,
        set_aside_reason as exclusion_reason,
        count(*) as excluded_count

    from set_aside
    group by set_aside_reason

),

final as (

    select
        source_name,
        resource_name,
        exclusion_reason,
        excluded_count

    from counted
    -- fewer than none would be decisions that nobody landed: then the balance is to say so
    where excluded_count > 0

)

select * from final
