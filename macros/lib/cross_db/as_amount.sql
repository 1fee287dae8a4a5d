{#- Money with its four decimals. A sum, or a coalesce with a plain 0, forgets them on Postgres and widens
    to 38 digits on Redshift. -#}
{% macro as_amount(expression) -%}
    cast({{ expression }} as numeric(18, 4))
{%- endmacro %}
