{#- For a test of a key: passes over the table where a unique index refuses a key that comes twice, as the model's
    `indexes` declare and the database confirms. An index takes null for different from null: rows with one are read. -#}
{% macro unless_indexed(relation, columns) -%}
    {{ return(adapter.dispatch('unless_indexed')(relation, columns)) }}
{%- endmacro %}

{% macro redshift__unless_indexed(relation, columns) -%}
{%- endmacro %}

{% macro postgres__unless_indexed(relation, columns) -%}
    {#- here `model` is the test -#}
    {%- set tested = graph.nodes.get(model.attached_node) if execute and model.attached_node -%}
    {%- set declared = tested.config.get('indexes') or [] if tested else [] -%}
    {%- for index in declared if index.unique and index.columns | sort == columns | sort %}
where
    not exists (
        select 1
        from pg_index
        where
            indrelid = cast('{{ relation }}' as regclass)
            and indisunique
            and indisvalid
            and indpred is null
            and indnkeyatts = {{ columns | length }}
            and indnkeyatts = (
                select count(*)
                from pg_attribute
                where
                    attrelid = indrelid
                    and attnum = any(indkey)
                    and attname in ('{{ columns | join("', '") }}')
            )
    )
{%- for column in columns %}
    or {{ column }} is null
{%- endfor %}
    {%- endfor -%}
{%- endmacro %}
