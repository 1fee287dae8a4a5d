with

customers as (

    select * from {{ ref('int_customers__latest_kept') }}

),

history as (

    select * from {{ ref('int_customers__periods') }}

),

consents as (

    select * from {{ ref('int_consents__followed') }}

),

joined as (

    select
        customer_id,
        cast(customer_since_on as timestamp) as happened_at,
        'joined' as entry_type,
        customer_id as entity_id,
        'became a customer' as entry_text,
        cast(null as numeric(18, 4)) as entry_amount

    from customers
    -- who has only asked for an offer is none yet
    where customer_status <> 'prospective'

),

-- The first version is what we were told at the beginning, and no change.
status_changed as (

    select
        customer_id,
        valid_from_at as happened_at,
        'status_changed' as entry_type,
        customer_id as entity_id,
        'now ' || customer_status || coalesce(': ' || status_reason, '') as entry_text,
        cast(null as numeric(18, 4)) as entry_amount

    from history
    where version_number > 1

),

consent_changed as (

    select
        customer_id,
        valid_from_at as happened_at,
        'consent_changed' as entry_type,
        consent_purpose as entity_id,
        consent_purpose || ' ' || consent_status as entry_text,
        cast(null as numeric(18, 4)) as entry_amount

    from consents

),

final as (

    select * from joined
    union all
    select * from status_changed
    union all
    select * from consent_changed

)

select * from final
