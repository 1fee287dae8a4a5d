{#- The numbered loads that are newer than anything that the model holds; all of them when it is built anew. The model
    keeps the number of a row's load as `_load_number`. No number is beyond the last; that it is said all the same tells
    Postgres that few are meant: it takes a span to be short, and whatever is larger than something a third of it all. -#}
{% macro new_loads(numbered_loads) -%}
    select
        load_id,
        load_number

    from {{ numbered_loads }}
    {%- if is_incremental() %}
    where
        load_number > (select coalesce(max(_load_number), 0) from {{ this }})
        and load_number <= (select max(load_number) from {{ numbered_loads }})
    {%- endif %}
{%- endmacro %}
