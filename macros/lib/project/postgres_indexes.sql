{#- The `indexes` of a table: what keys of distribution and sorting do on Redshift, and what Redshift does not have. -#}
{% macro postgres_indexes(unique, others=[]) -%}
    {{ return(adapter.dispatch('postgres_indexes')(unique, others)) }}
{%- endmacro %}

{% macro redshift__postgres_indexes(unique, others) -%}
    {{ return([]) }}
{%- endmacro %}

{% macro postgres__postgres_indexes(unique, others) -%}
    {%- set indexes = [{'columns': unique, 'unique': true}] -%}
    {%- for columns in others -%}
        {%- do indexes.append({'columns': columns}) -%}
    {%- endfor -%}
    {{ return(indexes) }}
{%- endmacro %}
