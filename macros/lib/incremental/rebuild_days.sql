{#- The days of usage that loads have changed which the model has not seen: whatever has come or gone. -#}
{% macro touched_days() -%}
    select distinct used_on
    from {{ ref('int_usage__days_touched') }}
    where _load_number > (select coalesce(max(_load_number), 0) from {{ this }})
{%- endmacro %}

{#- The months of these days. -#}
{% macro touched_months() -%}
    select distinct cast(date_trunc('month', touched_days.used_on) as date) as month_started_on
    from ({{ touched_days() }}) as touched_days
{%- endmacro %}

{#- The incremental strategies `rebuild_days` and `rebuild_months`: what the table holds of the touched days or months
    makes room for what was built anew. Deleting by key would leave behind what nothing is built of any more. -#}
{% macro get_incremental_rebuild_days_sql(arg_dict) -%}
    {{ replace_touched(arg_dict, 'used_on', touched_days()) }}
{%- endmacro %}

{% macro get_incremental_rebuild_months_sql(arg_dict) -%}
    {{ replace_touched(arg_dict, 'month_started_on', touched_months()) }}
{%- endmacro %}

{% macro replace_touched(arg_dict, column, touched) -%}
    {%- set target = arg_dict['target_relation'] -%}
    delete from {{ target }}
    where {{ column }} in ({{ touched }});

    {{ get_insert_into_sql(target, arg_dict['temp_relation'], arg_dict['dest_columns']) }}
{%- endmacro %}
