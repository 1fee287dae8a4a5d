{#- Days from one date to a later one, as integer; negative when the second is the earlier. -#}
{% macro days_between(started_on, ended_on) -%}
    {{ return(adapter.dispatch('days_between')(started_on, ended_on)) }}
{%- endmacro %}

{% macro redshift__days_between(started_on, ended_on) -%}
    cast(datediff(day, {{ started_on }}, {{ ended_on }}) as integer)
{%- endmacro %}

{% macro postgres__days_between(started_on, ended_on) -%}
    (cast({{ ended_on }} as date) - cast({{ started_on }} as date))
{%- endmacro %}
