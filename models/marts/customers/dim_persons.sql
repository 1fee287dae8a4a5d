-- Small beside the facts, and joined to all of them, like dim_customers.
{{ config(dist='all', sort='person_key') }}

with

person_customers as (

    select * from {{ ref('person_customers') }}

),

customers as (

    select * from {{ ref('int_customers__latest_kept') }}

),

links as (

    select * from {{ ref('int_identity__links_judged') }}
    where refusal_reason is null

),

identifiers as (

    select * from {{ ref('person_identifiers') }}

),

contacts as (

    select * from {{ ref('int_contacts__latest_per_customer') }}

),

customerships as (

    select
        person_customers.person_key,
        max(case when person_customers.is_primary then person_customers.customer_id end) as primary_customer_id,
        count(*) as customer_count,
        sum(case when customers.customer_status = 'active' then 1 else 0 end) as active_customer_count,
        count(distinct customers.party_id) as party_count,
        min(customers.customer_since_on) as first_seen_on,
        max(contacts.contacted_at) as last_contacted_at

    from person_customers
    inner join customers
        on person_customers.customer_id = customers.customer_id
    left join contacts
        on person_customers.customer_id = contacts.customer_id
    group by person_customers.person_key

),

weakest_links as (

    select
        lefts.person_key,
        min(links.confidence) as confidence

    from links
    inner join person_customers as lefts
        on links.left_customer_id = lefts.customer_id
    inner join person_customers as rights
        on
            links.right_customer_id = rights.customer_id
            and lefts.person_key = rights.person_key
    group by lefts.person_key

),

-- What has ended is not counted; a device never ends, it is only not seen any more.
known_by as (

    select
        person_key,
        count(
            distinct case when identifier_kind = 'email' and valid_to_at is null then identifier end
        ) as email_address_count,
        count(
            distinct case when identifier_kind = 'phone' and valid_to_at is null then identifier end
        ) as phone_number_count,
        count(distinct case when identifier_kind = 'device' then identifier end) as device_count,
        max(case when identifier_kind = 'device' then valid_to_at end) as last_device_at

    from identifiers
    group by person_key

),

-- No names, no addresses, as in dim_customers.
final as (

    select
        customerships.person_key,
        customerships.primary_customer_id,
        customerships.customer_count,
        customerships.active_customer_count,
        customerships.party_count,
        known_by.email_address_count,
        known_by.phone_number_count,
        known_by.device_count,
        customerships.first_seen_on,
        -- null only when both are
        greatest(known_by.last_device_at, customerships.last_contacted_at) as last_seen_at,
        -- a person of one customer rests on no link
        cast(coalesce(weakest_links.confidence, 1) as numeric(5, 4)) as confidence

    from customerships
    -- every person is known by a customer number at least
    inner join known_by
        on customerships.person_key = known_by.person_key
    left join weakest_links
        on customerships.person_key = weakest_links.person_key

)

select * from final
