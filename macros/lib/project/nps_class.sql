{#- The class of an answer to "how likely are you to recommend us", 0 to 10: the Net Promoter Score's. -#}
{% macro nps_class(score) -%}
    case
        when {{ score }} >= 9 then 'promoter'
        when {{ score }} >= 7 then 'passive'
        else 'detractor'
    end
{%- endmacro %}
