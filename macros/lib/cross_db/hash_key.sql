{#- A surrogate key of a text and a timestamp. `to_char` because the two engines print a timestamp's
    fraction differently when it is cast to text. -#}
{% macro hash_key(text_column, timestamp_column) -%}
    md5({{ text_column }} || '|' || to_char({{ timestamp_column }}, 'YYYY-MM-DD HH24:MI:SS.US'))
{%- endmacro %}
