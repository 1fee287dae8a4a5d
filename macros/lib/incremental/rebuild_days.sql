{#- The days of usage that loads have changed which the model has not seen: whatever has come or gone. -#}
{% macro touched_days() -%}
    select distinct used_on
    from {{ ref('int_usage__days_touched') }}
    where _load_number > (select coalesce(max(_load_number), 0) from {{ this }})
{%- endmacro %}

{#- The incremental strategy `rebuild_days`: what the table holds of the touched days makes room for what was built anew.
    Deleting by key would leave behind what nothing is built of any more. -#}
{% macro get_incremental_rebuild_days_sql(arg_dict) -%}
    {%- set target = arg_dict['target_relation'] -%}
    delete from {{ target }}
    where used_on in ({{ touched_days() }});

    {{ get_insert_into_sql(target, arg_dict['temp_relation'], arg_dict['dest_columns']) }}
{%- endmacro %}
