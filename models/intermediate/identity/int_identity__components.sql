{%- set levels = var('identity_confidence_levels') -%}

with

links as (

    select * from {{ ref('int_identity__links_judged') }}
    where refusal_reason is null

),
{%- for level in levels %}

links_at_level_{{ loop.index }} as (

    select
        left_customer_id,
        right_customer_id

    from links
    where confidence >= {{ level }}

),

components_at_level_{{ loop.index }} as (

    {{ connected_components(
        'links_at_level_' ~ loop.index, 'left_customer_id', 'right_customer_id', var('identity_rounds')
    ) }}

),
{%- endfor %}

final as (
    {%- for level in levels %}

    select
        cast({{ level }} as numeric(5, 4)) as confidence_level,
        component as component_id,
        node as customer_id

    from components_at_level_{{ loop.index }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}

)

select * from final
