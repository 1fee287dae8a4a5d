{{ config(dist='customer_id', sort=['customer_id', 'valid_from_at']) }}

with

periods as (

    select * from {{ ref('int_customers__periods') }}

),

final as (

    select
        customer_id,
        valid_from_at,
        valid_to_at,
        valid_to_at is null as is_current,
        version_number,
        party_id,
        customer_status,
        status_reason

    from periods

)

select * from final
