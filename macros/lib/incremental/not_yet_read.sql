{#- For a test of what lands, in front of the model `reader`: the deliveries of which the reader has not read every row;
    of everything where `last_number_read` knows of none. -#}
{% macro not_yet_read(model, numbered_loads, reader) -%}
    {%- set last_number = last_number_read(reader, model) -%}
    {%- if last_number is not none %}
where
    _source_uri in (
        select delivered._source_uri
        from {{ model }} as delivered
        left join {{ numbered_loads }} as numbered
            on delivered._dlt_load_id = numbered.load_id
        where
            numbered.load_id is null
            or numbered.load_number > {{ last_number }}
    )
    {%- endif -%}
{%- endmacro %}

{#- The number of the last load of which an incremental model that comes after a test of `tested` has read, as SQL. In
    `dbt build` it waits for the test, so what it has read has passed, and a test that has failed asks again until it is
    mended. `dbt run` reads without asking: so `dbt test` is to ask of everything. None, for that: outside of a build, in
    a full refresh, where the reader is not there yet, and where there is no database to ask.

    In the database of what is tested: the graph may have been read for another. -#}
{% macro last_number_read(reader, tested) -%}
    {%- set found = [] -%}
    {%- if execute and flags.WHICH == 'build' and flags.INTROSPECT and not flags.FULL_REFRESH -%}
        {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.name == reader -%}
            {%- do found.append(load_relation(tested.incorporate(path={'schema': node.schema, 'identifier': node.alias}))) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if found and found[0] is not none -%}
        {{ return('(select coalesce(max(_load_number), 0) from ' ~ found[0] ~ ')') }}
    {%- endif -%}
    {{ return(none) }}
{%- endmacro %}
