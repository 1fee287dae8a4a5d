{#- Whether a version of a history was the valid one at a moment: from its beginning on, and before its end. The
    condition of a point-in-time join; a history without overlaps gives one version at most. -#}
{% macro valid_at(history, moment) -%}
    {{ history }}.valid_from_at <= {{ moment }}
    and ({{ history }}.valid_to_at is null or {{ moment }} < {{ history }}.valid_to_at)
{%- endmacro %}
