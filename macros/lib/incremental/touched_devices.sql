{#- From the events that the model has not seen. Both ends of the span of their numbers are said for the reason that
    `new_loads` has. -#}
{% macro from_new_events() -%}
    from {{ ref('int_events__deduplicated') }}
    where
        _load_number > (select coalesce(max(_load_number), 0) from {{ this }})
        and _load_number <= (select max(_load_number) from {{ ref('int_events__deduplicated') }})
{%- endmacro %}

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

    {{ from_new_events() }}
    group by device_id
{%- endmacro %}

{#- That a time is not before any touched device's: it chooses nothing, because `touched_devices` says when for each. But
    it is one time for all rows, so Redshift passes over the blocks that are older, and Postgres takes the rows for few
    and asks an index for each device. The end of time is there for Postgres alone, as the other end of a span. -#}
{% macro is_in_touched_days(time_column, days) -%}
    {{ time_column }} >= (
        select cast({{ days_before('min(occurred_at)', days) }} as timestamp)
        {{ from_new_events() }}
    )
    and {{ time_column }} <= cast('9999-12-31 23:59:59.999999' as timestamp)
{%- endmacro %}

{#- The rows of a relation that a model needs to build the touched devices anew, with `rebuilt_from_at`; all rows when
    the model itself is built anew. `rebuilt_days` is how far back before the first new event rows may change, by
    `time_column`, `read_days` how far back one has to read to know them; docs/web-sessions.md says how far that is,
    and why. -#}
{% macro rows_of_touched_devices(relation, columns, time_column=none, rebuilt_days=none, read_days=none) -%}
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
    where
        {{ is_in_touched_days('found.' ~ time_column, read_days or rebuilt_days) }}
            {%- endif %}
    {%- endif %}
{%- endmacro %}
