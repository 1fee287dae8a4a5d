{#- '15-10-2014 6:58' as a timestamp. `to_timestamp` would read it in the session's time zone, and how it
    takes an hour of one digit is not the same promise on both engines; an ISO text is. -#}
{% macro parse_day_first_timestamp(column) -%}
    cast(
        substring({{ column }}, 7, 4)
        || '-' || substring({{ column }}, 4, 2)
        || '-' || substring({{ column }}, 1, 2)
        || ' ' || lpad(split_part({{ column }}, ' ', 2), 5, '0')
        as timestamp
    )
{%- endmacro %}
