{#- The sources that are landed here, each with its own `_deliveries` and `_quarantine`. -#}
{% macro source_names() -%}
    {%- set names = ['crm', 'billing', 'catalog', 'orders', 'usage', 'contacts', 'recommendations', 'events'] -%}
    {{ return(names + ['files'] if var('files_landed', false) else names) }}
{%- endmacro %}

{#- The same raw table of every source, one under the other, with the source's name in front. Columns are
    named one by one (quoted: some are reserved words on Redshift), since two tables may hold them in
    different orders. -#}
{% macro union_sources(table_name, columns) -%}
    {%- for source_name in source_names() %}
    select
        '{{ source_name }}' as source_name,
        {%- for column in columns %}
        {{ adapter.quote(column) }}{{ "," if not loop.last }}
        {%- endfor %}

    from {{ source(source_name, table_name) }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}
{%- endmacro %}
