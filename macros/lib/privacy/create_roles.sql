{#- Makes the roles that the project grants something to, where they are missing. May be run again at any time:
    `dbt run-operation create_roles`. Who is a member of a role is not the project's to say. -#}
{% macro create_roles() -%}
    {%- if execute -%}
        {%- set there = run_query(roles_there()).columns[0].values() -%}
        {%- for role in granted_roles().keys() | sort if role not in there -%}
            {%- do run_query('create role ' ~ adapter.quote(role)) -%}
            {%- do log('created role ' ~ role, info=true) -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{#- The schemas in which each role may read something, by role. -#}
{% macro granted_roles() -%}
    {%- set found = {} -%}
    {%- for node in graph.nodes.values() if node.resource_type in ('model', 'seed', 'snapshot') -%}
        {%- for role in (node.config.get('grants') or {}).get('select', []) -%}
            {%- set schemas = found.setdefault(role, []) -%}
            {%- do schemas.append(node.schema) if node.schema not in schemas -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{#- A role that may read a table has to be let into its schema, of which dbt's grants know nothing. For on-run-end, with
    the schemas of the run. -#}
{% macro grant_schemas(schemas) -%}
    {%- if execute and is_logged() and are_grants_given() -%}
begin;
        {%- for role, readable in granted_roles().items() -%}
            {%- for schema in schemas if schema in readable %}
grant usage on schema {{ adapter.quote(schema) }} to {{ to_role(role) }};
            {%- endfor -%}
        {%- endfor %}
commit;
    {%- endif -%}
{%- endmacro %}

{% macro roles_there() -%}
    {{ return(adapter.dispatch('roles_there')()) }}
{%- endmacro %}

{% macro redshift__roles_there() -%}
    select role_name from svv_roles
{%- endmacro %}

{% macro postgres__roles_there() -%}
    select rolname from pg_catalog.pg_roles
{%- endmacro %}

{% macro to_role(role) -%}
    {{ return(adapter.dispatch('to_role')(role)) }}
{%- endmacro %}

{% macro redshift__to_role(role) -%}
    role {{ adapter.quote(role) }}
{%- endmacro %}

{% macro postgres__to_role(role) -%}
    {{ adapter.quote(role) }}
{%- endmacro %}
