with

customers as (

    select * from {{ ref('stg_crm__customers') }}

),

-- CRM sends a customer whenever something has changed; two versions of the same second are one.
ranked as (

    select
        *,
        row_number() over (
            partition by customer_id, last_updated_at
            order by
                _dlt_load_id desc,
                _source_uri desc,
                _source_row desc
        ) as version_rank

    from customers

),

versions as (

    select
        customer_id,
        party_id,
        customer_status,
        status_reason,
        last_updated_at

    from ranked
    where version_rank = 1

),

preceded as (

    select
        *,
        lag(customer_status) over (
            partition by customer_id
            order by last_updated_at
        ) as previous_status,
        lag(coalesce(status_reason, '')) over (
            partition by customer_id
            order by last_updated_at
        ) as previous_reason,
        lag(party_id) over (
            partition by customer_id
            order by last_updated_at
        ) as previous_party_id

    from versions

),

-- A version that changes a name or an address only is the same customership: periods, not mail.
changes as (

    select *
    from preceded
    where
        previous_status is null
        or customer_status <> previous_status
        or coalesce(status_reason, '') <> previous_reason
        or party_id <> previous_party_id

),

final as (

    select
        customer_id,
        party_id,
        customer_status,
        status_reason,
        last_updated_at as valid_from_at,
        lead(last_updated_at) over (
            partition by customer_id
            order by last_updated_at
        ) as valid_to_at,
        row_number() over (
            partition by customer_id
            order by last_updated_at
        ) as version_number

    from changes

)

select * from final
