{#- After a table has been written, on Postgres: what is in it. Autovacuum would find that out in a minute, and until then
    whoever reads the table plans blindly; a join of two such tables has taken two minutes in place of one second.
    Redshift does it by itself as it makes a table. -#}
{% macro analyze_table() -%}
    {{ return(adapter.dispatch('analyze_table')()) }}
{%- endmacro %}

{% macro redshift__analyze_table() -%}
{%- endmacro %}

{% macro postgres__analyze_table() -%}
    {%- if model.config.materialized in ('table', 'incremental') -%}
    analyze {{ this }}
    {%- endif -%}
{%- endmacro %}
