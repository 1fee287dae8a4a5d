{%- set tables = [
    ('crm', 'customers', 'stg_crm__customers', 'customer_id', 'int_customers__latest_kept'),
    ('crm', 'contact_media', 'stg_crm__contact_media', 'contact_medium_id', 'int_contact_media__latest_kept'),
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
] -%}

with

balances as (

    {% for source_name, resource_name, landed, key, modelled in tables %}
    {{ mass_balance(source_name, resource_name, ref(landed), key, ref(modelled)) }}
    union all
    {% endfor %}
    -- usage is modelled by the day, and a day says of how many records it is made
    {{
        mass_balance(
            'usage', 'usage', ref('stg_usage__usage'), 'usage_id', ref('fct_usage_daily'), 'sum(usage_count)'
        )
    }}

),

final as (

    select
        source_name,
        resource_name,
        landed_count,
        superseded_count,
        modelled_count,
        landed_count - superseded_count - modelled_count as missing_count

    from balances

)

select * from final
