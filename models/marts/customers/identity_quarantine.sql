-- Read whole, by whoever reviews it: nothing to distribute by.
{{ config(dist='even', sort='reason') }}

{%- set lowest_confidence = var('identity_confidence_levels') | min -%}

with

links as (

    select * from {{ ref('int_identity__links_judged') }}

),

components as (

    select * from {{ ref('int_identity__components') }}
    where confidence_level = {{ lowest_confidence }}

),

components_judged as (

    select * from {{ ref('int_identity__components_judged') }}
    where confidence_level = {{ lowest_confidence }}

),

customers as (

    select * from {{ ref('int_identity__customers_resolved') }}

),

shared_identifiers as (

    select * from {{ ref('int_identity__identifiers_quarantined') }}

),

identifiers as (

    select * from {{ ref('int_identity__identifiers') }}

),

-- Two customers who are linked and not one person: for the link's own reason, or for that of the group it would
-- have made.
links_not_followed as (

    select
        'link' as quarantine_kind,
        coalesce(links.refusal_reason, components_judged.refusal_reason) as reason,
        links.left_customer_id as customer_id,
        links.right_customer_id as other_customer_id,
        links.rule_id,
        links.confidence,
        cast(null as varchar(16)) as identifier_kind,
        cast(null as varchar(320)) as identifier

    from links
    inner join customers as lefts
        on links.left_customer_id = lefts.customer_id
    inner join customers as rights
        on links.right_customer_id = rights.customer_id
    left join components
        on links.left_customer_id = components.customer_id
    left join components_judged
        on components.component_id = components_judged.component_id
    where lefts.person_key <> rights.person_key

),

identifiers_not_used as (

    select distinct
        'identifier' as quarantine_kind,
        'identifier_of_too_many_customers' as reason,
        identifiers.customer_id,
        cast(null as varchar(64)) as other_customer_id,
        cast(null as varchar(64)) as rule_id,
        cast(null as numeric(5, 4)) as confidence,
        identifiers.identifier_kind,
        identifiers.identifier

    from identifiers
    inner join shared_identifiers
        on
            identifiers.identifier_kind = shared_identifiers.identifier_kind
            and identifiers.identifier = shared_identifiers.identifier

),

unioned as (

    select * from links_not_followed
    union all
    select * from identifiers_not_used

),

final as (

    select
        md5(
            customer_id
            || '|' || coalesce(other_customer_id, '')
            || '|' || coalesce(identifier_kind, '')
            || '|' || coalesce(identifier, '')
        ) as quarantine_key,
        quarantine_kind,
        reason,
        reason <> 'below_confidence' as is_held_by_guard,
        customer_id,
        other_customer_id,
        rule_id,
        confidence,
        identifier_kind,
        identifier

    from unioned

)

select * from final
