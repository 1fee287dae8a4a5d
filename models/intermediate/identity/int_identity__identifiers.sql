with

customers as (

    select * from {{ ref('int_customers__latest_kept') }}

),

contact_media as (

    select * from {{ ref('int_contact_media__latest_kept') }}

),

products as (

    select * from {{ ref('int_products__latest_kept') }}

),

devices as (

    select * from {{ ref('int_devices__linked_to_customers') }}

),

parties as (

    select
        customer_id,
        'party' as identifier_kind,
        party_id as identifier,
        cast(customer_since_on as timestamp) as valid_from_at,
        cast(null as timestamp) as valid_to_at

    from customers

),

email_addresses as (

    select
        customer_id,
        'email' as identifier_kind,
        {{ normal_email_address('email_address') }} as identifier,
        valid_from_at,
        valid_to_at

    from contact_media
    where contact_type = 'email'

),

phone_numbers as (

    select
        customer_id,
        'phone' as identifier_kind,
        {{ e164_phone_number('phone_number') }} as identifier,
        valid_from_at,
        valid_to_at

    from contact_media
    where contact_type = 'phone'

),

subscriptions as (

    select
        customer_id,
        'subscription' as identifier_kind,
        {{ e164_phone_number('msisdn') }} as identifier,
        started_at as valid_from_at,
        terminated_at as valid_to_at

    from products

),

-- Between the first login and the last we know whose the device is; before and after, we do not.
logins as (

    select
        customer_id,
        'device' as identifier_kind,
        device_id as identifier,
        first_seen_at as valid_from_at,
        last_seen_at as valid_to_at

    from devices

),

unioned as (

    select * from parties
    union all
    select * from email_addresses
    union all
    select * from phone_numbers
    union all
    select * from subscriptions
    union all
    select * from logins

),

-- The same address in two spellings, from the same moment: one identifier, which holds as long as either does.
final as (

    select
        unioned.customer_id,
        unioned.identifier_kind,
        unioned.identifier,
        unioned.valid_from_at,
        case when count(*) = count(unioned.valid_to_at) then max(unioned.valid_to_at) end as valid_to_at

    from unioned
    -- a medium or a product of a customer whom CRM has not sent yet waits for the customer
    inner join customers
        on unioned.customer_id = customers.customer_id
    where unioned.identifier is not null
    group by
        unioned.customer_id,
        unioned.identifier_kind,
        unioned.identifier,
        unioned.valid_from_at

)

select * from final
