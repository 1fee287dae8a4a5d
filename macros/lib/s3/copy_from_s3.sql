{#- The statement that loads objects below a url into a relation. For hooks and operations.
    Parquet goes by position: name the columns if the objects do not hold all of them in the table's order. -#}
{% macro copy_from_s3(relation, url, columns=[], file_format='parquet', options='') -%}
    {{ return(adapter.dispatch('copy_from_s3')(relation, url, columns, file_format, options)) }}
{%- endmacro %}

{% macro redshift__copy_from_s3(relation, url, columns, file_format, options) -%}
    copy {{ relation }}{% if columns %} ({{ columns | join(', ') }}){% endif %}
    from '{{ url }}'
    {{ s3_role() }}
    format as {{ file_format }} {{ options }}
{%- endmacro %}

{% macro postgres__copy_from_s3(relation, url, columns, file_format, options) -%}
    {{ exceptions.raise_compiler_error(
        'copy_from_s3 needs Redshift: Postgres cannot read S3. Run it with --target standin, or prod.'
    ) }}
{%- endmacro %}
