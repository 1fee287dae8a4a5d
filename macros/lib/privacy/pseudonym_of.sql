{#- The pseudonym of an identifier, in a select that reads `pseudonym_key`, the one row of `privacy.pseudonym_keys`.
    Redshift's SQL functions read no tables, so the keys are handed over; never as literals, which would stand in every
    log and artefact. -#}
{% macro pseudonym_of(column) -%}
    cast(
        {{ function('pseudonym') }}({{ column }}, pseudonym_key.inner_key, pseudonym_key.outer_key) as varchar(64)
    )
{%- endmacro %}
