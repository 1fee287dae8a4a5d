{#- The instant of a `timestamp with time zone`, as a `timestamp` in UTC. A plain cast would use the
    session's time zone; `at time zone` says which one, in the same words on both engines. -#}
{% macro to_utc_timestamp(column) -%}
    {{ column }} at time zone 'UTC'
{%- endmacro %}
