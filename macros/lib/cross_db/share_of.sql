{#- `part` of `whole` as 0..1 with four decimals; null when there is no whole. Counts divide as integers on
    both engines, and numeric division keeps a different number of decimals on each: hence the double. -#}
{% macro share_of(part, whole) -%}
    cast(cast({{ part }} as double precision) / nullif({{ whole }}, 0) as numeric(18, 4))
{%- endmacro %}
