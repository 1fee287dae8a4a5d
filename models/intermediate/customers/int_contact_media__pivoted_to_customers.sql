with

contact_media as (

    select * from {{ ref('int_contact_media__latest_kept') }}

),

-- A medium is in use until its validity ends. A date in the future counts as ended too: CRM sets it
-- when the customer has asked for the change.
in_use as (

    select * from contact_media
    where valid_to_at is null

),

counted as (

    select
        customer_id,
        -- the same address in two spellings is one address
        count(distinct lower(email_address)) as email_address_count,
        count(distinct phone_number) as phone_number_count

    from in_use
    group by customer_id

),

-- One of each type: CRM lets several be preferred at the same time, the one preferred last is meant.
ranked as (

    select
        *,
        row_number() over (
            partition by customer_id, contact_type
            order by
                valid_from_at desc,
                contact_medium_id desc
        ) as preference_rank

    from in_use
    where is_preferred

),

emails as (

    select
        customer_id,
        email_address

    from ranked
    where contact_type = 'email' and preference_rank = 1

),

phones as (

    select
        customer_id,
        phone_number

    from ranked
    where contact_type = 'phone' and preference_rank = 1

),

postal_addresses as (

    select
        customer_id,
        street_line,
        city,
        post_code,
        country_code

    from ranked
    where contact_type = 'postal_address' and preference_rank = 1

),

final as (

    select
        counted.customer_id,

        emails.email_address as preferred_email_address,
        phones.phone_number as preferred_phone_number,

        postal_addresses.street_line,
        postal_addresses.city,
        postal_addresses.post_code,
        postal_addresses.country_code,

        counted.email_address_count,
        counted.phone_number_count

    from counted
    left join emails
        on counted.customer_id = emails.customer_id
    left join phones
        on counted.customer_id = phones.customer_id
    left join postal_addresses
        on counted.customer_id = postal_addresses.customer_id

)

select * from final
