{#- Every link joins two customers of one component, at each level of confidence. A label only ever travels along
    links, so this is the whole proof that the rounds of `connected_components` were enough. When it fails, raise the
    variable `identity_rounds`: by one for chains of links twice as long. -#}
{% test is_converged(model, links) %}

with

components as (

    select * from {{ model }}

),

links as (

    select * from {{ links }}
    where refusal_reason is null

),

levels as (

    select distinct confidence_level from components

)

select
    levels.confidence_level,
    links.left_customer_id,
    links.right_customer_id,
    lefts.component_id as left_component_id,
    rights.component_id as right_component_id

from links
inner join levels
    on links.confidence >= levels.confidence_level
left join components as lefts
    on
        levels.confidence_level = lefts.confidence_level
        and links.left_customer_id = lefts.customer_id
left join components as rights
    on
        levels.confidence_level = rights.confidence_level
        and links.right_customer_id = rights.customer_id
where
    lefts.component_id is null
    or rights.component_id is null
    or lefts.component_id <> rights.component_id

{% endtest %}
