{#- Every row is about a customer who has consented to the purpose; with `at`, who had at that time: that is what counts
    for what has been done with the data. Never asked is no. A model that has a `meta.purpose` has this test. -#}
{% test has_consent(model, purpose, at=none) %}

{%- set now = ref('int_consents__pivoted_to_customers') -%}
{%- set history = ref('int_consents__followed') %}

with

used as (

    select * from {{ model }}

),

consents as (

    select * from {{ now if at is none else history }}

)

select used.customer_id
from used
{% if at is none -%}
left join consents
    on used.customer_id = consents.customer_id
where not coalesce(consents.has_consented_{{ purpose }}, false)
{%- else -%}
left join consents
    on
        used.customer_id = consents.customer_id
        and consents.consent_purpose = '{{ purpose }}'
        and {{ valid_at('consents', 'used.' ~ at) }}
where coalesce(consents.consent_status, 'never asked') <> 'granted'
{%- endif %}

{% endtest %}
