with

telco_customer_churn as (

    select * from {{ source('files', 'telco_customer_churn') }}

),

final as (

    select
        customer_id,

        -- the person
        gender,
        senior_citizen = 1 as is_senior_citizen,
        partner = 'Yes' as has_partner,
        dependents = 'Yes' as has_dependents,

        -- the services; 'No phone service' and 'No internet service' are answers of their own
        phone_service = 'Yes' as has_phone_service,
        multiple_lines,
        internet_service,
        online_security,
        online_backup,
        device_protection,
        tech_support,
        streaming_tv,
        streaming_movies,

        -- the contract
        contract as contract_type,
        tenure as tenure_months,
        paperless_billing = 'Yes' as has_paperless_billing,
        payment_method,
        cast(monthly_charges as numeric(18, 4)) as monthly_charge_amount,
        -- blank in the file for those who have not been billed yet: not known, which is not zero
        cast(total_charges as numeric(18, 4)) as total_charge_amount,
        churn = 'Yes' as has_churned,

        -- where the row comes from
        _source_uri,
        _source_row,
        _dlt_load_id

    from telco_customer_churn

)

select * from final
