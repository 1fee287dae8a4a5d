{%- set definitions = segment_definitions() if execute else [] -%}

with

customers as (

    select * from {{ ref('customer_view') }}

),

definitions as (

    select * from {{ ref('segment_definitions') }}

),

consents as (

    select * from {{ ref('int_consents__latest_kept') }}
    where consent_status = 'granted'

),

as_of as (

    select * from {{ ref('int_reporting__as_of') }}

),

-- A definition holds from its first day to its last, both included.
valid_definitions as (

    select
        definitions.segment_id,
        definitions.needs_consent_purpose

    from definitions
    inner join as_of
        on
            definitions.valid_from_on <= as_of.as_of_on
            and (definitions.valid_until_on is null or definitions.valid_until_on >= as_of.as_of_on)

),

described as (

    -- for the type of the column, and for when nothing is defined
    select
        customer_id,
        cast(null as varchar(64)) as segment_id

    from customers
    where false
    {% for definition in definitions %}
    union all
    select
        customer_id,
        cast({{ dbt.string_literal(definition.segment_id) }} as varchar(64)) as segment_id

    from customers
    where {{ segment_condition(definition.segment_id, definition.sql_condition) }}
    {% endfor %}

),

-- Never asked is no, and so is withdrawn: whoever says no is out with the next build.
final as (

    select
        described.customer_id,
        described.segment_id

    from described
    inner join valid_definitions
        on described.segment_id = valid_definitions.segment_id
    left join consents
        on
            described.customer_id = consents.customer_id
            and valid_definitions.needs_consent_purpose = consents.consent_purpose
    where
        valid_definitions.needs_consent_purpose is null
        or consents.customer_id is not null

)

select * from final
