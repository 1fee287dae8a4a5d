{#- The customers and feature dates for which a model of features has no rows yet; all of them when it is built anew. -#}
{% macro new_feature_rows() -%}
    {#- here, so that dbt sees the dependency when nothing is there yet, too -#}
    {%- set population = ref('int_features__population') -%}
    select
        customer_id,
        feature_on

    from {{ population }}
    {%- if is_incremental() %}
    where feature_on > (select coalesce(max(feature_on), cast('0001-01-01' as date)) from {{ this }})
    {%- endif %}
{%- endmacro %}
