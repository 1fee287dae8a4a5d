{#- The incremental strategy `rebuild_devices`: what the table holds of the touched devices, from the same midnight on,
    makes room for what was built anew. Deleting by key would leave behind the visit that a late event has joined to
    another, or shown to be a bot's: nothing of that key is built any more.

    Set beside it: `unique_key`, and `meta.rebuilt_days` and `meta.rebuilt_by` as handed to `rows_of_touched_devices`. -#}
{% macro get_incremental_rebuild_devices_sql(arg_dict) -%}
    {%- set target = arg_dict['target_relation'] -%}
    {%- set unique_key = arg_dict['unique_key'] -%}
    {%- set keys = [unique_key] if unique_key is string else unique_key -%}
    {%- set days = config.meta_get('rebuilt_days') -%}
    delete from {{ target }}
    where ({{ keys | join(', ') }}) in (
        select
            {%- for key in keys %}
            held.{{ key }}{{ "," if not loop.last }}
            {%- endfor %}

        from {{ target }} as held
        inner join ({{ touched_devices(days) }}) as touched
            on
                held.device_id = touched.device_id
                {%- if days is not none %}
                and held.{{ config.meta_get('rebuilt_by') }} >= touched.rebuilt_from_at
        where
            {{ is_in_touched_days('held.' ~ config.meta_get('rebuilt_by'), days) }}
                {%- endif %}
    );

    {{ get_insert_into_sql(target, arg_dict['temp_relation'], arg_dict['dest_columns']) }}
{%- endmacro %}
