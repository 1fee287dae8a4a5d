{#- SHA-256 of a text's UTF-8, as 64 hexadecimal digits in lower case. -#}
{% macro sha256_hex(text) -%}
    {{ return(adapter.dispatch('sha256_hex')(text)) }}
{%- endmacro %}

{% macro redshift__sha256_hex(text) -%}
    sha2({{ text }}, 256)
{%- endmacro %}

{% macro postgres__sha256_hex(text) -%}
    encode(sha256(convert_to({{ text }}, 'UTF8')), 'hex')
{%- endmacro %}
