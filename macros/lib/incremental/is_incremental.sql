{#- Instead of dbt's own, which asks the database whether the table is there: `dbt compile --no-introspect` has none.
    Without one it is the statement for a table that is there that gets compiled, the longer of the two. -#}
{% macro is_incremental() -%}
    {%- if execute and not flags.INTROSPECT -%}
        {{ return(model.config.materialized == 'incremental') }}
    {%- endif -%}
    {{ return(dbt.is_incremental()) }}
{%- endmacro %}
