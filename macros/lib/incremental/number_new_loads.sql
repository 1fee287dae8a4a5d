{#- The finished loads of `loads` that the model does not have yet, numbered on from its last number. For a model of one
    row per load that is only ever added to.

    Loads commit out of order, and a load's own number is the time at which it began: neither that nor a clock says
    what is new. The number given here does: it is handed out once, in the order in which loads are found, so that a
    model which remembers the highest one that it has seen has missed none (`new_loads`). -#}
{% macro number_new_loads(loads) -%}
    select
        found.load_id,
        {{ "last_number.load_number + " if is_incremental() -}}
        row_number() over (order by found.load_id) as load_number

    from {{ loads }} as found
    {%- if is_incremental() %}
    cross join (select coalesce(max(load_number), 0) as load_number from {{ this }}) as last_number
    left join {{ this }} as known
        on found.load_id = known.load_id
    {%- endif %}
    where
        found.load_status = 0
        {%- if is_incremental() %}
        and known.load_id is null
        {%- endif %}
{%- endmacro %}
