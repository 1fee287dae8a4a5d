{#- An e-mail address as it is compared: without blanks around it, in lower case. Null for what is no address. -#}
{% macro normal_email_address(column) -%}
    case when trim({{ column }}) like '_%@_%' then lower(trim({{ column }})) end
{%- endmacro %}
