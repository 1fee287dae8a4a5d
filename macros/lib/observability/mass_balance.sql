{#- One row: what has landed in a raw table, what of it a later version has replaced, and what is modelled.
    `landed` is the staging view, `key` the columns that tell records apart, `modelled` the model that keeps one row of
    each, `modelled_count` how to count its records when it has not one row for each.

    Records are counted by a group, not by `count(distinct)`, which would sort the whole table. -#}
{% macro mass_balance(source_name, resource_name, landed, key, modelled, modelled_count='count(*)') -%}
    select
        '{{ source_name }}' as source_name,
        '{{ resource_name }}' as resource_name,
        landed.landed_count,
        landed.landed_count - landed.record_count as superseded_count,
        modelled.modelled_count

    from (
        select
            cast(coalesce(sum(versions.version_count), 0) as bigint) as landed_count,
            count(*) as record_count

        from (
            select count(*) as version_count
            from {{ landed }}
            group by {{ key }}
        ) as versions
    ) as landed
    cross join (
        select cast(coalesce({{ modelled_count }}, 0) as bigint) as modelled_count
        from {{ modelled }}
    ) as modelled
{%- endmacro %}
