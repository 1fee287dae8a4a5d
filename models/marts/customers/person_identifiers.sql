-- Asked in both directions, mostly for one person.
{{ config(dist='person_key', sort=['identifier_kind', 'identifier']) }}

with

identifiers as (

    select * from {{ ref('int_identity__identifiers') }}

),

person_customers as (

    select * from {{ ref('person_customers') }}

),

guests as (

    select * from {{ ref('int_identity__devices_of_guests') }}

),

customer_numbers as (

    select
        person_key,
        'customer' as identifier_kind,
        customer_id as identifier,
        'crm' as found_by,
        cast(null as timestamp) as valid_from_at,
        cast(null as timestamp) as valid_to_at

    from person_customers

),

held as (

    select
        person_customers.person_key,
        identifiers.identifier_kind,
        identifiers.identifier,
        case
            when identifiers.identifier_kind = 'device' then 'login'
            when identifiers.identifier_kind = 'subscription' then 'inventory'
            else 'crm'
        end as found_by,
        identifiers.valid_from_at,
        identifiers.valid_to_at

    from identifiers
    inner join person_customers
        on identifiers.customer_id = person_customers.customer_id

),

ordered_from as (

    select
        person_key,
        'device' as identifier_kind,
        device_id as identifier,
        'guest_order' as found_by,
        first_seen_at as valid_from_at,
        last_seen_at as valid_to_at

    from guests

),

unioned as (

    select * from customer_numbers
    union all
    select * from held
    union all
    select * from ordered_from

),

final as (

    select
        person_key,
        identifier_kind,
        identifier,
        found_by,
        min(valid_from_at) as valid_from_at,
        case when count(*) = count(valid_to_at) then max(valid_to_at) end as valid_to_at

    from unioned
    group by
        person_key,
        identifier_kind,
        identifier,
        found_by

)

select * from final
