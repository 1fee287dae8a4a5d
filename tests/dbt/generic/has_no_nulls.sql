{#- None of the columns is ever null. One scan for all of them, where `not_null` takes one for each. -#}
{% test has_no_nulls(model, columns) %}

select
{%- for column in columns %}
    sum(case when {{ column }} is null then 1 else 0 end) as {{ column }}
    {{- "," if not loop.last }}
{%- endfor %}

from {{ model }}
having
{%- for column in columns %}
    {{ "or " if not loop.first }}count(*) > count({{ column }})
{%- endfor %}

{% endtest %}
