with

party_interactions as (

    select * from {{ ref('int_party_interactions__deduplicated') }}
    where customer_id is null

),

product_orders as (

    select * from {{ ref('int_product_orders__latest_kept') }}
    where customer_id is null

),

identifiers as (

    select * from {{ ref('int_identity__identifiers') }}
    where identifier_kind in ('email', 'phone')

),

resolved as (

    select * from {{ ref('int_identity__customers_resolved') }}

),

endings as (

    select * from {{ ref('int_customers__ended') }}

),

contacts as (

    select
        'interaction' as contact_kind,
        party_interaction_id as contact_id,
        started_at as contacted_at,
        {{ normal_email_address('email_address') }} as email_address,
        {{ e164_phone_number('phone_number') }} as phone_number

    from party_interactions
    union all
    select
        'product_order' as contact_kind,
        product_order_id as contact_id,
        ordered_at as contacted_at,
        {{ normal_email_address('email_address') }} as email_address,
        {{ e164_phone_number('phone_number') }} as phone_number

    from product_orders

),

given as (

    select
        contact_kind,
        contact_id,
        contacted_at,
        'email' as identifier_kind,
        email_address as identifier

    from contacts
    where email_address is not null
    union all
    select
        contact_kind,
        contact_id,
        contacted_at,
        'phone' as identifier_kind,
        phone_number as identifier

    from contacts
    where phone_number is not null

),

-- Whose the address or the number was at that moment: not before it was, and not after it went to somebody else.
holders as (

    select
        given.contact_kind,
        given.contact_id,
        given.identifier_kind,
        identifiers.customer_id,
        resolved.person_key,
        endings.ended_at is null or given.contacted_at < endings.ended_at as is_active

    from given
    inner join identifiers
        on
            given.identifier_kind = identifiers.identifier_kind
            and given.identifier = identifiers.identifier
            and given.contacted_at >= identifiers.valid_from_at
            and (identifiers.valid_to_at is null or given.contacted_at < identifiers.valid_to_at)
    inner join resolved
        on identifiers.customer_id = resolved.customer_id
    left join endings
        on identifiers.customer_id = endings.customer_id

),

-- Who has left is thought of only when nobody else comes into question.
considered as (

    select
        *,
        bool_or(is_active) over (partition by contact_kind, contact_id) as is_anybody_active

    from holders

),

kinds_known as (

    select
        contact_kind,
        contact_id,
        count(distinct identifier_kind) as kind_count

    from considered
    where is_active = is_anybody_active
    group by
        contact_kind,
        contact_id

),

persons as (

    select
        contact_kind,
        contact_id,
        person_key,
        count(distinct identifier_kind) as kind_count,
        bool_or(identifier_kind = 'email') as is_found_by_email,
        bool_or(identifier_kind = 'phone') as is_found_by_phone,
        count(distinct case when is_active then customer_id end) as active_customer_count,
        max(case when is_active then customer_id end) as active_customer_id

    from considered
    where is_active = is_anybody_active
    group by
        contact_kind,
        contact_id,
        person_key

),

-- A person has to hold all that anybody holds: an address of one and a number of another are nobody's.
agreed as (

    select
        persons.contact_kind,
        persons.contact_id,
        count(*) as person_count,
        max(persons.person_key) as person_key,
        max(persons.active_customer_count) as active_customer_count,
        max(persons.active_customer_id) as active_customer_id,
        max(case
            when persons.is_found_by_email and persons.is_found_by_phone then 'email_and_phone'
            when persons.is_found_by_email then 'email'
            else 'phone'
        end) as found_by

    from persons
    inner join kinds_known
        on
            persons.contact_kind = kinds_known.contact_kind
            and persons.contact_id = kinds_known.contact_id
            and persons.kind_count = kinds_known.kind_count
    group by
        persons.contact_kind,
        persons.contact_id

),

final as (

    select
        contacts.contact_kind,
        contacts.contact_id,
        contacts.contacted_at,
        case
            when agreed.person_count = 1 and agreed.active_customer_count = 1 then agreed.active_customer_id
        end as customer_id,
        case when agreed.person_count = 1 then agreed.person_key end as person_key,
        case when agreed.person_count = 1 then agreed.found_by end as found_by,
        case
            when kinds_known.kind_count is null then 'nobody_known'
            when agreed.person_count is null then 'identifiers_disagree'
            when agreed.person_count > 1 then 'several_persons'
            when agreed.active_customer_count = 1 then 'one_customer'
            when agreed.active_customer_count > 1 then 'several_customers'
            else 'customer_has_left'
        end as attribution_outcome

    from contacts
    left join kinds_known
        on
            contacts.contact_kind = kinds_known.contact_kind
            and contacts.contact_id = kinds_known.contact_id
    left join agreed
        on
            contacts.contact_kind = agreed.contact_kind
            and contacts.contact_id = agreed.contact_id

)

select * from final
