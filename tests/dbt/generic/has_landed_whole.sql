{#- Every row was landed by a load that ran to its end, and has what `required` names: one scan for both. An ingest that
    was killed half-way leaves rows behind whose load is not in `_dlt_loads`, or not with status 0; the next `ingest` of
    that source clears them away. Until then nothing downstream is built, rather than half a day being reported as a
    day.

    `_dlt_loads` is found beside the table and not passed as a source: a test that depends on two sources would
    not hold back a model that reads only one of them. -#}
{% test has_landed_whole(model, required=[]) %}

{%- set loads = model.incorporate(path={"identifier": "_dlt_loads"}) %}

with

landed as (

    select
        _dlt_load_id as load_id,
{%- for column in required %}
        count({{ column }}) as {{ column }}_count,
{%- endfor %}
        count(*) as row_count

    from {{ model }}
    group by _dlt_load_id

),

finished_loads as (

    select load_id from {{ loads }}
    where status = 0

)

select
    landed.*,
    case when finished_loads.load_id is null then 1 else 0 end as is_left_over

from landed
left join finished_loads
    on landed.load_id = finished_loads.load_id
where
    finished_loads.load_id is null
{%- for column in required %}
    or landed.{{ column }}_count < landed.row_count
{%- endfor %}

{% endtest %}
