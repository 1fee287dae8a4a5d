{#- The commands whose results are kept; the others (compile, docs, show ...) build and test nothing, and may run where
    there is no database. What runs every few seconds says `is_run_logged: false` most of the time. -#}
{% macro is_logged() -%}
    {{ return(execute and var('is_run_logged') and flags.WHICH in ('build', 'run', 'test', 'seed', 'snapshot')) }}
{%- endmacro %}

{#- The tables of the run log, made before the first node runs, since models read them. For on-run-start.
    A transaction of its own: on Postgres a hook runs outside of one, and nobody would commit it. -#}
{% macro create_run_log() -%}
    {%- if is_logged() -%}
begin;
create schema if not exists run_log;
create table if not exists run_log.invocations (
    invocation_id varchar(36) not null,
    command varchar(16) not null,
    target_name varchar(64) not null,
    dbt_version varchar(32) not null,
    started_at timestamp not null,
    ended_at timestamp not null
);
create table if not exists run_log.node_results (
    invocation_id varchar(36) not null,
    node_id varchar(512) not null,
    resource_type varchar(16) not null,
    materialization varchar(32),
    status varchar(16) not null,
    started_at timestamp,
    execution_seconds double precision,
    affected_count bigint,
    failure_count bigint,
    message varchar(1024)
);
create table if not exists run_log.row_counts (
    invocation_id varchar(36) not null,
    relation_name varchar(255) not null,
    row_count bigint not null
);
create table if not exists run_log.source_loads (
    invocation_id varchar(36) not null,
    source_name varchar(64) not null,
    load_id varchar(64) not null,
    landed_at timestamp not null
);
commit;
    {%- endif -%}
{%- endmacro %}
