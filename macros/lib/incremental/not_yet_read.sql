{#- For a test of what lands, in front of the model `reader`: the deliveries of which the reader has not read every row;
    of everything where `held_by` knows none. -#}
{% macro not_yet_read(model, numbered_loads, reader) -%}
    {%- set held = held_by(reader, model) -%}
    {%- if held is not none %}
where
    _source_uri in (
        select delivered._source_uri
        from {{ model }} as delivered
        left join {{ numbered_loads }} as numbered
            on delivered._dlt_load_id = numbered.load_id
        where
            numbered.load_id is null
            or numbered.load_number > (select coalesce(max(_load_number), 0) from {{ held }})
    )
    {%- endif -%}
{%- endmacro %}

{#- The table of an incremental model that comes after a test of `tested`. In `dbt build` it waits for the test, so what
    it holds has passed, and a test that has failed asks again until it is mended. `dbt run` reads without asking: so
    `dbt test` is to ask of everything. None, for that: outside of a build, in a full refresh, where the reader is not
    there yet, and where there is no database to ask.

    In the database of what is tested: the graph may have been read for another. -#}
{% macro held_by(reader, tested) -%}
    {%- set found = [] -%}
    {%- if execute and flags.WHICH == 'build' and flags.INTROSPECT and not flags.FULL_REFRESH -%}
        {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.name == reader -%}
            {%- do found.append(load_relation(tested.incorporate(path={'schema': node.schema, 'identifier': node.alias}))) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(found[0] if found else none) }}
{%- endmacro %}
