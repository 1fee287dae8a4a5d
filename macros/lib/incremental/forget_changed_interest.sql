{#- Before `customer_product_interest` adds what is missing: away with the rows of customers whose fingerprint is another
    one now, or who have none any more, because they have taken back their consent. -#}
{% macro forget_changed_interest() -%}
    {%- if is_incremental() -%}
    delete from {{ this }}
    where not exists (
        select 1
        from {{ ref('int_web_sessions__fingerprinted_per_customer') }} as fingerprinted
        where
            fingerprinted.customer_id = {{ this.identifier }}.customer_id
            and fingerprinted.interest_fingerprint = {{ this.identifier }}._interest_fingerprint
    )
    {%- endif -%}
{%- endmacro %}
