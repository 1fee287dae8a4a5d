{#- Every segment's id and condition, as the seed `segment_definitions` has them: the text of a condition becomes SQL, so
    it has to be known when the model is compiled. None where there is no database to ask (`dbt compile
    --no-introspect`), or before the seed has been loaded. -#}
{% macro segment_definitions() -%}
    {%- set definitions = [] -%}
    {%- set seed = ref('segment_definitions') -%}
    {%- if execute and flags.INTROSPECT and load_relation(seed) is not none -%}
        {%- for row in run_query('select segment_id, sql_condition from ' ~ seed ~ ' order by segment_id').rows -%}
            {%- do definitions.append({'segment_id': row['segment_id'], 'sql_condition': row['sql_condition']}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(definitions) }}
{%- endmacro %}
