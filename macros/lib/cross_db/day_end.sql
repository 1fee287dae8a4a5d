{#- The moment at which a date is over: the first of the next day, less a microsecond, so that `valid_at` asks what held
    when the day ended. -#}
{% macro day_end(column) -%}
    {{ dbt.dateadd('microsecond', -1, dbt.dateadd('day', 1, column) | trim) | trim }}
{%- endmacro %}
