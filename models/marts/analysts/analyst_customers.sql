with

customers as (

    select * from {{ ref('customer_view') }}

),

pseudonym_key as (

    select * from {{ source('privacy', 'pseudonym_keys') }}

),

final as (

    select
        {{ pseudonym_of('customers.customer_id') }} as customer_hash,
        customers.as_of_on,
        customers.language,
        customers.customer_status,
        customers.status_reason,
        customers.customer_since_on,
        cast(extract(year from customers.born_on) as integer) as birth_year,
        customers.city,
        customers.country_code,
        customers.email_address_count,
        customers.phone_number_count,
        customers.device_count,
        customers.has_consented_marketing_email,
        customers.has_consented_marketing_sms,
        customers.has_consented_profiling,
        customers.has_consented_data_sharing,
        customers.active_product_count,
        customers.active_product_names,
        customers.recurring_amount,
        customers.open_order_count,
        customers.last_ordered_at,
        customers.last_billed_on,
        customers.last_bill_due_on,
        customers.last_bill_due_amount,
        customers.balance_amount,
        customers.overdue_amount,
        customers.is_overdue,
        customers.dunning_level,
        customers.late_bill_share,
        customers.last_30_days_voice_seconds,
        customers.last_30_days_data_bytes,
        customers.last_30_days_message_count,
        customers.last_30_days_rated_amount,
        customers.last_contact_at,
        customers.last_contact_kind,
        customers.last_contact_channel,
        customers.last_contact_reason,
        customers.last_interaction_at,
        customers.open_ticket_count,
        customers.last_90_days_contact_count,
        customers.last_90_days_repeat_contact_count,
        customers.last_survey_score,
        customers.last_survey_answered_at,
        customers.last_session_at,
        customers.last_session_device_kind

    from customers
    cross join pseudonym_key

)

select * from final
