{#- The finished loads of `loads` that the model does not have yet, numbered on from its last number. For a model of one
    row per load that is only ever added to, and remembers `finished_at`.

    Loads commit out of order, and a load's own number is the time at which it began: neither that nor a clock says
    what is new. The number given here does: it is handed out once, in the order in which loads are found, so that a
    model which remembers the highest one that it has seen has missed none (`new_loads`).

    A stream has a load for every second. So that a run does not read years of them, loads are looked for back to
    `days` before the last one that was found, or before today if that is earlier: a load says when it is finished just
    before it commits, and no transaction takes days. The test `every_finished_load_is_numbered` finds what a clock that
    is wrong by days would hide. Both ends of the span are said for the reason that `new_loads` has. -#}
{% macro number_new_loads(loads, days=7) -%}
    select
        found.load_id,
        {{ "last_number.load_number + " if is_incremental() -}}
        row_number() over (order by found.load_id) as load_number,
        found.finished_at

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
        and found.finished_at >= (
            {%- set last = "coalesce(max(finished_at), cast('1970-01-01' as timestamp))" %}
            select {{ dbt.dateadd('day', -days, 'least(' ~ last ~ ', ' ~ to_utc_timestamp('current_timestamp') ~ ')') | trim }}
            from {{ this }}
        )
        and found.finished_at <= (select max(finished_at) from {{ loads }})
        {%- endif %}
{%- endmacro %}
