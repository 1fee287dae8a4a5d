{%- set tables = [
    ('crm', 'customers', 'stg_crm__customers', 'customer_id', 'int_customers__latest_kept'),
    ('crm', 'contact_media', 'stg_crm__contact_media', 'contact_medium_id', 'int_contact_media__latest_kept'),
    ('crm', 'consents', 'stg_crm__consents', 'consent_id', 'consents_history'),
    ('billing', 'bills', 'stg_billing__bills', 'bill_no', 'fct_bills'),
    ('billing', 'bill_items', 'stg_billing__bill_items', 'bill_item_id', 'int_bill_items__deduplicated'),
    ('billing', 'payments', 'stg_billing__payments', 'payment_id', 'fct_payments'),
    ('billing', 'top_ups', 'stg_billing__top_ups', 'top_up_id', 'fct_top_ups'),
    ('billing', 'dunning_notices', 'stg_billing__dunning_notices', 'dunning_notice_id', 'fct_dunning_notices'),
    ('catalog', 'product_offerings', 'stg_catalog__product_offerings', 'product_offering_id', 'int_product_offerings__latest_kept'),
    ('catalog', 'products', 'stg_catalog__products', 'product_id', 'int_products__latest_kept'),
    ('orders', 'product_orders', 'stg_orders__product_orders', 'product_order_id', 'fct_product_orders'),
    ('orders', 'product_order_items', 'stg_orders__product_order_items', 'product_order_item_id', 'int_product_order_items__latest_kept'),
    ('contacts', 'party_interactions', 'stg_contacts__party_interactions', 'party_interaction_id', 'int_party_interactions__deduplicated'),
    ('contacts', 'trouble_tickets', 'stg_contacts__trouble_tickets', 'trouble_ticket_id', 'int_trouble_tickets__latest_kept'),
    ('contacts', 'survey_responses', 'stg_contacts__survey_responses', 'survey_response_id', 'fct_survey_responses'),
    ('recommendations', 'product_recommendations', 'stg_recommendations__product_recommendations', 'recommendation_id', 'fct_product_recommendations'),
] -%}

with

exclusions as (

    select * from {{ ref('source_exclusions') }}

),

events as (

    select * from {{ ref('stg_events__events') }}

),

event_loads as (

    select * from {{ ref('int_events__loads_numbered') }}

),

-- The stream goes on landing while models are built: what counts is what the models have been given.
landed_events as (

    select events.*
    from events
    inner join event_loads
        on events._dlt_load_id = event_loads.load_id

),

landed_usage as (

    select count(*) as landed_count
    from {{ ref('stg_usage__usage') }} as records
    inner join {{ ref('int_usage__loads_numbered') }} as usage_loads
        on records._dlt_load_id = usage_loads.load_id

),

usage_days as (

    select
        cast(coalesce(sum(version_count - usage_count), 0) as bigint) as superseded_count,
        cast(coalesce(sum(usage_count), 0) as bigint) as modelled_count

    from {{ ref('int_usage__summed_to_days') }}

),

balances as (

    {% for source_name, resource_name, landed, key, modelled in tables %}
    {{ mass_balance(source_name, resource_name, ref(landed), key, ref(modelled)) }}
    union all
    {% endfor %}
    -- usage is modelled by the day, and a day says of how many rows and of how many records it is made
    select
        'usage' as source_name,
        'usage' as resource_name,
        landed_usage.landed_count,
        usage_days.superseded_count,
        usage_days.modelled_count

    from landed_usage
    cross join usage_days
    union all
    -- and a visit, of how many events
    {{
        mass_balance(
            'events', 'events', 'landed_events', 'device_id, event_id', ref('fct_web_sessions'), 'sum(event_count)'
        )
    }}

),

excluded as (

    select
        source_name,
        resource_name,
        cast(sum(excluded_count) as bigint) as excluded_count

    from exclusions
    group by
        source_name,
        resource_name

),

final as (

    select
        balances.source_name,
        balances.resource_name,
        balances.landed_count,
        balances.superseded_count,
        coalesce(excluded.excluded_count, 0) as excluded_count,
        balances.modelled_count,
        balances.landed_count
        - balances.superseded_count
        - coalesce(excluded.excluded_count, 0)
        - balances.modelled_count as missing_count

    from balances
    left join excluded
        on
            balances.source_name = excluded.source_name
            and balances.resource_name = excluded.resource_name

)

select * from final
