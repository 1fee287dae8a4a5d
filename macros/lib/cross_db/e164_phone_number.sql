{#- A phone number as E.164 writes it, `+358401234567`: without blanks, hyphens, brackets, dots and slashes, and with the
    country in front; a number that begins with a 0 is one of ours. Null for what is no number. The `regexp_replace`s are
    anchored: Postgres replaces the first match and Redshift every one. -#}
{% macro e164_phone_number(column) -%}
    {%- set number = namespace(sql=column) -%}
    {%- for mark in [' ', '-', '(', ')', '.', '/'] -%}
        {%- set number.sql = "replace(" ~ number.sql ~ ", '" ~ mark ~ "', '')" -%}
    {%- endfor -%}
    {%- set home = '+' ~ var('home_calling_code') -%}
    {%- set number.sql = "regexp_replace(" ~ number.sql ~ ", '^00', '+')" -%}
    {%- set number.sql = "regexp_replace(" ~ number.sql ~ ", '^0', '" ~ home ~ "')" -%}
    {#- +358 (0)40: the 0 is for calls from within the country -#}
    {%- set number.sql = "regexp_replace(" ~ number.sql ~ ", '^[+]" ~ var('home_calling_code') ~ "0', '" ~ home ~ "')" -%}
    case when {{ number.sql }} ~ '^[+][1-9][0-9]{5,14}$' then {{ number.sql }} end
{%- endmacro %}
