{#- One row: what has landed in a raw table, what of it a later version has replaced, and what is modelled.
    `landed` is the staging view, `key` what tells records apart, `modelled` the model that keeps one row of each,
    `modelled_count` how to count its records when it has not one row for each. -#}
{% macro mass_balance(source_name, resource_name, landed, key, modelled, modelled_count='count(*)') -%}
    select
        '{{ source_name }}' as source_name,
        '{{ resource_name }}' as resource_name,
        landed.landed_count,
        landed.landed_count - landed.record_count as superseded_count,
        modelled.modelled_count

    from (
        select
            count(*) as landed_count,
            count(distinct {{ key }}) as record_count

        from {{ landed }}
    ) as landed
    cross join (
        select cast(coalesce({{ modelled_count }}, 0) as bigint) as modelled_count
        from {{ modelled }}
    ) as modelled
{%- endmacro %}
