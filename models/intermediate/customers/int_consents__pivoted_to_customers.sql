with

consents as (

    select * from {{ ref('int_consents__latest_kept') }}

),

-- A withdrawn consent and one never given are the same thing to whoever asks: no.
final as (

    select
        customer_id,
        bool_or(consent_purpose = 'marketing_email' and consent_status = 'granted') as has_consented_marketing_email,
        bool_or(consent_purpose = 'marketing_sms' and consent_status = 'granted') as has_consented_marketing_sms,
        bool_or(consent_purpose = 'profiling' and consent_status = 'granted') as has_consented_profiling,
        bool_or(consent_purpose = 'data_sharing' and consent_status = 'granted') as has_consented_data_sharing

    from consents
    group by customer_id

)

select * from final
