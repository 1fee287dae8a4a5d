{#- Whole seconds from one timestamp to a later one, as bigint. Both count the second marks that are passed:
    from 00:00:00.9 to 00:00:01.1 is 1. -#}
{% macro seconds_between(started_at, ended_at) -%}
    {{ return(adapter.dispatch('seconds_between')(started_at, ended_at)) }}
{%- endmacro %}

{% macro redshift__seconds_between(started_at, ended_at) -%}
    cast(datediff(second, {{ started_at }}, {{ ended_at }}) as bigint)
{%- endmacro %}

{% macro postgres__seconds_between(started_at, ended_at) -%}
    cast(extract(epoch from date_trunc('second', {{ ended_at }}) - date_trunc('second', {{ started_at }})) as bigint)
{%- endmacro %}
