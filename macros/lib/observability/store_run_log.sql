{#- What a run did, into the run log: the invocation, every node's outcome, the row counts of the tables it built, and
    the loads that its staging models have seen for the first time. For on-run-end. -#}
{% macro store_run_log(results) -%}
    {%- if is_logged() -%}
        {%- set kinds = ('model', 'seed', 'snapshot', 'test', 'unit_test') -%}
        {%- set kept = [] -%}
        {%- for result in results if result.node.resource_type in kinds -%}
            {%- do kept.append(result) -%}
        {%- endfor -%}
begin;
insert into run_log.invocations (invocation_id, command, target_name, dbt_version, started_at, ended_at)
values (
    '{{ invocation_id }}',
    '{{ flags.WHICH }}',
    {{ run_log_text(target.name, 64) }},
    '{{ dbt_version }}',
    {{ run_log_time(run_started_at) }},
    {{ run_log_time(modules.datetime.datetime.now(modules.pytz.utc)) }}
);
        {%- for some in kept | batch(500) %}
insert into run_log.node_results (
    invocation_id,
    node_id,
    resource_type,
    materialization,
    status,
    started_at,
    execution_seconds,
    affected_count,
    failure_count,
    message
)
values
            {%- for result in some %}
    {{ node_result_row(result) }}{{ "," if not loop.last }}
            {%- endfor %}
;
        {%- endfor -%}
        {{ insert_row_counts(kept) }}
        {{ insert_source_loads(kept) }}
commit;
    {%- endif -%}
{%- endmacro %}

{% macro node_result_row(result) -%}
    {%- set started = (result.timing | selectattr('name', 'equalto', 'execute') | list or [none])[0] -%}
    {%- set affected = result.adapter_response.get('rows_affected') -%}
    (
        '{{ invocation_id }}',
        {{ run_log_text(result.node.unique_id, 512) }},
        '{{ result.node.resource_type }}',
        {{ run_log_text(result.node.config.materialized, 32) }},
        '{{ result.status }}',
        {{ run_log_time(started.started_at if started else none) }},
        {{ result.execution_time if result.execution_time is not none else 'null' }},
        {#- Redshift says -1 where it does not say #}
        {{ affected if affected is number and affected >= 0 else 'null' }},
        {{ result.failures if result.failures is number else 'null' }},
        {#- the first line names the fault and the file; what follows may quote values of rows #}
        {{ run_log_text((result.message or '').split('\n')[0], 1024) if result.message else 'null' }}
    )
{%- endmacro %}

{#- Tables only: to count a view is to run it. Nothing is counted where `--empty` has emptied them. To count is to read,
    on Postgres: what a run has only added to is counted once a day, or each run would take as long as there is history. -#}
{% macro insert_row_counts(results) -%}
    {%- set counted = [] -%}
    {%- for result in results -%}
        {%- if result.status == 'success'
            and result.node.resource_type in ('model', 'seed', 'snapshot')
            and result.node.config.materialized not in ('view', 'ephemeral')
            and not flags.EMPTY -%}
            {%- do counted.append(result.node) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if counted %}
insert into run_log.row_counts (invocation_id, relation_name, row_count)
        {%- for node in counted %}
            {%- if node.config.materialized != 'incremental' or flags.FULL_REFRESH %}
select '{{ invocation_id }}', '{{ node.schema }}.{{ node.alias }}', count(*) from {{ node.relation_name }}
            {%- else %}
select '{{ invocation_id }}', '{{ node.schema }}.{{ node.alias }}', (select count(*) from {{ node.relation_name }})
from run_log.invocations
where
    invocation_id = '{{ invocation_id }}'
    and not exists (
        select 1
        from run_log.row_counts as counted
        inner join run_log.invocations as earlier
            on counted.invocation_id = earlier.invocation_id
        where
            counted.relation_name = '{{ node.schema }}.{{ node.alias }}'
            and earlier.ended_at > {{ run_log_time(run_started_at - modules.datetime.timedelta(days=1)) }}
    )
            {%- endif %}
            {{- " union all" if not loop.last }}
        {%- endfor %}
;
    {%- endif -%}
{%- endmacro %}

{#- Which loads a build has seen: found through the staging models that it built, since a source that nobody models
    here may not have landed. -#}
{% macro insert_source_loads(results) -%}
    {%- set schemas = {} -%}
    {%- for result in results if result.status == 'success' and result.node.resource_type == 'model' -%}
        {%- for name in result.node.depends_on.nodes if name.startswith('source.') -%}
            {%- set source = graph.sources[name] -%}
            {%- if source.source_name not in ('run_log', 'privacy') -%}
                {%- do schemas.update({source.source_name: source.schema}) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- for source_name, schema in schemas.items() %}
insert into run_log.source_loads (invocation_id, source_name, load_id, landed_at)
select
    '{{ invocation_id }}',
    '{{ source_name }}',
    loads.load_id,
    {{ to_utc_timestamp('loads.inserted_at') }}
from {{ adapter.quote(schema) }}._dlt_loads as loads
left join run_log.source_loads as known
    on
        loads.load_id = known.load_id
        and known.source_name = '{{ source_name }}'
where
    loads.status = 0
    and known.load_id is null
    -- no load takes days to commit, and there may be one for every second of years
    and {{ to_utc_timestamp('loads.inserted_at') }} >= (
        select {{ dbt.dateadd('day', -7, "coalesce(max(landed_at), cast('1970-01-01' as timestamp))") | trim }}
        from run_log.source_loads
        where source_name = '{{ source_name }}'
    )
;
    {%- endfor -%}
{%- endmacro %}

{#- A text as a literal, cut to a number of bytes' worth of characters. Redshift reads a backslash as an escape,
    Postgres does not; neither is worth a fault in a log. -#}
{% macro run_log_text(value, length) -%}
    {%- if value is none -%}
        null
    {%- else -%}
        {%- set plain = (value | string).replace('\\', '/').encode('ascii', 'replace').decode('ascii') -%}
        {{ dbt.string_literal(dbt.escape_single_quotes(plain[:length])) }}
    {%- endif -%}
{%- endmacro %}

{% macro run_log_time(moment) -%}
    {%- if moment is none -%}
        null
    {%- else -%}
        timestamp '{{ moment.strftime("%Y-%m-%d %H:%M:%S.%f") }}'
    {%- endif -%}
{%- endmacro %}
