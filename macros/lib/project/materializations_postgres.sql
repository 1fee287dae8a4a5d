{#- dbt's own `table` and `view` on Postgres, in fewer statements: one of them puts the new relation in the place of the
    old, where dbt renames twice, drops, and builds itself a context for each. That was a fifth of what dbt computed in a
    build of this project. As with dbt's own, readers see the old one until the new one is complete. -#}
{% materialization table, adapter='postgres' %}
    {%- set old = load_cached_relation(this) -%}
    {%- set target = this.incorporate(type='table') -%}
    {%- set new = make_intermediate_relation(target) -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% call statement('main') -%}
        {{ get_create_table_as_sql(False, new, sql) }}
    {%- endcall %}
    {%- do create_indexes(new) -%}
    {%- do take_the_place_of(old, new, target) -%}

    {{ return({'relations': [target]}) }}
{% endmaterialization %}

{% materialization view, adapter='postgres' %}
    {%- set old = load_cached_relation(this) -%}
    {%- set target = this.incorporate(type='view') -%}
    {%- set new = make_intermediate_relation(target) -%}

    {{ run_hooks(pre_hooks, inside_transaction=False) }}
    {{ run_hooks(pre_hooks, inside_transaction=True) }}
    {% call statement('main') -%}
        {{ get_create_view_as_sql(new, sql) }}
    {%- endcall %}
    {%- do take_the_place_of(old, new, target) -%}

    {{ return({'relations': [target]}) }}
{% endmaterialization %}

{#- What dbt does once the new relation is complete, in dbt's order. -#}
{% macro take_the_place_of(old, new, target) -%}
    {% call statement('swap') -%}
        {% if old is not none -%}
            drop {{ old.type | replace('_', ' ') }} if exists {{ old }} cascade;
        {% endif -%}
        alter {{ new.type }} {{ new }} rename to {{ adapter.quote(target.identifier) }}
    {%- endcall %}
    {%- if old is not none -%}
        {#- and the views that read it, which went with it -#}
        {%- do adapter.cache_dropped(old) -%}
    {%- endif -%}
    {%- do run_hooks(post_hooks, inside_transaction=True) -%}
    {%- do apply_grants(target, config.get('grants'), should_revoke=should_revoke(old, full_refresh_mode=True)) -%}
    {%- do persist_docs(target, model) -%}
    {%- do adapter.commit() -%}
    {%- do run_hooks(post_hooks, inside_transaction=False) -%}
{%- endmacro %}
