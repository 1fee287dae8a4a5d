{#- The columns together are the grain: never null, never twice. One scan for both questions, and on Postgres hardly any
    where a unique index answers the second. With `reader`, an incremental model that is built after this, only of
    deliveries that it has not read whole. -#}
{% test has_unique_key(model, columns, numbered_loads=none, reader=none) %}

select
    {{ columns | join(",\n    ") }},
    count(*) as row_count

from {{ model }}
{{- not_yet_read(model, numbered_loads, reader) if reader else unless_indexed(model, columns) }}
group by
    {{ columns | join(",\n    ") }}
having
    count(*) > 1
{%- for column in columns %}
    or {{ column }} is null
{%- endfor %}

{% endtest %}
