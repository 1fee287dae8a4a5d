{#- The devices of which there are events that the model has not seen, with the midnight from which it builds them anew:
    `days` whole days before the first of those events. Without `days`, the whole device. -#}
{% macro touched_devices(days=none) -%}
    select
        device_id,
        {% if days is none -%}
            cast('0001-01-01' as timestamp) as rebuilt_from_at
        {%- else -%}
            cast({{ days_before('min(occurred_at)', days) }} as timestamp) as rebuilt_from_at
        {%- endif %}

    from {{ ref('int_events__deduplicated') }}
    where _load_number > (select coalesce(max(_load_number), 0) from {{ this }})
    group by device_id
{%- endmacro %}

{#- The rows of a relation that a model needs to build the touched devices anew, with `rebuilt_from_at`; all rows when
    the model itself is built anew. `rebuilt_days` is how far back before the first new event rows may change,
    `read_days` how far back one has to read to know them; docs/web-sessions.md says how far that is, and why. -#}
{% macro rows_of_touched_devices(relation, columns, time_column, rebuilt_days=none, read_days=none) -%}
    {#- here, so that dbt sees the dependency when the model is built anew, too -#}
    {%- set events = ref('int_events__deduplicated') -%}
    select
        {%- for column in columns %}
        found.{{ column }},
        {%- endfor %}
        {{ 'touched.rebuilt_from_at' if is_incremental() else "cast('0001-01-01' as timestamp) as rebuilt_from_at" }}

    from {{ relation }} as found
    {%- if is_incremental() %}
    inner join ({{ touched_devices(rebuilt_days) }}) as touched
        on
            found.device_id = touched.device_id
            {%- if rebuilt_days is not none %}
            and found.{{ time_column }}
            >= {{ dbt.dateadd('day', rebuilt_days - (read_days or rebuilt_days), 'touched.rebuilt_from_at') | trim }}
            {%- endif %}
    {%- endif %}
{%- endmacro %}
