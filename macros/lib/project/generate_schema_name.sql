{#- Schemas are named for what they hold, the same on every target: `marts`, not `<user>_marts`.
    Without this, dbt would put the target's schema in front. -#}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
