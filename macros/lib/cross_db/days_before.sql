{#- The date `days` days before the date `column`. Adding an interval to a date gives a timestamp,
    on both engines; this gives a date. -#}
{% macro days_before(column, days) -%}
    cast({{ dbt.dateadd('day', -days, column) | trim }} as date)
{%- endmacro %}
