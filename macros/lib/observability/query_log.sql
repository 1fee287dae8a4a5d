{#- What dbt's statements cost, one row per statement: by the query log of the cluster where there is one. The query
    comment, at the head of each statement, names the node: `majakka prod model.majakka.customer_view`. -#}
{% macro query_log() -%}
    {{ return(adapter.dispatch('query_log')()) }}
{%- endmacro %}

{#- SYS_QUERY_HISTORY keeps seven days; times are microseconds. -#}
{% macro redshift__query_log() -%}
select
    cast(split_part(query_text, ' ', 4) as varchar(512)) as node_id,
    trim(query_label) as query_group,
    start_time as started_at,
    cast(elapsed_time as double precision) / 1000000 as elapsed_seconds,
    cast(queue_time as double precision) / 1000000 as queue_seconds

from sys_query_history
where
    query_text like '/* majakka % model.majakka.% */%'
    and end_time is not null
{%- endmacro %}

{#- Postgres keeps no log that SQL can read: what dbt measured stands for it. -#}
{% macro postgres__query_log() -%}
select
    node_id,
    cast(null as varchar(320)) as query_group,
    started_at,
    execution_seconds as elapsed_seconds,
    cast(0 as double precision) as queue_seconds

from {{ source('run_log', 'node_results') }}
where
    resource_type = 'model'
    and started_at is not null
{%- endmacro %}
