with

customer_versions as (

    select * from {{ ref('stg_crm__customers') }}

),

last_alive as (

    select
        customer_id,
        max(last_updated_at) as last_alive_at

    from customer_versions
    where customer_status <> 'terminated'
    group by customer_id

),

-- The first of the versions that say so: CRM goes on to change customers who have left.
final as (

    select
        customer_versions.customer_id,
        min(customer_versions.last_updated_at) as ended_at

    from customer_versions
    left join last_alive
        on customer_versions.customer_id = last_alive.customer_id
    where
        customer_versions.customer_status = 'terminated'
        and (last_alive.last_alive_at is null or customer_versions.last_updated_at > last_alive.last_alive_at)
    group by customer_versions.customer_id

)

select * from final
