{#- The columns together are the grain: never null, never twice. One scan for both questions. -#}
{% test has_unique_key(model, columns) %}

select
    {{ columns | join(",\n    ") }},
    count(*) as row_count

from {{ model }}
group by
    {{ columns | join(",\n    ") }}
having
    count(*) > 1
{%- for column in columns %}
    or {{ column }} is null
{%- endfor %}

{% endtest %}
