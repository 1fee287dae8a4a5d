-- Read one customer at a time and joined to everything by customer: both keys are the customer.
{{ config(dist='customer_id', sort='customer_id') }}

with

customers as (

    select * from {{ ref('int_customers__latest_kept') }}

),

person_customers as (

    select * from {{ ref('person_customers') }}

),

contact_media as (

    select * from {{ ref('int_contact_media__pivoted_to_customers') }}

),

consents as (

    select * from {{ ref('int_consents__pivoted_to_customers') }}

),

products as (

    select * from {{ ref('int_products__summed_to_customers') }}

),

product_names as (

    select * from {{ ref('int_products__names_listed_per_customer') }}

),

latest_bills as (

    select * from {{ ref('int_bills__latest_per_customer') }}

),

balances as (

    select * from {{ ref('int_bills__summed_to_customers') }}

),

usage as (

    select * from {{ ref('int_usage__summed_over_last_30_days') }}

),

latest_contacts as (

    select * from {{ ref('int_contacts__latest_per_customer') }}

),

tickets as (

    select * from {{ ref('int_trouble_tickets__summed_to_customers') }}

),

interactions as (

    select * from {{ ref('int_contacts__summed_to_customers') }}

),

survey_responses as (

    select * from {{ ref('int_survey_responses__latest_per_customer') }}

),

product_orders as (

    select * from {{ ref('int_product_orders__summed_to_customers') }}

),

payment_behaviour as (

    select * from {{ ref('int_payments__summed_to_behaviour') }}

),

linked_devices as (

    select * from {{ ref('int_devices__linked_to_customers') }}

),

latest_sessions as (

    select * from {{ ref('int_web_sessions__latest_per_customer') }}

),

as_of as (

    select * from {{ ref('int_reporting__as_of') }}

),

persons as (

    select
        customer_id,
        person_key,
        count(*) over (partition by person_key) - 1 as other_customer_count

    from person_customers

),

devices as (

    select
        customer_id,
        count(*) as device_count

    from linked_devices
    group by customer_id

),

final as (

    select
        customers.customer_id,
        as_of.as_of_on,

        -- who it is
        persons.person_key,
        persons.other_customer_count,
        customers.party_id,
        customers.given_name,
        customers.family_name,
        customers.born_on,
        customers.language,
        customers.customer_status,
        customers.status_reason,
        customers.customer_since_on,

        -- how to reach them
        contact_media.preferred_email_address,
        contact_media.preferred_phone_number,
        contact_media.street_line,
        contact_media.city,
        contact_media.post_code,
        contact_media.country_code,
        coalesce(contact_media.email_address_count, 0) as email_address_count,
        coalesce(contact_media.phone_number_count, 0) as phone_number_count,
        coalesce(devices.device_count, 0) as device_count,

        -- what they allow; never asked is no
        coalesce(consents.has_consented_marketing_email, false) as has_consented_marketing_email,
        coalesce(consents.has_consented_marketing_sms, false) as has_consented_marketing_sms,
        coalesce(consents.has_consented_profiling, false) as has_consented_profiling,
        coalesce(consents.has_consented_data_sharing, false) as has_consented_data_sharing,

        -- what they have
        coalesce(products.active_product_count, 0) as active_product_count,
        product_names.active_product_names,
        {{ as_amount('coalesce(products.recurring_amount, 0)') }} as recurring_amount,
        coalesce(product_orders.open_order_count, 0) as open_order_count,
        product_orders.last_ordered_at,

        -- what they owe
        latest_bills.bill_no as last_bill_no,
        latest_bills.billed_on as last_billed_on,
        latest_bills.due_on as last_bill_due_on,
        latest_bills.due_amount as last_bill_due_amount,
        {{ as_amount('coalesce(balances.balance_amount, 0)') }} as balance_amount,
        {{ as_amount('coalesce(balances.overdue_amount, 0)') }} as overdue_amount,
        coalesce(balances.overdue_amount, 0) > 0 as is_overdue,
        coalesce(payment_behaviour.dunning_level, 0) as dunning_level,
        payment_behaviour.late_bill_share,

        -- what they use
        coalesce(usage.duration_seconds, 0) as last_30_days_voice_seconds,
        coalesce(usage.data_bytes, 0) as last_30_days_data_bytes,
        coalesce(usage.message_count, 0) as last_30_days_message_count,
        {{ as_amount('coalesce(usage.rated_amount, 0)') }} as last_30_days_rated_amount,

        -- when we last spoke
        latest_contacts.contacted_at as last_contact_at,
        latest_contacts.contact_kind as last_contact_kind,
        latest_contacts.channel as last_contact_channel,
        latest_contacts.reason as last_contact_reason,
        latest_contacts.last_interaction_at,
        coalesce(tickets.open_ticket_count, 0) as open_ticket_count,

        -- how content they are
        coalesce(interactions.contact_count, 0) as last_90_days_contact_count,
        coalesce(interactions.repeat_contact_count, 0) as last_90_days_repeat_contact_count,
        survey_responses.survey_score as last_survey_score,
        survey_responses.responded_at as last_survey_answered_at,

        -- when they last looked
        latest_sessions.started_at as last_session_at,
        latest_sessions.landing_page_url as last_session_landing_page_url,
        latest_sessions.device_kind as last_session_device_kind

    from customers
    cross join as_of
    left join persons
        on customers.customer_id = persons.customer_id
    left join contact_media
        on customers.customer_id = contact_media.customer_id
    left join consents
        on customers.customer_id = consents.customer_id
    left join products
        on customers.customer_id = products.customer_id
    left join product_names
        on customers.customer_id = product_names.customer_id
    left join latest_bills
        on customers.customer_id = latest_bills.customer_id
    left join balances
        on customers.customer_id = balances.customer_id
    left join usage
        on customers.customer_id = usage.customer_id
    left join latest_contacts
        on customers.customer_id = latest_contacts.customer_id
    left join tickets
        on customers.customer_id = tickets.customer_id
    left join interactions
        on customers.customer_id = interactions.customer_id
    left join survey_responses
        on customers.customer_id = survey_responses.customer_id
    left join product_orders
        on customers.customer_id = product_orders.customer_id
    left join payment_behaviour
        on customers.customer_id = payment_behaviour.customer_id
    left join devices
        on customers.customer_id = devices.customer_id
    left join latest_sessions
        on customers.customer_id = latest_sessions.customer_id

)

select * from final
