{#- For a test of what lands, in front of the model `reader`: the deliveries of which the reader has not read every row.
    The reader waits for the test, so what it holds has passed; a test that has failed asks again until it is mended.
    Everything, where the reader is not there yet, in a full refresh, and where there is no database to ask.

    In the database of what is tested: the graph may have been read for another. -#}
{% macro not_yet_read(model, numbered_loads, reader) -%}
    {%- set found = [] -%}
    {%- if execute and flags.INTROSPECT and not flags.FULL_REFRESH -%}
        {%- for node in graph.nodes.values() if node.resource_type == 'model' and node.name == reader -%}
            {%- do found.append(load_relation(model.incorporate(path={'schema': node.schema, 'identifier': node.alias}))) -%}
        {%- endfor -%}
    {%- endif -%}
    {%- if found and found[0] is not none %}
where
    _source_uri in (
        select delivered._source_uri
        from {{ model }} as delivered
        left join {{ numbered_loads }} as numbered
            on delivered._dlt_load_id = numbered.load_id
        where
            numbered.load_id is null
            or numbered.load_number > (select coalesce(max(_load_number), 0) from {{ found[0] }})
    )
    {%- endif -%}
{%- endmacro %}
