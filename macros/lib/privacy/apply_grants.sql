{#- Instead of dbt's own: the grants of the project name roles (`analyst`), which Redshift's adapter wants called
    `role:analyst`; and they are given where the variable `grants` says so, which by default is prod alone, so that a
    laptop needs no roles. `create_roles` makes them. -#}
{% macro apply_grants(relation, grant_config, should_revoke) -%}
    {%- if are_grants_given() and grant_config -%}
        {%- set named = {} -%}
        {%- for privilege, roles in grant_config.items() -%}
            {%- do named.update({privilege: grantees_of(roles)}) -%}
        {%- endfor -%}
        {%- do dbt.apply_grants(relation, named, should_revoke) -%}
    {%- endif -%}
{%- endmacro %}

{% macro are_grants_given() -%}
    {%- set given = var('grants') -%}
    {{ return(target.name == 'prod' if given is none else given | as_bool) }}
{%- endmacro %}

{#- Roles as the adapter names them. -#}
{% macro grantees_of(roles) -%}
    {{ return(adapter.dispatch('grantees_of')(roles)) }}
{%- endmacro %}

{% macro redshift__grantees_of(roles) -%}
    {%- set named = [] -%}
    {%- for role in roles -%}
        {%- do named.append('role:' ~ role) -%}
    {%- endfor -%}
    {{ return(named) }}
{%- endmacro %}

{% macro postgres__grantees_of(roles) -%}
    {{ return(roles) }}
{%- endmacro %}
