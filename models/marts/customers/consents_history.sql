{{ config(dist='customer_id', sort=['customer_id', 'consent_purpose']) }}

with

consents as (

    select * from {{ ref('int_consents__followed') }}

),

final as (

    select
        customer_id,
        consent_purpose,
        consent_status,
        consent_status = 'granted' as is_granted,
        channel,
        valid_from_at,
        valid_to_at,
        valid_to_at is null as is_current

    from consents

)

select * from final
