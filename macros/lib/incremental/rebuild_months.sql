{#- The months with a day that loads have changed which the model has not seen. -#}
{% macro touched_months() -%}
    select distinct cast(date_trunc('month', used_on) as date) as month_started_on
    from {{ ref('int_usage__days_touched') }}
    where _load_number > (select coalesce(max(_load_number), 0) from {{ this }})
{%- endmacro %}

{#- The incremental strategy `rebuild_months`: as `rebuild_days`, for a table of months. -#}
{% macro get_incremental_rebuild_months_sql(arg_dict) -%}
    {%- set target = arg_dict['target_relation'] -%}
    delete from {{ target }}
    where month_started_on in ({{ touched_months() }});

    {{ get_insert_into_sql(target, arg_dict['temp_relation'], arg_dict['dest_columns']) }}
{%- endmacro %}
