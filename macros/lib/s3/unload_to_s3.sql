{#- The statement that writes a query's rows, or a relation's, to S3. For hooks and operations.
    Written in parallel, so several objects; a run before this one is swept away, or readers would see both. -#}
{% macro unload_to_s3(rows, url, file_format='parquet', options='cleanpath') -%}
    {{ return(adapter.dispatch('unload_to_s3')(rows, url, file_format, options)) }}
{%- endmacro %}

{% macro redshift__unload_to_s3(rows, url, file_format, options) -%}
    {%- set query = rows if rows is string else 'select * from ' ~ rows -%}
    unload ('{{ dbt.escape_single_quotes(query) }}')
    to '{{ url }}'
    {{ s3_role() }}
    format as {{ file_format }} {{ options }}
{%- endmacro %}

{% macro postgres__unload_to_s3(rows, url, file_format, options) -%}
    {{ exceptions.raise_compiler_error(
        'unload_to_s3 needs Redshift: Postgres has no UNLOAD. Run it with --target standin, or prod.'
    ) }}
{%- endmacro %}

{#- Who the cluster is when it talks to S3: its default role, unless `s3_iam_role` names another. -#}
{% macro s3_role() -%}
    iam_role {{ "'" ~ var('s3_iam_role') ~ "'" if var('s3_iam_role') else 'default' }}
{%- endmacro %}
