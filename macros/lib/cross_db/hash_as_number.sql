{#- The first eight hexadecimal digits of a hash as a number: sums of them tell sets of hashes apart. -#}
{% macro hash_as_number(hash_column) -%}
    {{ return(adapter.dispatch('hash_as_number')(hash_column)) }}
{%- endmacro %}

{% macro redshift__hash_as_number(hash_column) -%}
    strtol(left({{ hash_column }}, 8), 16)
{%- endmacro %}

{% macro postgres__hash_as_number(hash_column) -%}
    cast(cast('x' || left({{ hash_column }}, 8) as bit(32)) as bigint)
{%- endmacro %}
