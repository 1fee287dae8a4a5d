{#- Whether a product is in service, or has been: what was cancelled before, or waits for its start, has not happened. -#}
{% macro has_come_into_service(product_status) -%}
    {{ product_status }} in ('active', 'suspended', 'pendingTerminate', 'terminated')
{%- endmacro %}
